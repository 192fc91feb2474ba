import { z } from 'zod';
import { STAGES } from '../domain/lead-state.js';
import { apiSchema } from '../platform/http/api-operation.js';
import { countSchema, wholeNumber } from '../platform/http/field-schemas.js';

const MINUTES_A_DAY = 24 * 60;
export const slaWindowSchema = z.strictObject({ minutes: wholeNumber(1, MINUTES_A_DAY).default(60) });
export const costsWindowSchema = z.strictObject({ days: wholeNumber(1, 400).default(7) });

const stage = z.enum(STAGES);
const count = countSchema;
const seconds = z.number().nullable();
const percentiles = { p50: seconds, p95: seconds, p99: seconds, max: seconds };
const none = { p50: null, p95: null, p99: null, max: null };
export const slaReportSchema = apiSchema(
  'SlaReport',
  z
    .object({
      slaSeconds: count,
      windowMinutes: count,
      speedToLead: z.object({ count, ...percentiles }).describe('Leads that first reached the CRM within the window.'),
      breaches: count,
      breached: z.object({ synced: count, waiting: count, dead: count }),
      backlog: z.object({ enrichment: count, 'crm-sync': count }),
      forecastSeconds: seconds.describe(
        'Seconds until the present backlog is done at the present rate; null where that is unknown.',
      ),
      stages: z.array(
        z.object({
          name: stage,
          ...percentiles,
          backlog: count,
          oldestSeconds: seconds,
          perSecond: seconds,
          forecastSeconds: seconds,
          heldBackBy: z.enum(['pause', 'breaker']).nullable(),
        }),
      ),
      histogram: z.array(z.object({ upTo: z.number().nullable(), count })),
    })
    .describe('All times are in seconds.'),
  {
    slaSeconds: 300,
    windowMinutes: 60,
    speedToLead: { count: 812, p50: 0.046, p95: 0.091, p99: 0.112, max: 0.4 },
    breaches: 0,
    breached: { synced: 0, waiting: 0, dead: 0 },
    backlog: { enrichment: 0, 'crm-sync': 0 },
    forecastSeconds: 0,
    stages: STAGES.map((name) => ({
      name,
      ...none,
      backlog: 0,
      oldestSeconds: 0,
      perSecond: 13.5,
      forecastSeconds: 0,
      heldBackBy: null,
    })),
    histogram: [
      { upTo: 0.1, count: 800 },
      { upTo: null, count: 12 },
    ],
  },
);

export const costsReportSchema = apiSchema(
  'CostsReport',
  z
    .object({
      days: count,
      items: z.array(
        z.object({
          day: z.iso.date(),
          provider: z.string(),
          model: z.string(),
          scorings: count,
          inputTokens: count,
          outputTokens: count,
          costUsd: z.number().min(0),
          costUsdPerLead: z.number().min(0),
        }),
      ),
    })
    .describe('Estimates by the price table; a model that it does not know costs nothing here. Days are in UTC.'),
  {
    days: 7,
    items: [
      {
        day: '2026-11-24',
        provider: 'gemini',
        model: 'gemini-3.5-flash-lite',
        scorings: 812,
        inputTokens: 1_218_000,
        outputTokens: 97_440,
        costUsd: 0.161,
        costUsdPerLead: 0.000198,
      },
    ],
  },
);
