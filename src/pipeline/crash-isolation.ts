import { Inject, Injectable } from '@nestjs/common';
import type { Claim } from '../ledger/claims.repository.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';

/** Each crash divides the suspects by this, so that CRASH_BUDGET crashes of a full worker leave one. */
const NARROWED_BY = 16;

/**
 * Finds the lead that crashes its worker. Every lead that a crashed worker was running is suspected. Suspects run again
 * in ever smaller groups, the last exclusively, one after the other. No more than CRASH_BUDGET workers crash because of
 * one lead, or two where the budget is one, and the other leads complete.
 */
@Injectable()
export class CrashIsolation {
  private readonly crashBudget: number;
  private running = 0;
  /** For each suspect that runs now, the number of crashes before. */
  private readonly suspects: number[] = [];
  private exclusive = 0;
  private waiting: (() => void)[] = [];

  constructor(@Inject(CONFIG) config: Pick<Config, 'CRASH_BUDGET'>) {
    this.crashBudget = config.CRASH_BUDGET;
  }

  /** Whether the last of the crashes that the budget allows was an exclusive run of the lead. */
  isPoison({ suspectedCrashes, confirmedCrashes }: Pick<Claim, 'suspectedCrashes' | 'confirmedCrashes'>): boolean {
    return confirmedCrashes > 0 && suspectedCrashes >= this.crashBudget;
  }

  /** Waits while a lead runs exclusively: a lead claimed meanwhile would only wait. */
  async admit(): Promise<void> {
    while (this.exclusive > 0) await this.change();
  }

  /** Runs `work` with no limit, in a small group, or exclusively, by the number of crashes. */
  async run<T>(suspectedCrashes: number, work: (exclusively: boolean) => Promise<T>): Promise<T> {
    if (this.atOnce(suspectedCrashes) <= 1) return this.runExclusively(work);
    while (this.exclusive > 0 || !this.hasPlaceFor(suspectedCrashes)) await this.change();
    this.running++;
    if (suspectedCrashes > 0) this.suspects.push(suspectedCrashes);
    try {
      return await work(false);
    } finally {
      this.running--;
      if (suspectedCrashes > 0) this.suspects.splice(this.suspects.indexOf(suspectedCrashes), 1);
      this.wake();
    }
  }

  private hasPlaceFor(suspectedCrashes: number): boolean {
    return suspectedCrashes === 0 || this.suspects.length < this.atOnce(Math.max(suspectedCrashes, ...this.suspects));
  }

  /** How many leads run at a time that have crashed as many workers. */
  private atOnce(suspectedCrashes: number): number {
    return suspectedCrashes === 0 ? Infinity : NARROWED_BY ** (this.crashBudget - 1 - suspectedCrashes);
  }

  /** Blocks new runs, waits for running ones, then runs exclusively. */
  private async runExclusively<T>(work: (exclusively: boolean) => Promise<T>): Promise<T> {
    while (this.exclusive > 0) await this.change();
    this.exclusive++;
    try {
      while (this.running > 0) await this.change();
      return await work(true);
    } finally {
      this.exclusive--;
      this.wake();
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }
}
