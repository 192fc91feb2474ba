import type { Stage } from '../domain/lead-state.js';
import type { StageLoad } from './sla.repository.js';

export interface Forecast {
  /** Until what waits now has passed the stage; null where the stage makes no headway, so no forecast exists. */
  stages: Record<Stage, number | null>;
  /** Until all that waits now is in the CRM. */
  seconds: number | null;
}

/**
 * In how many seconds the leads that wait now will be in the CRM, at the pace of late. What arrives meanwhile stands
 * behind them, so it does not count: this is what a lead that comes now has before it.
 */
export function forecastOf(loads: StageLoad[]): Forecast {
  const load = (stage: Stage) => loads.find((candidate) => candidate.stage === stage)!;
  const [enrichment, sync] = [load('enrichment'), load('crm-sync')];
  const scored = secondsFor(enrichment.backlog, enrichment.perSecond);
  // Whatever waits for its score has to pass the CRM too.
  const synced = secondsFor(enrichment.backlog + sync.backlog, sync.perSecond);
  return {
    stages: { enrichment: scored, 'crm-sync': secondsFor(sync.backlog, sync.perSecond) },
    seconds: scored === null || synced === null ? null : Math.max(scored, synced),
  };
}

function secondsFor(backlog: number, perSecond: number): number | null {
  if (backlog === 0) return 0;
  return perSecond > 0 ? backlog / perSecond : null;
}
