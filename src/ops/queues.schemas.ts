import { z } from 'zod';
import { STAGES } from '../domain/lead-state.js';
import { BREAKER_STATES } from '../flow-control/stage-row.js';
import { apiSchema } from '../platform/http/api-operation.js';
import { countSchema, timeSchema } from '../platform/http/field-schemas.js';
import { errorCodeSchema } from '../platform/http/problem.schemas.js';

const stage = z.enum(STAGES);
const count = countSchema;
const control = {
  name: stage,
  paused: z.boolean(),
  pausedBy: z.string().nullable(),
  pausedAt: timeSchema.nullable(),
  breaker: z.object({
    state: z.enum(BREAKER_STATES),
    reason: z.enum(['dependency-down', 'rate-limited', 'configuration']).nullable(),
    code: errorCodeSchema.nullable(),
    problem: z.string().nullable().describe('Why the breaker is open, and what to do.'),
    answer: z.string().nullable().describe('What the downstream answered last, shortened and without personal data.'),
    openedAt: timeSchema.nullable(),
    nextProbeAt: timeSchema.nullable(),
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
export const queuesSchema = apiSchema(
  'Queues',
  z.object({
    backend: z.enum(['redis', 'postgres']),
    items: z.array(
      z.object({
        ...control,
        waiting: count.describe(
          'Leads that wait for the stage; while more than 100,000 are open, as counted within the last minute.',
        ),
        active: count.describe('Leads that a worker has claimed.'),
        delayed: count.describe('Leads that wait for the time of their next attempt.'),
        failed: count.describe('Dead letters of the stage.'),
      }),
    ),
    alertsFailing: z
      .object({ since: timeSchema, problem: z.string(), dropped: count })
      .nullable()
      .describe('Why alerts do not arrive, and how many were dropped; null while they arrive.'),
  }),
  { backend: 'redis', items: [{ ...running, waiting: 12, active: 4, delayed: 0, failed: 0 }], alertsFailing: null },
);
export const queueControlSchema = apiSchema('QueueControl', z.object(control), {
  ...running,
  paused: true,
  pausedBy: 'ann',
  pausedAt: '2026-11-24T04:00:00.000Z',
});
