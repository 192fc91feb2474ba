import { z } from 'zod';
import { ERROR_CATALOG, type ErrorCode } from '../../domain/error-catalog.js';
import { apiSchema } from './api-operation.js';

const CODES = Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]];
const meanings = CODES.map((code) => `- \`${code}\` (${ERROR_CATALOG[code].class}): ${ERROR_CATALOG[code].meaning}`);

export const errorCodeSchema = apiSchema(
  'ErrorCode',
  z.enum(CODES).describe(`The code of an error. docs/errors.md says what to do.\n\n${meanings.join('\n')}`),
  'INVALID_LEAD',
  'LEDGER_UNAVAILABLE',
);
export const errorClassSchema = z.enum([...new Set(Object.values(ERROR_CATALOG).map((entry) => entry.class))]);

export const fieldProblemSchema = z.object({
  path: z.string().describe('The field as the sender named it; empty for the body as a whole.'),
  message: z.string(),
});

export const problemSchema = apiSchema(
  'Problem',
  z
    .object({
      type: z.string().describe('urn:revenueflow:error:<code>'),
      title: z.string(),
      status: z.int(),
      code: errorCodeSchema,
      detail: z.string().describe('What happened, what was kept, what to do. It never repeats a secret.'),
      errors: z.array(fieldProblemSchema),
      requestId: z
        .string()
        .optional()
        .describe('As in the header X-Request-Id and in the log; absent where no request could be read.'),
    })
    .describe('RFC 9457'),
  {
    type: 'urn:revenueflow:error:INVALID_LEAD',
    title: 'Bad Request',
    status: 400,
    code: 'INVALID_LEAD',
    detail: 'Nothing was stored. email: is not a valid e-mail address.',
    errors: [{ path: 'email', message: 'is not a valid e-mail address' }],
    requestId: '0b0c4a5e-5d7d-4c7a-9a70-6f2f3f7d8f11',
  },
);
