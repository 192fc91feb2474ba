import { SPEED_TO_LEAD_BUCKETS } from '../../platform/observability/metrics.js';
import type { Pool } from '../../platform/database/pool.js';
import { guarded } from '../database-errors.js';
import {
  arrivals,
  countDead,
  oldestWithoutCrm,
  overdue,
  stageLoads,
  type Arrivals,
  type Overdue,
  type StageLoad,
} from '../sla.repository.js';

/** The figures of figures.ts. Every method throws AppError LEDGER_UNAVAILABLE where PostgreSQL does not answer in time. */
export class SpeedToLead {
  constructor(private readonly pool: Pool) {}

  /** How fast the leads were that first reached the CRM in the last `minutes`. */
  arrivals(minutes: number, slaSeconds: number): Promise<Arrivals> {
    // The SLA is a bound of the histogram, whatever it is.
    const bounds = [...new Set([...SPEED_TO_LEAD_BUCKETS, slaSeconds])].toSorted((a, b) => a - b);
    return guarded(arrivals(this.pool, minutes, slaSeconds, bounds));
  }

  overdue(minutes: number, slaSeconds: number): Promise<Overdue> {
    return guarded(overdue(this.pool, minutes, slaSeconds));
  }

  /** What waits for each stage, and its pace. */
  stageLoads(): Promise<StageLoad[]> {
    return guarded(stageLoads(this.pool));
  }

  /** Age in seconds of the oldest lead that waits and has never been in the CRM; replays do not count. */
  oldestWithoutCrm(): Promise<number> {
    return guarded(oldestWithoutCrm(this.pool));
  }

  countDead(): Promise<number> {
    return guarded(countDead(this.pool));
  }
}
