/** Thrown into a call when the batcher holds as many items as it may. */
export class BatcherFull extends Error {
  override readonly name = 'BatcherFull';
}

export interface BatcherOptions<Item, Result> {
  /** Handles a batch; returns one result an item, in order. A rejection is given to every item of the batch. */
  run(items: Item[]): Promise<Result[]>;
  /** The most items a batch. */
  maxBatch: number;
  /** The most items that wait; the next call is refused with BatcherFull, so that an outage cannot fill the memory. */
  maxWaiting: number;
  /** Batches in flight at a time. */
  parallel: number;
  /**
   * How long a call waits for company now, in milliseconds; default: to the end of the tick. The window stays open while others keep coming, at most
   * four times as long; and beside a batch in flight only a full one starts, since the rest will be one batch soon.
   */
  windowMs?(): number;
  /** Two items with one key never share a batch, nor run at once: the later waits for the earlier. */
  keyOf?(item: Item): string;
  /** True for an error that one bad item may have caused: the batch is then halved until the bad item fails alone. */
  blamesOneItem?(error: unknown): boolean;
  /** True for an error that would meet those who wait as well: they are told at once, instead of waiting for their own. */
  failsAll?(error: unknown): boolean;
}

/** Windows. */
const OPEN_AT_MOST = 4;

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Turns concurrent calls into batches without a timer: a lone call runs at once, and while batches are in flight the calls
 * that arrive share the next one. So latency is bought only under load, where batching pays it back.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private readonly running = new Set<string>();
  private inFlight = 0;
  private scheduled = false;
  private window: { timer: NodeJS.Timeout; until: number } | undefined;
  /** Those who wait have waited for company long enough. */
  private windowElapsed = false;
  private hurried = false;

  constructor(private readonly options: BatcherOptions<Item, Result>) {}

  get size(): number {
    return this.waiting.length;
  }

  /** `urgent`: it waits for no company, and whoever waits goes with it. */
  submit(item: Item, urgent = false): Promise<Result> {
    if (this.waiting.length >= this.options.maxWaiting) return Promise.reject(new BatcherFull());
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (urgent) this.closeWindow();
      else this.scheduleInTime();
    });
  }

  /** From now on nobody waits for company. */
  flush(): void {
    this.hurried = true;
    this.closeWindow();
  }

  private get windowMs(): number {
    return this.hurried ? 0 : (this.options.windowMs?.() ?? 0);
  }

  /** A full batch waits for nobody. */
  private scheduleInTime(): void {
    const { windowMs, options } = this;
    const { maxBatch } = options;
    if (windowMs === 0 || this.waiting.length >= maxBatch) return this.schedule();
    const now = performance.now();
    const until = this.window?.until ?? now + OPEN_AT_MOST * windowMs;
    clearTimeout(this.window?.timer);
    this.window = { timer: setTimeout(() => this.closeWindow(), Math.min(windowMs, until - now)), until };
  }

  private closeWindow(): void {
    clearTimeout(this.window?.timer);
    this.window = undefined;
    this.windowElapsed = this.waiting.length > 0;
    this.schedule();
  }

  /** Waits for the end of the tick, so that requests parsed from one read of the socket travel together. */
  private schedule(): void {
    if (this.scheduled || !this.mayStart) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.fill();
    });
  }

  /** Beside a batch in flight, where company is waited for, only a full one. */
  private get mayStart(): boolean {
    const { parallel, maxBatch } = this.options;
    if (this.waiting.length === 0 || this.inFlight >= parallel) return false;
    return this.inFlight === 0 || this.windowMs === 0 || this.waiting.length >= maxBatch;
  }

  private fill(): void {
    while (this.mayStart) {
      const batch = this.take();
      if (batch.length === 0) return;
      void this.execute(batch);
    }
    if (this.waiting.length === 0) this.windowElapsed = false;
  }

  private take(): Waiting<Item, Result>[] {
    const { keyOf, maxBatch } = this.options;
    if (!keyOf) return this.waiting.splice(0, maxBatch);
    const batch: Waiting<Item, Result>[] = [];
    const later: Waiting<Item, Result>[] = [];
    for (const [index, entry] of this.waiting.entries()) {
      if (batch.length === maxBatch) {
        later.push(...this.waiting.slice(index));
        break;
      }
      const key = keyOf(entry.item);
      if (this.running.has(key)) later.push(entry);
      else {
        this.running.add(key);
        batch.push(entry);
      }
    }
    this.waiting = later;
    return batch;
  }

  private async execute(batch: Waiting<Item, Result>[]): Promise<void> {
    this.inFlight++;
    try {
      await this.settle(batch);
    } finally {
      this.inFlight--;
      if (this.options.keyOf) for (const entry of batch) this.running.delete(this.options.keyOf(entry.item));
      // Those who made way for this batch come back together with those whom its end brings; those whose window has closed go.
      if (this.windowElapsed) this.schedule();
      else if (this.waiting.length > 0) this.scheduleInTime();
    }
  }

  private async settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.options.run(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => entry.resolve(results[index]!));
    } catch (error) {
      if (batch.length > 1 && this.options.blamesOneItem?.(error)) {
        const middle = batch.length >> 1;
        await this.settle(batch.slice(0, middle));
        await this.settle(batch.slice(middle));
        return;
      }
      for (const entry of batch) entry.reject(error);
      if (this.options.failsAll?.(error)) for (const entry of this.waiting.splice(0)) entry.reject(error);
    }
  }
}
