import type { CrmProvider } from '../crm/port.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import type { FlowControl } from '../flow-control/flow-control.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { Config } from '../platform/config/config.js';
import type { RateLimiter } from '../platform/concurrency/rate-limiter.port.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import type { JobHandler } from '../queue/job.js';
import { refundAttempts } from './acquit-leads.js';
import { ModelSlots } from './model-slots.js';
import { enrichLead } from './enrichment.processor.js';
import { CrashIsolation } from './crash-isolation.js';
import { rescoreLead, type RescoreTools } from './rescore.processor.js';
import { RescorePoller, type RescorePollerTools } from './rescore.poller.js';
import { syncLead } from './crm-sync.processor.js';
import type { PipelineTools } from './pipeline-context.js';

export interface HandlerTools extends Omit<PipelineTools, 'flow' | 'isolation' | 'policy' | 'crashBudget'> {
  config: Pick<
    Config,
    | 'LEASE_MS'
    | 'RETRY_ATTEMPTS'
    | 'RETRY_BASE_MS'
    | 'CRASH_BUDGET'
    | 'AI_TIMEOUT_MS'
    | 'AI_DEADLINE_SECONDS'
    | 'SPEED_TO_LEAD_SLA_SECONDS'
  >;
  rescores: RescoreTools['rescores'] & RescorePollerTools['rescores'];
  leads: RescoreTools['leads'];
  backend: Pick<QueueBackend, 'queue'>;
  flow: FlowControl;
  /** The longest that one scoring may take. */
  scoringTimeoutMs: number;
  /** The rate of the scorer. */
  rateLimiter: RateLimiter;
}

export interface Downstreams {
  scorer: EnrichmentProvider;
  heuristic: EnrichmentProvider;
  crm: CrmProvider;
}

/** What the workers of a process run: one handler a stage, and the re-scorer beside them. */
export interface Work {
  handlers: Record<Stage, JobHandler>;
  rescorer: Pick<RescorePoller, 'start' | 'stop'>;
}

/** Re-scores that one process has in hand at most: the rate is what limits them. */
export const RESCORES_AT_ONCE = 20;

export function createWork(tools: HandlerTools, { scorer, heuristic, crm }: Downstreams): Work {
  const { config, flow, rateLimiter } = tools;
  const shared: PipelineTools = {
    ...tools,
    isolation: new CrashIsolation(),
    policy: { attempts: config.RETRY_ATTEMPTS, baseMs: config.RETRY_BASE_MS },
    crashBudget: config.CRASH_BUDGET,
  };
  const gate = flow.breakers.enrichment;
  const turns = new ModelSlots({
    permitted: () => flow.permitted('enrichment'),
    paused: () => gate.paused,
    enter: () => gate.enter(),
    rateLimiter,
  });
  flow.onChange(() => turns.look());
  for (const stage of STAGES) acquitWhenItOpens(shared, flow, stage);
  const asking = { provider: scorer, turns, spending: flow, timeoutMs: tools.scoringTimeoutMs };
  const enrichTools = {
    ...shared,
    ...asking,
    heuristic,
    deadlineMs: config.AI_DEADLINE_SECONDS * 1000,
    slaMs: config.SPEED_TO_LEAD_SLA_SECONDS * 1000,
  };
  const syncTools = { ...shared, provider: crm, slaSeconds: config.SPEED_TO_LEAD_SLA_SECONDS };
  const rescoreTools = {
    ...shared,
    ...asking,
    rescores: tools.rescores,
    leads: tools.leads,
    crm,
    turnWaitMs: config.LEASE_MS / 2,
  };
  const rescorer = new RescorePoller({
    rescores: tools.rescores,
    capacity: () => (flow.budgetSpent ? 0 : spareOf(flow)),
    waiting: async () => turns.waiting + (await tools.backend.queue('enrichment').counts()).waiting,
    rescore: rescoreLead.bind(null, rescoreTools),
    leaseMs: config.LEASE_MS + tools.scoringTimeoutMs,
    logger: tools.logger,
  });
  return { handlers: { enrichment: enrichLead.bind(null, enrichTools), 'crm-sync': syncLead.bind(null, syncTools) }, rescorer };
}

/** While a breaker is not closed one at a time: where no fresh lead comes, a re-score is the probe that closes it. */
function spareOf(flow: FlowControl): number {
  const full = STAGES.every((stage) => flow.permitted(stage) >= flow.share(stage));
  return Math.min(full ? RESCORES_AT_ONCE : 1, ...STAGES.map((stage) => flow.permitted(stage)));
}

/** Whichever process opened the breaker, this one may have counted failures a moment before. */
function acquitWhenItOpens(tools: PipelineTools, flow: FlowControl, stage: Stage): void {
  let wasOpen = false;
  flow.onChange(() => {
    const { open, reason } = flow.breakers[stage];
    const opened = open && !wasOpen && reason?.reason === 'dependency-down';
    wasOpen = open;
    // PostgreSQL is away: they keep what was counted, and are not given up while nothing proves that the downstream is up.
    if (opened) void refundAttempts(tools, stage).catch(() => {});
  });
}
