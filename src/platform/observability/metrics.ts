import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds in seconds, of the metric and of the histogram that GET /ops/sla gives. */
export const SPEED_TO_LEAD_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 150, 300, 900, 3600];

/** Every metric of the service; the names are public (docs/monitoring.md lists them). */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    leads: countFromZero(
      new Counter({
        name: 'revenueflow_leads_total',
        help: 'Answers of POST /leads: accepted, updated, duplicate, rejected, refused.',
        labelNames: ['outcome'],
        registers,
      }),
      'outcome',
      ['accepted', 'updated', 'duplicate', 'rejected', 'refused'],
    ),
    ackSeconds: new Histogram({
      name: 'revenueflow_ack_seconds',
      help: 'From the request to the answer of POST /leads.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2],
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'revenueflow_stage_seconds',
      help: 'Processing time of one lead in one stage, without waiting.',
      labelNames: ['stage', 'outcome'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    speedToLead: new Histogram({
      name: 'revenueflow_speed_to_lead_seconds',
      help: "From the webhook's receipt to the lead's first arrival in the CRM; revisions and rescores do not count.",
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
      help: 'Leads that continued with a fallback score.',
      labelNames: ['reason'],
      registers,
    }),
    aiTokens: new Counter({
      name: 'revenueflow_ai_tokens_total',
      help: 'Tokens of all scorings, unusable answers included: input, output.',
      labelNames: ['provider', 'kind'],
      registers,
    }),
    aiTurns: countFromZero(
      new Counter({
        name: 'revenueflow_ai_turns_total',
        help: 'Leads that got a model slot (taken) or continued without one (missed).',
        labelNames: ['outcome'],
        registers,
      }),
      'outcome',
      ['taken', 'missed'],
    ),
    aiCost: new Counter({
      name: 'revenueflow_ai_cost_usd_total',
      help: 'Estimated cost of all scorings in US dollars, by the price table; models without a price count as 0.',
      labelNames: ['provider'],
      registers,
    }),
    rescores: new Counter({
      name: 'revenueflow_rescores_total',
      help: 'Provisional scores that were replaced (rescored), failed to be (failed) or stay (given-up).',
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
    stagePaused: new Gauge({
      name: 'revenueflow_stage_paused',
      help: '1 while an operator has paused a stage, else 0.',
      labelNames: ['stage'],
      registers,
    }),
    rejections: new Gauge({
      name: 'revenueflow_rejections',
      help: 'Requests answered 400 that wait to be replayed, from the ledger.',
      registers,
    }),
    aiBudget: new Gauge({
      name: 'revenueflow_ai_budget_ratio',
      help: 'Share of AI_DAILY_TOKEN_BUDGET that is spent today (UTC), by all workers; 0 without a budget.',
      registers,
    }),
    alertsFailing: new Gauge({
      name: 'revenueflow_alerts_failing',
      help: '1 while ALERT_WEBHOOK_URL does not take messages; GET /ops/queues says why.',
      registers,
    }),
    firstTouchOverdue: new Gauge({
      name: 'revenueflow_first_touch_overdue',
      help: 'Assigned leads on which no person has acted although the time of the routing rules is over.',
      registers,
    }),
    ownerNoticesFailing: new Gauge({
      name: 'revenueflow_owner_notices_failing',
      help: '1 while a channel of notices to owners (slack, webhook) takes none.',
      labelNames: ['channel'],
      registers,
    }),
    crmApiUsage: new Gauge({
      name: 'revenueflow_crm_api_usage_ratio',
      help: "Used share of the day's CRM API calls, by its last answer to this process; 0 until one states it.",
      registers,
    }),
    marketoMissing: new Gauge({
      name: 'revenueflow_marketo_missing',
      help: "Calls of our webhook in Marketo's log of the last 7 days whose lead is not in the ledger; 0 without Marketo.",
      registers,
    }),
    marketoOwed: new Gauge({
      name: 'revenueflow_marketo_owed',
      help: 'People whose newest score Marketo does not show yet, from the ledger; 0 without Marketo.',
      registers,
    }),
    slaSeconds: new Gauge({
      name: 'revenueflow_sla_seconds',
      help: 'SPEED_TO_LEAD_SLA_SECONDS, so that rules need not repeat it.',
      registers,
    }),
    lastSweep: new Gauge({
      name: 'revenueflow_last_sweep_timestamp_seconds',
      help: 'When this process last finished a sweep, in seconds since 1970; 0 if never. One process sweeps at a time.',
      registers,
    }),
    spoolEntries: new Gauge({
      name: 'revenueflow_spool_entries',
      help: 'Leads that wait in the spool for PostgreSQL.',
      registers,
    }),
    ledgerAway: new Gauge({
      name: 'revenueflow_ledger_away',
      help: '1 while this process accepts leads without PostgreSQL or refuses them, else 0.',
      registers,
    }),
    crmShadow: new Counter({
      name: 'revenueflow_crm_shadow_total',
      help: 'Leads checked in or written to the shadow CRM: written, valid, problem, failed, skipped.',
      labelNames: ['outcome'],
      registers,
    }),
    crmNotices: new Counter({
      name: 'revenueflow_crm_notices_total',
      help: 'What the CRM did otherwise than asked: batch-reduced, field-left-out, assignment-skipped, owner-refused, membership-missing, other-person.',
      labelNames: ['kind'],
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
      help: 'Seconds until the present backlog has passed the stage, at its present rate; NaN without a rate.',
      labelNames: ['stage'],
      registers,
    }),
  };
}

/**
 * Series start at 0: `increase` needs two samples, so a series that begins with its first event would hide that
 * event.
 */
function countFromZero<T extends string>(counter: Counter<T>, label: T, values: readonly string[]): Counter<T> {
  for (const value of values) counter.inc({ [label]: value } as Record<T, string>, 0);
  return counter;
}

export type Metrics = ReturnType<typeof createMetrics>;
