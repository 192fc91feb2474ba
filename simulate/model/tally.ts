import { MINUTE } from '../engine/process.js';
import { Sample } from '../engine/sample.js';

/** Something counted by minute, for the busiest. */
export class ByMinute {
  private readonly minutes: number[] = [];
  total = 0;

  add(now: number, count = 1): void {
    const minute = Math.floor(now / MINUTE);
    this.minutes[minute] = (this.minutes[minute] ?? 0) + count;
    this.total += count;
  }

  /** A second, in the busiest minute. */
  busiestPerSecond(): number {
    return this.minutes.reduce((most, count = 0) => Math.max(most, count), 0) / (MINUTE / 1000);
  }
}

/** What the model counts. */
export class Tally {
  readonly acks = new Sample();
  readonly speed = new Sample();
  /** Time in each stage, until the next. */
  readonly stages = { enrichment: new Sample(), 'crm-sync': new Sample() };
  readonly received = new ByMinute();
  /** Leads that asked for a model slot. */
  readonly askers = new ByMinute();
  readonly aiCalls = new ByMinute();
  readonly crmCalls = new ByMinute();
  aiMs = 0;
  breaches = 0;
  /** Scored by the model before the CRM write; and after it. */
  scoredInTime = 0;
  rescored = 0;
  provisionalScores = 0;
  fallbacks = 0;
  syncedAt = 0;
}
