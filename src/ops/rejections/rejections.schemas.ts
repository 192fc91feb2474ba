import { z } from 'zod';
import { acceptedSchema, duplicateSchema, LEAD_ID } from '../../ingress/lead.schemas.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { nextCursorSchema, pageShape, timeSchema } from '../../platform/http/field-schemas.js';
import { errorCodeSchema, fieldProblemSchema } from '../../platform/http/problem.schemas.js';

const REJECTION_ID = '01adf45f-8385-47bc-acbf-8d288c1defc9';
export const pageSchema = z.strictObject(pageShape);

const rejection = z.object({
  id: z.uuid(),
  receivedAt: timeSchema,
  contentType: z.string(),
  code: errorCodeSchema,
  detail: z.string(),
  problems: z.array(fieldProblemSchema),
  replayedAs: z.uuid().nullable(),
  replayedBy: z.string().nullable(),
  replayedAt: timeSchema.nullable(),
  body: z.string().describe('As it came.'),
});
export const rejectionPageSchema = apiSchema(
  'RejectionPage',
  z.object({ items: z.array(rejection), nextCursor: nextCursorSchema }),
  {
    items: [
      {
        id: REJECTION_ID,
        receivedAt: '2026-11-24T03:52:54.276Z',
        contentType: 'application/json',
        code: 'INVALID_BODY',
        detail: 'The template is broken: no value for "email". The token was empty.',
        problems: [{ path: 'email', message: 'the token was empty; give it a default in the template' }],
        replayedAs: null,
        replayedBy: null,
        replayedAt: null,
        body: '{"email": , "name": "Alex Smith", "campaign_id": "launch_2024"}',
      },
    ],
    nextCursor: null,
  },
);
const charset = z
  .string()
  .max(40)
  .optional()
  .describe('The charset of the body, e.g. windows-1252, where its Content-Type names none or a wrong one.');
export const replayQuerySchema = z.strictObject({ charset });
export const replayRejectionsSchema = apiSchema(
  'ReplayRejections',
  z.strictObject({
    all: z.literal(true).describe('Every rejection that is still open, oldest first, up to `limit`.'),
    limit: z.int().min(1).max(1000).default(1000),
    charset,
  }),
  { all: true },
  { all: true, limit: 100 },
);
export const acknowledgedSchema = apiSchema('Acknowledged', z.union([acceptedSchema, duplicateSchema]), {
  status: 'accepted',
  leadId: LEAD_ID,
  duplicate: false,
});
export const replayedRejectionsSchema = apiSchema(
  'ReplayedRejections',
  z.object({
    items: z.array(
      z.union([
        z.object({ id: z.uuid(), status: z.literal('rejected'), code: errorCodeSchema, detail: z.string() }),
        z.object({
          id: z.uuid(),
          status: z.enum(['accepted', 'updated', 'duplicate']),
          leadId: z.uuid(),
          duplicate: z.boolean(),
          revision: z.int().optional(),
        }),
      ]),
    ),
  }),
  { items: [{ id: REJECTION_ID, status: 'accepted', leadId: LEAD_ID, duplicate: false }] },
);
