/** Leads that were in hand when a worker died run beside at most so many others of their kind. */
const SUSPECTS_AT_ONCE = 16;

/**
 * Finds the lead that kills its worker. A worker that dies has many leads in hand, and all are suspect; run a few at a time,
 * then one by one with the process to themselves, the innocent get through and the guilty one stands alone.
 */
export class CrashIsolation {
  private running = 0;
  private suspects = 0;
  private alone = 0;
  private waiting: (() => void)[] = [];

  /** Runs `work` among others, among few, or alone, by how often a worker has died with this lead in its hands. */
  async run<T>(suspicions: number, work: (alone: boolean) => Promise<T>): Promise<T> {
    if (suspicions >= 2) return this.byItself(work);
    const suspect = suspicions > 0;
    const mustWait = () => this.alone > 0 || (suspect && this.suspects >= SUSPECTS_AT_ONCE);
    while (mustWait()) await this.change();
    this.running++;
    if (suspect) this.suspects++;
    try {
      return await work(false);
    } finally {
      this.running--;
      if (suspect) this.suspects--;
      this.wake();
    }
  }

  /** Nobody new begins from the moment that it waits; it begins when the others have ended. */
  private async byItself<T>(work: (alone: boolean) => Promise<T>): Promise<T> {
    while (this.alone > 0) await this.change();
    this.alone++;
    try {
      while (this.running > 0) await this.change();
      return await work(true);
    } finally {
      this.alone--;
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
