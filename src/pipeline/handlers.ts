import type { CrmProvider } from '../crm/port.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import type { FlowControl } from '../flow/flow-control.js';
import { STAGES, type Stage } from '../lead/state.js';
import type { Config } from '../platform/config/config.js';
import type { Throttle } from '../platform/throttle.js';
import type { JobHandler } from '../queue/job.js';
import { acquitLeads } from './acquit-leads.js';
import { AiTurns } from './ai-turns.js';
import { enrichLead } from './enrich-lead.js';
import { Isolation } from './isolation.js';
import { syncLead } from './sync-lead.js';
import type { PipelineTools } from './tools.js';

export interface HandlerTools extends Omit<PipelineTools, 'flow' | 'isolation' | 'policy' | 'crashBudget'> {
  config: Pick<
    Config,
    'RETRY_ATTEMPTS' | 'RETRY_BASE_MS' | 'CRASH_BUDGET' | 'AI_TIMEOUT_MS' | 'AI_DEADLINE_SECONDS' | 'SPEED_TO_LEAD_SLA_SECONDS'
  >;
  flow: FlowControl;
  /** The longest that one scoring may take. */
  scoringTimeoutMs: number;
  /** The rate of the scorer. */
  throttle: Throttle;
}

export interface Downstreams {
  scorer: EnrichmentProvider;
  heuristic: EnrichmentProvider;
  crm: CrmProvider;
}

/** What the workers of a process run: one handler a stage. */
export function createHandlers(tools: HandlerTools, { scorer, heuristic, crm }: Downstreams): Record<Stage, JobHandler> {
  const { config, flow, throttle } = tools;
  const shared: PipelineTools = {
    ...tools,
    isolation: new Isolation(),
    policy: { attempts: config.RETRY_ATTEMPTS, baseMs: config.RETRY_BASE_MS },
    crashBudget: config.CRASH_BUDGET,
  };
  const gate = flow.gates.enrichment;
  const turns = new AiTurns({
    permitted: () => flow.permitted('enrichment'),
    paused: () => gate.paused,
    enter: () => gate.enter(),
    throttle,
  });
  flow.onChange(() => turns.look());
  for (const stage of STAGES) acquitWhenItOpens(shared, flow, stage);
  const enrichTools = {
    ...shared,
    provider: scorer,
    heuristic,
    turns,
    spending: flow,
    timeoutMs: tools.scoringTimeoutMs,
    deadlineMs: config.AI_DEADLINE_SECONDS * 1000,
    slaMs: config.SPEED_TO_LEAD_SLA_SECONDS * 1000,
  };
  const syncTools = { ...shared, provider: crm, slaSeconds: config.SPEED_TO_LEAD_SLA_SECONDS };
  return { enrichment: enrichLead.bind(null, enrichTools), 'crm-sync': syncLead.bind(null, syncTools) };
}

/** Whichever process opened the breaker, this one may have counted failures a moment before. */
function acquitWhenItOpens(tools: PipelineTools, flow: FlowControl, stage: Stage): void {
  let wasOpen = false;
  flow.onChange(() => {
    const { open, reason } = flow.gates[stage];
    const opened = open && !wasOpen && reason?.reason === 'dependency-down';
    wasOpen = open;
    // PostgreSQL is away: they keep what was counted, and are not given up while nothing proves that the downstream is up.
    if (opened) void acquitLeads(tools, stage).catch(() => {});
  });
}
