import type { Calibration } from '../calibration.js';
import type { Process, ProcessCost } from '../engine/process.js';
import type { Api } from './api.js';
import type { Scenario } from './scenario.js';
import type { Shared } from './shared.js';
import type { Worker } from './worker.js';

export interface Use {
  name: string;
  /** 1: fully used; more: demand beyond what is available. */
  share: number;
  /** What to change if this is the limit. */
  raise: string;
}

/** The use of each resource in the busiest minute (of the quota: per day), the highest first. */
export function usesOf(scenario: Scenario, calibration: Calibration, shared: Shared, apis: Api[], workers: Worker[]): Use[] {
  const { ai, crm, concurrency } = scenario;
  const { tally, cost } = shared;
  const mean = (processes: Process[]) =>
    processes.reduce((sum, process) => sum + process.busiest() / Math.min(1, process.host.cores), 0) / processes.length;
  const all = (tasks: { process: Process }[], of: ProcessCost) =>
    tasks.reduce((sum, { process }) => sum + process.busiest(of), 0);
  const uses: Use[] = [
    { name: 'api CPU', share: mean(apis.map(({ process }) => process)), raise: 'more api tasks' },
    { name: 'worker CPU', share: mean(workers.map(({ process }) => process)), raise: 'more worker tasks' },
    {
      name: 'PostgreSQL CPU, of one core',
      share: all(apis, calibration.api.postgres) + all(workers, cost.postgres),
      raise: 'a larger instance',
    },
    {
      name: 'Redis CPU, of its one thread',
      share: all(apis, calibration.api.redis) + all(workers, cost.redis),
      raise: 'a second replication group',
    },
  ];
  if (ai) {
    const asked = tally.askers.busiestPerSecond();
    const meanMs = tally.aiCalls.total === 0 ? 0 : tally.aiMs / tally.aiCalls.total;
    uses.push(
      {
        name: 'calls of the model a second',
        share: asked / ai.ratePerSecond,
        raise: 'AI_RATE_LIMIT_PER_SECOND, with the quota of the vendor',
      },
      {
        name: 'calls of the model at a time',
        share: (asked * meanMs) / 1000 / concurrency.enrichment,
        raise: 'AI_CONCURRENCY',
      },
    );
  }
  if (crm) {
    uses.push(
      {
        name: 'calls of Salesforce a second',
        share: tally.crmCalls.busiestPerSecond() / crm.ratePerSecond,
        raise: 'CRM_RATE_LIMIT_PER_SECOND',
      },
      {
        name: 'calls of Salesforce a day',
        share: shared.quota!.used / (crm.dailyLimit * crm.stopAt),
        raise: 'the quota of the org, or CRM_BATCH_WINDOW_MS',
      },
    );
  }
  return uses.toSorted((a, b) => b.share - a.share);
}
