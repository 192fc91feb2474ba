import type { Stage } from '../domain/lead-state.js';
import type { StageLoad } from './sla.repository.js';

export interface Forecast {
  /** Seconds until the stage has processed all leads that wait now; null without throughput, so without a forecast. */
  stages: Record<Stage, number | null>;
  /** Seconds until all leads that wait now are in the CRM. */
  seconds: number | null;
}

/**
 * The seconds until the leads that wait now are in the CRM, at the current throughput. Later arrivals queue behind them
 * and are not counted, so this is also the wait of a lead that arrives now.
 */
export function forecastOf(loads: StageLoad[]): Forecast {
  const load = (stage: Stage) => loads.find((candidate) => candidate.stage === stage)!;
  const [enrichment, sync] = [load('enrichment'), load('crm-sync')];
  const scored = secondsFor(enrichment.backlog, enrichment.perSecond);
  // Leads that wait for a score must pass crm-sync too.
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
