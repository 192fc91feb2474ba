import { z } from 'zod';
import { ERROR_CATALOG, type ErrorCode } from '../../domain/error-catalog.js';
import type { Component } from './operation.js';

export const LEAD_ID = 'db5828d4-a8ce-868b-8b1b-b40e6736011c';

/**
 * What POST /leads takes, for callers to read. ingress/read-lead.ts decides, and says more about what is wrong; the test of the
 * document sends the examples, and the contract test compares the two on what is refused.
 */
const leadSchema = z
  .looseObject({
    email: z.string().describe('A valid address; non-ASCII local parts and IDN domains are valid. It is trimmed.'),
    campaign_id: z
      .union([z.string().min(1).max(255), z.int()])
      .describe('Kept as a trimmed, NFC, case-sensitive string of 1 to 255 characters.'),
    name: z.string().max(500).nullish().describe('null and empty mean absent.'),
  })
  .describe(
    'Anything else (company, title, phone, country, message, source, utm_*, marketo_id, …) is kept as an attribute: null and empty ' +
      'are dropped, nested objects flattened with dots down to 8 levels, arrays kept as JSON text, of a repeated form key the last counts.',
  );

export const LEAD: Component = {
  name: 'Lead',
  schema: leadSchema,
  examples: [
    { email: 'lead@enterprise.com', name: 'Alex Smith', campaign_id: 'launch_2024' },
    {
      email: 'ann+x@acme.com',
      name: 'Ann "AJ" Lee',
      campaign_id: 987,
      marketo_id: '1042',
      company: 'Jack & Jill',
      title: 'VP Sales',
      message: 'We want a demo next week.',
    },
  ],
};

export const ACCEPTED: Component = {
  name: 'Accepted',
  schema: z.union([
    z.object({ status: z.literal('accepted'), leadId: z.uuid(), duplicate: z.literal(false) }),
    z.object({
      status: z.literal('updated'),
      leadId: z.uuid(),
      duplicate: z.literal(false),
      revision: z.int().describe('Counts the different contents of this lead, from 1.'),
    }),
  ]),
  examples: [
    { status: 'accepted', leadId: LEAD_ID, duplicate: false },
    { status: 'updated', leadId: LEAD_ID, duplicate: false, revision: 2 },
  ],
};

export const DUPLICATE: Component = {
  name: 'Duplicate',
  schema: z.object({ status: z.literal('duplicate'), leadId: z.uuid(), duplicate: z.literal(true) }),
  examples: [{ status: 'duplicate', leadId: LEAD_ID, duplicate: true }],
};

const CODES = Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]];
const meanings = CODES.map((code) => `- \`${code}\` (${ERROR_CATALOG[code].class}): ${ERROR_CATALOG[code].meaning}`);

export const ERROR_CODE: Component = {
  name: 'ErrorCode',
  schema: z.enum(CODES).describe(`Every error has one of these codes. docs/errors.md says what to do.\n\n${meanings.join('\n')}`),
  examples: ['INVALID_LEAD', 'LEDGER_UNAVAILABLE'],
};

export const fieldProblemSchema = z.object({
  path: z.string().describe('The field as the sender named it; empty for the body as a whole.'),
  message: z.string(),
});

export const PROBLEM: Component = {
  name: 'Problem',
  schema: z
    .object({
      type: z.string().describe('urn:revenueflow:error:<code>'),
      title: z.string(),
      status: z.int(),
      code: ERROR_CODE.schema,
      detail: z.string().describe('What happened, what was kept, what to do. It never repeats a secret.'),
      errors: z.array(fieldProblemSchema),
    })
    .describe('RFC 9457'),
  examples: [
    {
      type: 'urn:revenueflow:error:INVALID_LEAD',
      title: 'Bad Request',
      status: 400,
      code: 'INVALID_LEAD',
      detail: 'Nothing was stored. email: is not a valid e-mail address.',
      errors: [{ path: 'email', message: 'is not a valid e-mail address' }],
    },
  ],
};
