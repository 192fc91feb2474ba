import { z } from 'zod';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema, timeSchema } from '../../platform/http/field-schemas.js';
import { errorCodeSchema } from '../../platform/http/problem.schemas.js';

const RECEIPT_ID = '7f8d6f0e-6d5c-4d59-9f1a-0f3f6d1f2a34';
const count = countSchema;

/** Rows as the tables have them. */
const heldRows = z.array(z.looseObject({}));

export const personSchema = apiSchema('Person', z.strictObject({ email: z.string().max(1000) }), {
  email: 'lead@enterprise.com',
});
export const heldDataSchema = apiSchema(
  'HeldData',
  z.object({
    email: z.string(),
    exportedAt: timeSchema,
    leads: heldRows,
    rejections: heldRows,
    spool: heldRows,
    mockCrm: heldRows,
    outcomes: heldRows.describe('What became of the person, the first score, and the owners by the routing rules.'),
    marketo: heldRows.describe('What Marketo was sent, and the webhook calls of its log.'),
    trials: heldRows.describe('Scores that trials of other scorers gave.'),
  }),
  {
    email: 'lead@enterprise.com',
    exportedAt: '2026-11-24T04:00:00.000Z',
    leads: [],
    rejections: [],
    spool: [],
    mockCrm: [],
    outcomes: [],
    marketo: [],
    trials: [],
  },
);
export const receiptSchema = apiSchema(
  'ErasureReceipt',
  z
    .object({
      receipt: z.uuid(),
      at: timeSchema,
      by: z.string().describe('The name of the token.'),
      status: z.enum(['pending', 'done']),
      doneAt: timeSchema.nullable(),
      erased: z.object({
        leads: count,
        events: count,
        rejections: count,
        spool: count,
        alerts: count,
        outcomes: count,
        trials: count,
        jobs: count
          .nullable()
          .describe('null where the queue did not answer: its jobs have nothing but ids, and end by themselves.'),
        crm: count,
      }),
      crm: z.object({
        status: z.enum(['pending', 'done', 'by-hand']),
        asked: z.boolean().optional(),
        until: timeSchema.optional().describe('When the CRM is asked for the last time.'),
        lastCode: errorCodeSchema.nullable().optional(),
      }),
    })
    .describe('What was erased, and whether the CRM is done. It contains no personal data.'),
  {
    receipt: RECEIPT_ID,
    at: '2026-11-24T04:00:00.000Z',
    by: 'ann',
    status: 'done',
    doneAt: '2026-11-24T04:00:01.200Z',
    erased: { leads: 2, events: 7, rejections: 0, spool: 0, alerts: 0, outcomes: 1, trials: 0, jobs: 0, crm: 3 },
    crm: { status: 'done' },
  },
);
