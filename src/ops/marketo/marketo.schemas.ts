import { z } from 'zod';
import { MARKETO_STAGES } from '../../ledger/marketo-stages.repository.js';
import { REJECTED_KINDS } from '../../ledger/rejected-body.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema as count, timeSchema } from '../../platform/http/field-schemas.js';
import { errorCodeSchema } from '../../platform/http/problem.schemas.js';

const stage = z.object({
  name: z.enum(MARKETO_STAGES),
  paused: z.boolean(),
  pausedBy: z.string().nullable(),
  breaker: z.object({
    open: z.boolean(),
    code: errorCodeSchema.nullable(),
    problem: z.string().nullable().describe('Why the breaker is open, and what to do.'),
    openedAt: timeSchema.nullable(),
    nextCallAt: timeSchema.nullable(),
  }),
  calls: count.describe('Calls of Marketo so far.'),
});
const run = z.object({
  id: z.string(),
  requestedBy: z.string().nullable().describe('The operator; null where the schedule began it.'),
  mode: z.enum(['report', 'repair']),
  source: z.enum(['log', 'extract']).describe('Whether the log was read page by page, or a whole day as one file.'),
  from: timeSchema,
  to: timeSchema,
  state: z.enum(['open', 'done']),
  startedAt: timeSchema,
  endedAt: timeSchema.nullable(),
  activities: count.describe('Calls of our webhook in the log of this window, those of overlapping windows included.'),
  calls: count.describe('Calls of Marketo that the run made.'),
  classes: z
    .record(z.string(), count)
    .describe('Calls of the webhook by what they came to; `unlogged`: leads whose call the log does not have.'),
  otherWebhooks: z.array(z.string()).describe('Other webhooks in the log, where MARKETO_WEBHOOK may be wrong.'),
  problem: z.string().nullable(),
});
const closed = { open: false, code: null, problem: null, openedAt: null, nextCallAt: null };
const exampleRun = {
  id: '42',
  requestedBy: null,
  mode: 'report',
  source: 'log',
  from: '2026-11-27T09:30:00.000Z',
  to: '2026-11-27T10:15:00.000Z',
  state: 'done',
  startedAt: '2026-11-27T10:15:00.000Z',
  endedAt: '2026-11-27T10:15:02.114Z',
  activities: 300,
  calls: 3,
  classes: { matched: 298, 'answer-lost': 1, missing: 1 },
  otherWebhooks: [],
  problem: null,
};
export const marketoRunSchema = apiSchema('MarketoRun', run, exampleRun);

export const marketoReportSchema = apiSchema(
  'MarketoReport',
  z.object({
    configured: z.boolean(),
    writeBack: z.object({
      stage,
      owed: count.describe('People whose newest score Marketo does not show yet.'),
      oldestOwedAt: timeSchema.nullable(),
      sent: count.describe('People written so far.'),
      skipped: count,
      dead: count,
      erasures: count.describe('Erased people whose fields are still to be cleared.'),
      notWritten: z.array(
        z.object({ state: z.enum(['skipped', 'dead']), code: errorCodeSchema.nullable(), count, remedy: z.string().nullable() }),
      ),
      quota: z
        .object({ used: count, limit: count, stopsAt: count, readAt: timeSchema })
        .nullable()
        .describe('Calls of the day, of all integrations of the instance; null until one reading.'),
    }),
    reconciliation: z.object({
      stage,
      mode: z.enum(['off', 'report', 'repair']),
      webhook: z.string().nullable(),
      comparedUntil: timeSchema.nullable().describe('Calls before this are compared.'),
      extractedUntil: timeSchema.nullable().describe('Days before this were also compared as a whole.'),
      missing: count.describe('Calls of the last 7 days whose lead is not in the ledger.'),
      oldestMissingAt: timeSchema.nullable().describe('When the oldest of these was called.'),
      matched: count.describe('Of the windows listed.'),
      repaired: count.describe('Of the windows listed.'),
      windows: z.array(run).describe('The newest runs.'),
      missingCalls: z.array(
        z.object({
          marketoId: z.int(),
          campaignId: z.int().nullable(),
          at: timeSchema,
          failed: z.boolean().describe('Marketo logged an error.'),
          leadId: z.uuid().nullable().describe('The id that the lead would have.'),
          reason: z.string().nullable(),
        }),
      ),
    }),
  }),
  {
    configured: true,
    writeBack: {
      stage: { name: 'marketo-sync', paused: false, pausedBy: null, breaker: closed, calls: 120 },
      owed: 12,
      oldestOwedAt: '2026-11-27T10:14:59.000Z',
      sent: 30_412,
      skipped: 3,
      dead: 0,
      erasures: 0,
      notWritten: [{ state: 'skipped', code: 'MARKETO_PERSON_GONE', count: 3, remedy: 'Nothing to do.' }],
      quota: { used: 4120, limit: 50_000, stopsAt: 45_000, readAt: '2026-11-27T10:10:00.000Z' },
    },
    reconciliation: {
      stage: { name: 'marketo-reconciliation', paused: false, pausedBy: null, breaker: closed, calls: 96 },
      mode: 'report',
      webhook: 'RevenueFlow',
      comparedUntil: '2026-11-27T10:15:00.000Z',
      extractedUntil: '2026-11-27T00:00:00.000Z',
      missing: 1,
      oldestMissingAt: '2026-11-27T10:02:11.000Z',
      matched: 299,
      repaired: 0,
      windows: [exampleRun],
      missingCalls: [
        { marketoId: 1042, campaignId: 987, at: '2026-11-27T10:02:11.000Z', failed: true, leadId: null, reason: null },
      ],
    },
  },
);

export const arrivalsSchema = apiSchema(
  'MarketoArrivals',
  z.object({
    leads: count.describe('Leads of the last day, of the newest 2000.'),
    withMarketoId: count,
    unresolved: z
      .array(z.object({ field: z.string(), count }))
      .describe('Fields that arrived with a token, such as {{lead.Id}}, instead of its value.'),
    rejected: z
      .array(z.object({ kind: z.enum(REJECTED_KINDS), count }))
      .describe('Rejected requests of the last day, of the newest 200, by what their bodies show.'),
  }),
  { leads: 412, withMarketoId: 412, unresolved: [], rejected: [{ kind: 'unquoted-value', count: 3 }] },
);

export const reconcileSchema = apiSchema(
  'MarketoReconcile',
  z.strictObject({
    since: timeSchema.optional().describe('The begin of the window; by default where the last one ended, less 30 minutes.'),
    repair: z.boolean().default(false).describe('Take missing leads in. Then the window begins 8 days ago at most.'),
  }),
  { since: '2026-11-26T00:00:00.000Z', repair: true },
);

const PEOPLE_AT_MOST = 5000;
export const backfillSchema = apiSchema(
  'MarketoBackfill',
  z.strictObject({
    after: z
      .string()
      .regex(/^(?:[0-9a-f]{64})?$/, 'must be `next` of the page before')
      .default(''),
    limit: z.int().min(1).max(PEOPLE_AT_MOST).default(1000),
    retry: z.boolean().default(false).describe('Also people whom Marketo refused or did not know.'),
    dryRun: z.boolean().default(false),
  }),
  {},
  { after: '', limit: 1000, retry: true, dryRun: true },
);
export const backfillPageSchema = apiSchema(
  'MarketoBackfillPage',
  z.object({
    people: count.describe('People of this page.'),
    owed: count.describe('Those whose score will be written, or would be.'),
    next: z.string().nullable().describe('Send it as `after` for the next page; null on the last.'),
  }),
  { people: 1000, owed: 12, next: null },
);
export const marketoStageSchema = apiSchema('MarketoStage', stage, {
  name: 'marketo-sync',
  paused: true,
  pausedBy: 'ann',
  breaker: closed,
  calls: 120,
});
