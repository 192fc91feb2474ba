import { z } from 'zod';
import { BREAKER_STATES } from '../../flow-control/stage-row.js';
import { manySchema } from '../rejections/rejections.controller.js';
import { STAGES } from '../../domain/lead-state.js';
import { correctionSchema, discardSchema, replaySchema } from '../dead-letters/dead-letters.controller.js';
import { at, attributes, errorClass, nextCursor } from './lead.schemas.js';
import type { Component } from './operation.js';
import { ACCEPTED, DUPLICATE, ERROR_CODE, fieldProblemSchema, LEAD_ID } from './webhook.schemas.js';

const REJECTION_ID = '01adf45f-8385-47bc-acbf-8d288c1defc9';
const stage = z.enum(STAGES);
const count = z.int().min(0);
const component = (name: string, schema: z.ZodType, ...examples: unknown[]): Component => ({ name, schema, examples });

const letter = z.object({
  id: z.uuid(),
  stage,
  code: ERROR_CODE.schema,
  class: errorClass,
  message: z.string(),
  signature: z.string().optional().describe('What the same cause looks like on other leads.'),
  answer: z.string().optional().describe('What the downstream answered last, without personal data.'),
  attempts: count,
  diedAt: at,
  revision: z.int(),
  email: z.string(),
  campaignId: z.string(),
  name: z.string().nullable(),
  attributes,
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

export const DEAD_LETTER = component('DeadLetter', letter, exampleLetter);
export const DEAD_LETTER_PAGE = component('DeadLetterPage', z.object({ items: z.array(letter), nextCursor }), {
  items: [exampleLetter],
  nextCursor: null,
});
export const DEAD_LETTER_SUMMARY = component(
  'DeadLetterSummary',
  z.object({
    total: count,
    items: z.array(
      z.object({
        stage,
        code: ERROR_CODE.schema,
        class: errorClass,
        signature: z.string().nullable(),
        count,
        oldest: at,
        newest: at,
        example: z.uuid().describe('One of them, to look at.'),
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
export const REPLAY_MANY = component('ReplayDeadLetters', replaySchema, { code: 'CRM_RECORD_REJECTED', perSecond: 10 }, {});
export const REPLAYING_MANY = component('ReplayingDeadLetters', z.object({ replaying: count }), { replaying: 2 });
export const REPLAYING = component('ReplayingDeadLetter', z.object({ status: z.literal('replaying'), leadId: z.uuid() }), {
  status: 'replaying',
  leadId: LEAD_ID,
});
export const CORRECTION = component(
  'Correction',
  correctionSchema.describe('Fields of POST /leads that take the place of those that were sent.'),
  { name: 'Alex Smith' },
);
export const CORRECTED = component(
  'Corrected',
  z.union([
    z.object({ status: z.literal('edited'), leadId: z.uuid(), revision: z.int() }),
    z
      .object({ status: z.literal('replaced'), leadId: z.uuid() })
      .describe('E-mail and campaign make the key: taken as a new lead, and the old one discarded.'),
  ]),
  { status: 'edited', leadId: LEAD_ID, revision: 2 },
);
export const DISCARD = component('Discard', discardSchema, { reason: 'a test of ours' });
export const DISCARDED = component('Discarded', z.object({ status: z.literal('discarded'), leadId: z.uuid() }), {
  status: 'discarded',
  leadId: LEAD_ID,
});

const rejection = z.object({
  id: z.uuid(),
  receivedAt: at,
  contentType: z.string(),
  code: ERROR_CODE.schema,
  detail: z.string(),
  problems: z.array(fieldProblemSchema),
  replayedAs: z.uuid().nullable(),
  replayedBy: z.string().nullable(),
  replayedAt: at.nullable(),
  body: z.string().describe('As it came.'),
});
export const REJECTION_PAGE = component('RejectionPage', z.object({ items: z.array(rejection), nextCursor }), {
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
});
export const REPLAY_REJECTIONS = component('ReplayRejections', manySchema, { limit: 100 }, {});
export const ACKNOWLEDGED = component('Acknowledged', z.union([ACCEPTED.schema, DUPLICATE.schema]), {
  status: 'accepted',
  leadId: LEAD_ID,
  duplicate: false,
});
export const REPLAYED_REJECTIONS = component(
  'ReplayedRejections',
  z.object({
    items: z.array(
      z.union([
        z.object({ id: z.uuid(), status: z.literal('rejected'), code: ERROR_CODE.schema, detail: z.string() }),
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

const control = {
  name: stage,
  paused: z.boolean(),
  pausedBy: z.string().nullable(),
  pausedAt: at.nullable(),
  breaker: z.object({
    state: z.enum(BREAKER_STATES),
    reason: z.enum(['dependency-down', 'rate-limited', 'configuration']).nullable(),
    code: ERROR_CODE.schema.nullable(),
    problem: z.string().nullable().describe('Why the breaker is open, and what to do.'),
    answer: z.string().nullable().describe('What the downstream answered last, shortened and without personal data.'),
    openedAt: at.nullable(),
    nextProbeAt: at.nullable(),
  }),
  rateShare: z.number().min(0).max(1).describe('Share of the configured rate that is in use now.'),
};
const running = {
  name: 'enrichment',
  paused: false,
  pausedBy: null,
  pausedAt: null,
  breaker: { state: 'closed', reason: null, code: null, problem: null, answer: null, openedAt: null, nextProbeAt: null },
  rateShare: 1,
};
export const QUEUES = component(
  'Queues',
  z.object({
    backend: z.enum(['redis', 'postgres']),
    items: z.array(z.object({ ...control, waiting: count, active: count, delayed: count, failed: count })),
  }),
  { backend: 'redis', items: [{ ...running, waiting: 12, active: 4, delayed: 0, failed: 0 }] },
);
export const QUEUE_CONTROL = component('QueueControl', z.object(control), {
  ...running,
  paused: true,
  pausedBy: 'ann',
  pausedAt: '2026-11-24T04:00:00.000Z',
});

const status = z.enum(['up', 'down']);
export const LIVE = component('Live', z.object({ status: z.literal('up') }), { status: 'up' });
export const READY = component(
  'Ready',
  z.object({
    status,
    role: z.enum(['api', 'worker', 'all']),
    dependencies: z.object({
      postgres: status,
      queue: status,
      progress: status.optional().describe('Whether the worker’s stages get on with their work; an api has none.'),
    }),
  }),
  { status: 'up', role: 'all', dependencies: { postgres: 'up', queue: 'up', progress: 'up' } },
);
