import { SLOWEST_MS, widenedWindow } from '../../src/crm/salesforce/api-budget.js';
import type { Timeline } from '../engine/timeline.js';
import type { Crm } from './scenario.js';

/** The org's API calls of the day: near their end the service slows down, and stops before the last. */
export class ApiQuota {
  used: number;
  /** When the service stopped; leads that are not in the CRM by then wait until the window moves on. */
  stoppedAt: number | null = null;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly timeline: Timeline,
    private readonly crm: Pick<Crm, 'dailyLimit' | 'usedByOthers' | 'slowAt' | 'stopAt' | 'batchWindowMs'>,
    private readonly slaMs: number,
  ) {
    this.used = crm.usedByOthers;
  }

  /** The present batching window. */
  get windowMs(): number {
    const { batchWindowMs, dailyLimit } = this.crm;
    return widenedWindow(batchWindowMs, this.used / dailyLimit, this.slaMs);
  }

  spend(go: () => void): void {
    const { dailyLimit, slowAt, stopAt } = this.crm;
    const ratio = this.used / dailyLimit;
    if (ratio >= stopAt) {
      this.stoppedAt ??= this.timeline.now;
      this.waiting.push(go);
      return;
    }
    this.used++;
    if (ratio < slowAt) return go();
    this.timeline.after((SLOWEST_MS * (ratio - slowAt)) / (stopAt - slowAt), go);
  }
}
