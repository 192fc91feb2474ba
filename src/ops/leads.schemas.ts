import { z } from 'zod';
import { armSchema, evidenceSchema, SCORE_SOURCES } from '../domain/enrichment.js';
import { INTENTS } from '../domain/intent.js';
import { CRM_LEAD_ANSWERS, CRM_MEMBER_ANSWERS } from '../domain/lead.js';
import { LEAD_STATES, STAGES } from '../domain/lead-state.js';
import { LEAD_ID } from '../ingress/lead.schemas.js';
import { apiSchema } from '../platform/http/api-operation.js';
import { attributesSchema, nextCursorSchema, pageShape, timeSchema, wholeNumber } from '../platform/http/field-schemas.js';
import { errorClassSchema, errorCodeSchema } from '../platform/http/problem.schemas.js';
import { probabilitySchema, shownOutcomeSchema } from './outcomes/outcomes.schemas.js';
import { leadFirstTouchSchema } from './first-touch/first-touch.schemas.js';
import { leadRoutingSchema } from './routing/routing.schemas.js';

const summaryFields = z.object({
  id: z.uuid(),
  state: z.enum(LEAD_STATES),
  revision: z.int(),
  fitScore: z.int().min(0).max(100).nullable(),
  intent: z.enum(INTENTS).nullable(),
  confidence: z.number().min(0).max(1).nullable(),
  reasoning: z.string().nullable().describe('One sentence for the salesperson.'),
  evidence: z.array(evidenceSchema),
  scoreSource: z.enum(SCORE_SOURCES).nullable(),
  needsRescore: z.boolean().describe('The score is a fallback; a better one will follow.'),
  flags: z.array(z.string()),
  attempts: z.object(Object.fromEntries(STAGES.map((stage) => [stage, z.int()]))).describe('Failures so far, by stage.'),
  next: z
    .object({ what: z.string(), at: timeSchema.nullable() })
    .nullable()
    .describe('What will happen next, and when; null where nothing will without an operator.'),
  email: z.string(),
  name: z.string().nullable(),
  campaignId: z.string(),
  attributes: attributesSchema,
  crm: z.object({ provider: z.string(), leadId: z.string(), memberId: z.string().nullable() }).nullable(),
  timings: z.object({
    receivedAt: timeSchema,
    contentAt: timeSchema,
    enrichedAt: timeSchema.nullable(),
    syncedAt: timeSchema.nullable(),
  }),
  lastError: z
    .object({
      stage: z.enum(STAGES),
      code: errorCodeSchema,
      class: errorClassSchema,
      message: z.string(),
      at: timeSchema,
      signature: z.string().optional(),
      answer: z.string().optional(),
    })
    .nullable(),
});

const exampleSummary = {
  id: LEAD_ID,
  state: 'synced',
  revision: 1,
  fitScore: 100,
  intent: 'high',
  confidence: 0.51,
  reasoning: 'High intent: asks for a demo and names a time frame; VP in sales or revenue, corporate domain enterprise.com.',
  evidence: [
    { signal: 'message: asks for a demo ("demo")', polarity: 'positive', points: 18 },
    { signal: 'e-mail: corporate domain enterprise.com', polarity: 'positive', points: 12 },
  ],
  scoreSource: 'heuristic',
  needsRescore: false,
  flags: [],
  attempts: { enrichment: 0, 'crm-sync': 0 },
  next: null,
  email: 'lead@enterprise.com',
  name: 'Alex Smith',
  campaignId: 'launch_2024',
  attributes: { title: 'VP Sales', message: 'We want a demo next week.' },
  crm: { provider: 'postgres', leadId: '00Qad36df24a2d547daa8bb16ea7e2b7416', memberId: '00v518cc9967ea246559e5f33dc37a925a1' },
  timings: {
    receivedAt: '2026-11-24T03:52:54.182Z',
    contentAt: '2026-11-24T03:52:54.182Z',
    enrichedAt: '2026-11-24T03:52:54.235Z',
    syncedAt: '2026-11-24T03:52:54.286Z',
  },
  lastError: null,
};

export const leadSummarySchema = apiSchema('LeadSummary', summaryFields, exampleSummary);

/** The names that `fields` accepts. */
const LEAD_FIELDS = Object.keys(summaryFields.shape) as (keyof typeof summaryFields.shape)[];
export type LeadField = (typeof LEAD_FIELDS)[number];
/** The evidence is most of a lead's size and rarely needed in a list. */
export const LIST_FIELDS = LEAD_FIELDS.filter((field) => field !== 'evidence');

export const leadPageSchema = apiSchema(
  'LeadPage',
  z.object({
    items: z
      .array(summaryFields.partial().required({ id: true }))
      .describe('Without `fields`, each item has all fields of LeadSummary but the evidence.'),
    nextCursor: nextCursorSchema,
  }),
  { items: [{ ...exampleSummary, evidence: undefined }], nextCursor: null },
  { items: [{ id: LEAD_ID, fitScore: 100, email: 'lead@enterprise.com' }], nextCursor: null },
);

/** A day, or a time with or without a zone. */
const filterTime = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/,
    'must be a time such as 2026-11-24T04:00Z',
  )
  .transform((text) => (/(?:Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`))
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time such as 2026-11-24T04:00Z')
  .transform((text) => new Date(text).toISOString())
  .optional();

const filterShape = {
  state: z.enum(LEAD_STATES).optional(),
  campaign_id: z.string().optional(),
  campaignId: z.string().optional().describe('The same as campaign_id.'),
  id: z
    .string()
    .regex(/^[0-9a-fA-F][0-9a-fA-F-]{3,35}$/, 'must be the first 4 or more characters of an id')
    .refine((text) => text.replaceAll('-', '').length <= 32, 'is longer than an id')
    .optional()
    .describe('The first 4 or more characters of the id.'),
  minScore: wholeNumber(0, 100).optional().describe('Scored at this or above.'),
  intent: z.enum(INTENTS).optional(),
  owner: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .optional()
    .describe('The owner by the routing rules: a rep, or a user or queue of the CRM.'),
  from: filterTime.describe('First received at or after this time. A time without a zone is UTC.'),
  to: filterTime.describe('First received before this time. A time without a zone is UTC.'),
  q: z.string().trim().min(1).max(200).optional().describe('Part of the name or of the company, in any case.'),
  sort: z.enum(['newest', 'oldest']).optional().describe('By the time of receipt; the newest first by default.'),
  ...pageShape,
};
interface Given {
  campaign_id?: string | undefined;
  campaignId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}
const sameCampaign = ({ campaign_id, campaignId }: Given) =>
  campaign_id === undefined || campaignId === undefined || campaign_id === campaignId;
const isSpan = ({ from, to }: Given) => from === undefined || to === undefined || from < to;
const NO_SPAN = { path: ['to'], message: 'must be later than from' };
const TWO_CAMPAIGNS = { path: ['campaignId'], message: 'and campaign_id name different campaigns; send one of them' };

const fieldName = z.enum(LEAD_FIELDS);
const fieldList = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(z.array(fieldName).min(1))
  .optional()
  .describe(`Which fields each item has besides its id, comma-separated: ${LEAD_FIELDS.join(', ')}.`);

export const leadFilterSchema = z
  .strictObject({ ...filterShape, fields: fieldList })
  .refine(sameCampaign, TWO_CAMPAIGNS)
  .refine(isSpan, NO_SPAN);

export const leadSearchSchema = apiSchema(
  'LeadSearch',
  z
    .strictObject({ ...filterShape, email: z.string().min(1).optional(), fields: z.array(fieldName).min(1).optional() })
    .refine(sameCampaign, TWO_CAMPAIGNS)
    .refine(isSpan, NO_SPAN),
  { email: 'lead@enterprise.com' },
);

const auditFields = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe('What was sent, by the CRM’s names of the fields; long values are cut. Empty where nothing had to be sent.');

const exchange = z.object({
  at: timeSchema,
  provider: z.string(),
  contentOf: z
    .uuid()
    .optional()
    .describe('The lead of whose content this is, where that is another lead of the person: the CRM shows the newest.'),
  lead: z.object({ answer: z.enum(CRM_LEAD_ANSWERS).describe('What the CRM answered.'), fields: auditFields }),
  member: z.object({ answer: z.enum(CRM_MEMBER_ANSWERS), fields: auditFields }),
  notes: z
    .array(z.string())
    .optional()
    .describe(
      'What the CRM has otherwise than it was sent: fields left out, no membership, no assignment rule, another member status.',
    ),
});

const exampleExchange = {
  provider: 'postgres',
  lead: {
    answer: 'created',
    fields: {
      email: 'lead@enterprise.com',
      first_name: 'Alex',
      last_name: 'Smith',
      fit_score: 100,
      'attributes.title': 'VP Sales',
    },
  },
  member: { answer: 'created', fields: { campaign_id: 'launch_2024' } },
};

export const journeySchema = apiSchema(
  'Journey',
  summaryFields.extend({
    hints: z.array(z.string()).describe('What an operator should change, e.g. an attribute that belongs into CONTENT_IGNORE.'),
    outcomes: z.array(shownOutcomeSchema).describe('What became of the person, the oldest first; at most 200.'),
    probability: probabilitySchema,
    band: z.enum(['cold', 'warm', 'hot']).nullable().describe('Of the score, by the thresholds of `profile`.'),
    profile: z.string().describe('The name of the scoring profile in use.'),
    trial: armSchema
      .nullable()
      .describe(
        'Where a trial scored live leads then: its number and the side that gave the score. `failed`: why the challenger gave none.',
      ),
    routing: leadRoutingSchema,
    firstTouch: leadFirstTouchSchema,
    exchanges: z
      .array(exchange)
      .describe('What each CRM (CRM_PROVIDER, and CRM_SHADOW where there is one) was sent last, and what it answered.'),
    events: z
      .array(
        z.object({
          seq: z.int().min(1),
          at: timeSchema,
          kind: z.string().describe('received, revised, enriched, synced, dead-lettered, replayed, …'),
          detail: z
            .record(z.string(), z.unknown())
            .describe(
              'What the event is about. Of a webhook (`received`, `revised`) `notes`: what was left out or replaced, and why. Of a sync (`synced`, `crm-updated`, `backfilled`) `exchanges`; of a failure what the CRM answered as `answer`, and the record that it refused as `sent`.',
            ),
        }),
      )
      .describe('The audit trail; `seq` counts from 1 without gaps.'),
  }),
  {
    ...exampleSummary,
    hints: [],
    outcomes: [],
    probability: null,
    band: 'hot',
    profile: 'shipped',
    trial: null,
    routing: null,
    firstTouch: [],
    exchanges: [{ at: '2026-11-24T03:52:54.287Z', ...exampleExchange }],
    events: [
      { seq: 1, at: '2026-11-24T03:52:54.182Z', kind: 'received', detail: { revision: 1 } },
      {
        seq: 2,
        at: '2026-11-24T03:52:54.235Z',
        kind: 'enriched',
        detail: { intent: 'high', fitScore: 100, provider: 'heuristic', revision: 1 },
      },
      {
        seq: 3,
        at: '2026-11-24T03:52:54.287Z',
        kind: 'synced',
        detail: { provider: 'postgres', revision: 1, exchanges: [exampleExchange] },
      },
    ],
  },
);

export const rescoringSchema = apiSchema('RescoringLead', z.object({ status: z.literal('rescoring'), leadId: z.uuid() }), {
  status: 'rescoring',
  leadId: LEAD_ID,
});
