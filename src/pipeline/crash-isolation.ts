import { Injectable } from '@nestjs/common';

/** Suspected leads that run at a time, by how many workers crashed while they ran them: of four groups one has the culprit. */
const AT_ONCE = [Infinity, 16, 4];

/**
 * Finds the lead that crashes its worker. All leads that a crashed worker was running are suspected. They run again in ever smaller groups,
 * and the last four exclusively, one after the other: the others get through, and the culprit is found after few crashes and few extra calls.
 */
@Injectable()
export class CrashIsolation {
  private running = 0;
  /** How often the suspects that run now were suspected before. */
  private readonly suspects: number[] = [];
  private exclusive = 0;
  private waiting: (() => void)[] = [];

  /** Resolves while no lead needs the process to itself: a lead that is claimed later would only wait. */
  async admit(): Promise<void> {
    while (this.exclusive > 0) await this.change();
  }

  /** Runs `work` among others, among few, or exclusively. */
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

  /** Blocks new runs, waits for those that run, then runs by itself. */
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
