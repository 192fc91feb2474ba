import { z } from 'zod';
import { ERROR_CATALOG } from '../../domain/error-catalog.js';
import { evidenceSchema, INTENTS, SCORE_SOURCES } from '../../domain/enrichment.js';
import { CRM_LEAD_ANSWERS, CRM_MEMBER_ANSWERS } from '../../domain/lead.js';
import { LEAD_STATES, STAGES } from '../../domain/lead-state.js';
import { searchSchema } from '../leads.controller.js';
import type { Component } from './operation.js';
import { ERROR_CODE, LEAD_ID } from './webhook.schemas.js';

export const at = z.iso.datetime();
export const errorClass = z.enum([...new Set(Object.values(ERROR_CATALOG).map((entry) => entry.class))]);
export const attributes = z.record(z.string(), z.string());
export const nextCursor = z.string().nullable().describe('Send it as `cursor` for the next page; null on the last.');

const summary = z.object({
  id: z.uuid(),
  state: z.enum(LEAD_STATES),
  revision: z.int(),
  fitScore: z.int().min(0).max(100).nullable(),
  intent: z.enum(INTENTS).nullable(),
  confidence: z.number().min(0).max(1).nullable(),
  reasoning: z.string().nullable().describe('One sentence for the salesperson.'),
  evidence: z.array(evidenceSchema),
  scoreSource: z.enum(SCORE_SOURCES).nullable(),
  needsRescore: z.boolean().describe('The score stands in for a better one, which is still owed.'),
  flags: z.array(z.string()),
  attempts: z.object(Object.fromEntries(STAGES.map((stage) => [stage, z.int()]))).describe('Failures so far, by stage.'),
  next: z
    .object({ what: z.string(), at: at.nullable() })
    .nullable()
    .describe('What will happen next, and when; null where nothing will unless somebody acts.'),
  email: z.string(),
  name: z.string().nullable(),
  campaignId: z.string(),
  attributes,
  crm: z.object({ provider: z.string(), leadId: z.string(), memberId: z.string().nullable() }).nullable(),
  timings: z.object({ receivedAt: at, contentAt: at, enrichedAt: at.nullable(), syncedAt: at.nullable() }),
  lastError: z
    .object({
      stage: z.enum(STAGES),
      code: ERROR_CODE.schema,
      class: errorClass,
      message: z.string(),
      at,
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

export const LEAD_SUMMARY: Component = { name: 'LeadSummary', schema: summary, examples: [exampleSummary] };

export const LEAD_PAGE: Component = {
  name: 'LeadPage',
  schema: z.object({ items: z.array(summary), nextCursor }),
  examples: [{ items: [exampleSummary], nextCursor: null }],
};

export const LEAD_SEARCH: Component = {
  name: 'LeadSearch',
  schema: searchSchema,
  examples: [{ email: 'lead@enterprise.com' }],
};

const auditFields = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe('What was sent, by the CRM’s names of the fields; long values are cut. Empty where nothing had to be sent.');

const exchange = z.object({
  at,
  provider: z.string(),
  contentOf: z
    .uuid()
    .optional()
    .describe('The lead of whose content this is, where that is another lead of the person: the CRM shows the newest.'),
  lead: z.object({ answer: z.enum(CRM_LEAD_ANSWERS).describe('What the CRM answered.'), fields: auditFields }),
  member: z.object({ answer: z.enum(CRM_MEMBER_ANSWERS), fields: auditFields }),
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

export const JOURNEY: Component = {
  name: 'Journey',
  schema: summary.extend({
    hints: z.array(z.string()).describe('What an operator should change, e.g. an attribute that belongs into CONTENT_IGNORE.'),
    exchanges: z
      .array(exchange)
      .describe('What each CRM (CRM_PROVIDER, and CRM_SHADOW where there is one) was sent last, and what it answered.'),
    events: z
      .array(
        z.object({
          seq: z.int().min(1),
          at,
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
  examples: [
    {
      ...exampleSummary,
      hints: [],
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
  ],
};
