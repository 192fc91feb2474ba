import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds in seconds, of the metric and of the histogram that GET /ops/sla gives. */
export const SPEED_TO_LEAD_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 150, 300, 900, 3600];

/** Every metric of the service; the names are part of its public face (docs/configuration.md lists them). */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    leads: new Counter({
      name: 'revenueflow_leads_total',
      help: 'Answers of POST /leads: accepted, updated, duplicate, rejected, refused.',
      labelNames: ['outcome'],
      registers,
    }),
    ackSeconds: new Histogram({
      name: 'revenueflow_ack_seconds',
      help: 'From the request to the answer of POST /leads.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2],
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'revenueflow_stage_seconds',
      help: 'Work of one lead in one stage, without waiting.',
      labelNames: ['stage', 'outcome'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    speedToLead: new Histogram({
      name: 'revenueflow_speed_to_lead_seconds',
      help: "From the webhook's receipt to the lead's first arrival in the CRM; revisions and re-scores do not count.",
      buckets: SPEED_TO_LEAD_BUCKETS,
      registers,
    }),
    slaBreaches: new Counter({
      name: 'revenueflow_sla_breaches_total',
      help: 'Leads that first reached the CRM later than SPEED_TO_LEAD_SLA_SECONDS.',
      registers,
    }),
    aiFallbacks: new Counter({
      name: 'revenueflow_ai_fallbacks_total',
      help: 'Leads that went on with the fallback score.',
      labelNames: ['reason'],
      registers,
    }),
    aiTokens: new Counter({
      name: 'revenueflow_ai_tokens_total',
      help: 'Tokens that scorings have cost: input, output.',
      labelNames: ['provider', 'kind'],
      registers,
    }),
    aiTurns: new Counter({
      name: 'revenueflow_ai_turns_total',
      help: 'Leads that got a turn at the model (taken) or went on without one (missed): the scored fraction.',
      labelNames: ['outcome'],
      registers,
    }),
    rescores: new Counter({
      name: 'revenueflow_rescores_total',
      help: 'Stand-in scores that were replaced (rescored), tried in vain (failed) or left for good (given-up).',
      labelNames: ['outcome'],
      registers,
    }),
    deadLetters: new Gauge({
      name: 'revenueflow_dead_letters',
      help: 'Leads that wait for an operator, from the ledger.',
      labelNames: ['stage', 'code'],
      registers,
    }),
    breakerOpen: new Gauge({
      name: 'revenueflow_breaker_open',
      help: '1 while the breaker of a stage is open or probing, else 0.',
      labelNames: ['stage'],
      registers,
    }),
    spoolEntries: new Gauge({
      name: 'revenueflow_spool_entries',
      help: 'Leads that wait in the spool for PostgreSQL.',
      registers,
    }),
    ledgerAway: new Gauge({
      name: 'revenueflow_ledger_away',
      help: '1 while this process takes leads without PostgreSQL or refuses them, else 0.',
      registers,
    }),
    crmApiUsage: new Gauge({
      name: 'revenueflow_crm_api_usage_ratio',
      help: "Share of the CRM's daily API calls that is used, as the CRM last said; 0 where it has no such limit.",
      registers,
    }),
    crmShadow: new Counter({
      name: 'revenueflow_crm_shadow_total',
      help: 'Leads tried in the CRM of CRM_SHADOW: written, valid, problem, failed, skipped.',
      labelNames: ['outcome'],
      registers,
    }),
    backlog: new Gauge({
      name: 'revenueflow_backlog',
      help: 'Leads that wait for a stage, from the ledger.',
      labelNames: ['stage'],
      registers,
    }),
    oldestSeconds: new Gauge({
      name: 'revenueflow_oldest_seconds',
      help: 'Age of the oldest lead that waits for a stage.',
      labelNames: ['stage'],
      registers,
    }),
    forecastSeconds: new Gauge({
      name: 'revenueflow_forecast_seconds',
      help: 'When the leads that wait for a stage now will have passed it, at its present pace; NaN where it has none.',
      labelNames: ['stage'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
