import { Injectable } from '@nestjs/common';

/** How many suspected leads run at a time, by the number of workers that crashed with them. The last four run alone. */
const AT_ONCE = [Infinity, 16, 4];

/**
 * Finds the lead that crashes its worker. Every lead that a crashed worker was running is suspected. Suspects run again
 * in ever smaller groups, the last four exclusively, one after the other. This finds the lead after few crashes and few
 * extra calls, and the other leads complete.
 */
@Injectable()
export class CrashIsolation {
  private running = 0;
  /** For each suspect that runs now, the number of crashes before. */
  private readonly suspects: number[] = [];
  private exclusive = 0;
  private waiting: (() => void)[] = [];

  /** Waits while a lead runs exclusively: a lead claimed meanwhile would only wait. */
  async admit(): Promise<void> {
    while (this.exclusive > 0) await this.change();
  }

  /** Runs `work` with no limit, in a small group, or exclusively, by the number of crashes. */
  async run<T>(suspectedCrashes: number, work: (exclusively: boolean) => Promise<T>): Promise<T> {
    if (suspectedCrashes >= AT_ONCE.length) return this.runExclusively(work);
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
    return suspectedCrashes === 0 || this.suspects.length < AT_ONCE[Math.max(suspectedCrashes, ...this.suspects)]!;
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
