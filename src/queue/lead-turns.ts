/** Limits how many leads of a worker run at a time. The others wait for their turn, in order. */
export class LeadTurns {
  private running = 0;
  private waiting: (() => void)[] = [];

  constructor(private limit: number) {}

  /** A lower limit ends no run. */
  set atOnce(limit: number) {
    this.limit = limit;
    this.fill();
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) await new Promise<void>((begin) => this.waiting.push(begin));
    else this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      this.fill();
    }
  }

  private fill(): void {
    const free = this.limit - this.running;
    if (free <= 0 || this.waiting.length === 0) return;
    const next = this.waiting.splice(0, free);
    this.running += next.length;
    for (const begin of next) begin();
  }
}
