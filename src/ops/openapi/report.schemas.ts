import { z } from 'zod';
import { STAGES } from '../../domain/lead-state.js';
import { personSchema } from '../privacy/privacy.controller.js';
import { at } from './lead.schemas.js';
import type { Component } from './operation.js';
import { ERROR_CODE } from './webhook.schemas.js';

const RECEIPT_ID = '7f8d6f0e-6d5c-4d59-9f1a-0f3f6d1f2a34';
const stage = z.enum(STAGES);
const count = z.int().min(0);
const seconds = z.number().nullable();
const component = (name: string, schema: z.ZodType, ...examples: unknown[]): Component => ({ name, schema, examples });

/** Rows as the tables have them: what is held is shown as it is held. */
const heldRows = z.array(z.looseObject({}));

export const PERSON = component('Person', personSchema, { email: 'lead@enterprise.com' });
export const HELD_DATA = component(
  'HeldData',
  z.object({ email: z.string(), exportedAt: at, leads: heldRows, rejections: heldRows, spool: heldRows, mockCrm: heldRows }),
  { email: 'lead@enterprise.com', exportedAt: '2026-11-24T04:00:00.000Z', leads: [], rejections: [], spool: [], mockCrm: [] },
);
export const RECEIPT = component(
  'ErasureReceipt',
  z
    .object({
      receipt: z.uuid(),
      at,
      by: z.string().describe('The name of the token.'),
      status: z.enum(['pending', 'done']),
      doneAt: at.nullable(),
      erased: z.object({
        leads: count,
        events: count,
        rejections: count,
        spool: count,
        alerts: count,
        jobs: count
          .nullable()
          .describe('null where the queue did not answer: its jobs have nothing but ids, and end by themselves.'),
        crm: count,
      }),
      crm: z.object({
        status: z.enum(['pending', 'done', 'by-hand']),
        asked: z.boolean().optional(),
        until: at.optional().describe('When the CRM is asked for the last time.'),
        lastCode: ERROR_CODE.schema.nullable().optional(),
      }),
    })
    .describe('What went, and whether the CRM has done its part. It names nobody.'),
  {
    receipt: RECEIPT_ID,
    at: '2026-11-24T04:00:00.000Z',
    by: 'ann',
    status: 'done',
    doneAt: '2026-11-24T04:00:01.200Z',
    erased: { leads: 2, events: 7, rejections: 0, spool: 0, alerts: 0, jobs: 0, crm: 3 },
    crm: { status: 'done' },
  },
);

const percentiles = { p50: seconds, p95: seconds, p99: seconds, max: seconds };
const none = { p50: null, p95: null, p99: null, max: null };
export const SLA_REPORT = component(
  'SlaReport',
  z
    .object({
      slaSeconds: count,
      windowMinutes: count,
      speedToLead: z.object({ count, ...percentiles }).describe('Leads that first reached the CRM within the window.'),
      breaches: count,
      breached: z.object({ synced: count, waiting: count, dead: count }),
      backlog: z.object({ enrichment: count, 'crm-sync': count }),
      forecastSeconds: seconds.describe('When what waits now will be done, at the present pace; null: nobody can tell.'),
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

export const COSTS_REPORT = component(
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
