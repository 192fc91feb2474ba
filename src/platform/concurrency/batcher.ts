/** Thrown by `submit` when `maxWaiting` items wait. */
export class BatcherFull extends Error {
  override readonly name = 'BatcherFull';
}

export interface BatcherOptions<Item, Result> {
  /** Handles a batch. Returns one result per item, in order; a rejection is passed to every item of the batch. */
  run(items: Item[]): Promise<Result[]>;
  /** The most items per batch. */
  maxBatch: number;
  /** The most items that wait. The next one is refused with BatcherFull, so that an outage cannot fill the memory. */
  maxWaiting: number;
  /** Batches in flight at a time. */
  parallel: number;
  /**
   * The batching window in milliseconds; default: to the end of the tick. Each new item extends the window, to four
   * times its length at most. While a batch is in flight only a full batch starts: the rest forms one batch when that
   * ends.
   */
  windowMs?(): number;
  /**
   * Whether further items follow soon, as from a backlog, where so many wait. Until a batch is full, its window then
   * stays open for a second, or for four times its length where that is longer.
   */
  moreFollow?(waiting: number): boolean;
  /** Items with the same key never share a batch and never run at the same time; they run in order. */
  keyOf?(item: Item): string;
  /** True for an error that one bad item may have caused. The batch is then halved until the bad item fails alone. */
  blamesOneItem?(error: unknown): boolean;
  /** True for an error that waiting items would meet too: they are rejected at once. */
  failsAll?(error: unknown): boolean;
}

/** The longest time that a window stays open, in lengths of it. */
const OPEN_AT_MOST = 4;
/** The longest time that a window stays open while more items follow. */
const OPEN_FOR_MORE_MS = 1000;

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Turns concurrent calls into batches. Without a window it uses no timer: a single call runs at once. Calls that arrive
 * while a batch is in flight share the next one. Latency is therefore added only under load.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private readonly running = new Set<string>();
  private inFlight = 0;
  private scheduled = false;
  private window: { timer: NodeJS.Timeout; openedAt: number } | undefined;
  /** The batching window has elapsed: the next batch may start before it is full. */
  private windowElapsed = false;
  private flushing = false;

  constructor(private readonly options: BatcherOptions<Item, Result>) {}

  get size(): number {
    return this.waiting.length;
  }

  /** `urgent`: starts at once, together with all waiting items. */
  submit(item: Item, urgent = false): Promise<Result> {
    if (this.waiting.length >= this.options.maxWaiting) return Promise.reject(new BatcherFull());
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (urgent) this.closeWindow();
      else this.scheduleInTime();
    });
  }

  /** Starts all waiting items now, and disables the batching window from now on. */
  flush(): void {
    this.flushing = true;
    this.closeWindow();
  }

  private get windowMs(): number {
    return this.flushing ? 0 : (this.options.windowMs?.() ?? 0);
  }

  /** A full batch starts without waiting for the window. */
  private scheduleInTime(): void {
    const { windowMs, options } = this;
    const { maxBatch } = options;
    if (windowMs === 0 || this.waiting.length >= maxBatch) return this.schedule();
    const openedAt = this.window?.openedAt ?? performance.now();
    clearTimeout(this.window?.timer);
    const wait = Math.min(windowMs, openedAt + OPEN_AT_MOST * windowMs - performance.now());
    this.window = { timer: setTimeout(() => this.windowEnds(windowMs), wait), openedAt };
  }

  private windowEnds(windowMs: number): void {
    const { openedAt } = this.window!;
    const openMs = performance.now() - openedAt;
    if (openMs >= OPEN_FOR_MORE_MS || !this.options.moreFollow?.(this.waiting.length)) return this.closeWindow();
    const wait = Math.min(windowMs, OPEN_FOR_MORE_MS - openMs);
    this.window = { timer: setTimeout(() => this.windowEnds(windowMs), wait), openedAt };
  }

  private closeWindow(): void {
    clearTimeout(this.window?.timer);
    this.window = undefined;
    this.windowElapsed = this.waiting.length > 0;
    this.schedule();
  }

  /** Starts at the end of the tick, so that requests parsed from one read of the socket share a batch. */
  private schedule(): void {
    if (this.scheduled || !this.mayStart) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.fill();
    });
  }

  /** While a batch is in flight and there is a window, only a full batch starts. */
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
      // Items that arrived during this batch wait for a new window, unless their window has elapsed already.
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
