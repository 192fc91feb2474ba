import { z } from 'zod';
import { STAGES } from '../../domain/lead-state.js';
import { LEAD_ID } from '../../ingress/lead.schemas.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { attributesSchema, countSchema, nextCursorSchema, pageShape, timeSchema } from '../../platform/http/field-schemas.js';
import { errorClassSchema, errorCodeSchema } from '../../platform/http/problem.schemas.js';

const stage = z.enum(STAGES);
const count = countSchema;
const codeFilter = z.string().max(100).optional();
export const pageSchema = z.strictObject({ code: codeFilter, ...pageShape });

const letter = z.object({
  id: z.uuid(),
  stage,
  code: errorCodeSchema,
  class: errorClassSchema,
  message: z.string(),
  signature: z.string().optional().describe('Equal for leads that failed for the same cause.'),
  answer: z.string().optional().describe('What the downstream answered last, without personal data.'),
  attempts: count,
  diedAt: timeSchema,
  revision: z.int(),
  email: z.string(),
  campaignId: z.string(),
  name: z.string().nullable(),
  attributes: attributesSchema,
});
const exampleLetter = {
  id: LEAD_ID,
  stage: 'crm-sync',
  code: 'CRM_RECORD_REJECTED',
  class: 'permanent',
  message: 'The mock CRM refused the record (23514).',
  answer: '23514 likes_names',
  attempts: 1,
  diedAt: '2026-11-24T02:00:19.742Z',
  revision: 1,
  email: 'lead@enterprise.com',
  campaignId: 'launch_2024',
  name: 'Alex Smith (test)',
  attributes: { title: 'VP Sales' },
};

export const deadLetterSchema = apiSchema('DeadLetter', letter, exampleLetter);
export const deadLetterPageSchema = apiSchema(
  'DeadLetterPage',
  z.object({ items: z.array(letter), nextCursor: nextCursorSchema }),
  {
    items: [exampleLetter],
    nextCursor: null,
  },
);
export const deadLetterSummarySchema = apiSchema(
  'DeadLetterSummary',
  z.object({
    total: count,
    items: z.array(
      z.object({
        stage,
        code: errorCodeSchema,
        class: errorClassSchema,
        signature: z.string().nullable(),
        count,
        oldest: timeSchema,
        newest: timeSchema,
        example: z.uuid().describe('The id of one of them.'),
      }),
    ),
  }),
  {
    total: 2,
    items: [
      {
        stage: 'crm-sync',
        code: 'CRM_RECORD_REJECTED',
        class: 'permanent',
        signature: null,
        count: 2,
        oldest: '2026-11-24T01:58:02.101Z',
        newest: '2026-11-24T02:00:19.742Z',
        example: LEAD_ID,
      },
    ],
  },
);
const LEADS_AT_MOST = 10_000;
export const replayManySchema = apiSchema(
  'ReplayDeadLetters',
  z
    .strictObject({
      // Empty, as from a variable that is not set, it must not mean each dead letter.
      code: z.string().min(1).max(100).optional().describe('Only dead letters with this error code.'),
      all: z.literal(true).optional().describe('Every dead letter, whatever its error code.'),
      limit: z.int().min(1).max(LEADS_AT_MOST).default(LEADS_AT_MOST),
      perSecond: z.number().positive().max(10_000).optional().describe('Spreads them: so many leads per second.'),
    })
    .refine(({ code, all }) => (code === undefined) !== (all === undefined), {
      message: 'Name the dead letters: either a code, or "all": true',
    })
    .describe('Either `code` or `all` is required.'),
  { code: 'CRM_RECORD_REJECTED', perSecond: 10 },
  { all: true },
);
export const replayingManySchema = apiSchema('ReplayingDeadLetters', z.object({ replaying: count }), { replaying: 2 });
export const replayingSchema = apiSchema('ReplayingDeadLetter', z.object({ status: z.literal('replaying'), leadId: z.uuid() }), {
  status: 'replaying',
  leadId: LEAD_ID,
});
export const correctionSchema = apiSchema(
  'Correction',
  z
    .record(z.string(), z.unknown())
    .describe(
      'Fields of POST /leads that replace those that were sent. A name that neither the lead nor a usual webhook has is ' +
        'refused, since it may be misspelt; `attributes` holds new ones.',
    ),
  { name: 'Alex Smith' },
  { email: 'alex@enterprise.com', attributes: { favourite_colour: 'red' } },
);
export const correctedSchema = apiSchema(
  'Corrected',
  z.union([
    z.object({ status: z.literal('edited'), leadId: z.uuid(), revision: z.int() }),
    z
      .object({ status: z.literal('unchanged'), leadId: z.uuid(), revision: z.int() })
      .describe('The lead has these values already: no revision was made, and it keeps its score.'),
    z
      .object({ status: z.literal('replaced'), leadId: z.uuid() })
      .describe('E-mail and campaign make the key: accepted as a new lead, and the old one discarded.'),
  ]),
  { status: 'edited', leadId: LEAD_ID, revision: 2 },
);
export const discardSchema = apiSchema('Discard', z.strictObject({ reason: z.string().trim().min(1).max(500) }), {
  reason: 'a test of ours',
});
export const discardedSchema = apiSchema('Discarded', z.object({ status: z.literal('discarded'), leadId: z.uuid() }), {
  status: 'discarded',
  leadId: LEAD_ID,
});
