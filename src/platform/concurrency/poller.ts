import { withTimeout } from './with-timeout.js';

export interface PollerOptions {
  /** The pause between the end of a poll and the next poll, in milliseconds. `tookMs`: how long the poll took. */
  everyMs: number | ((tookMs: number) => number);
  /** One poll. Resolves true where the next one shall follow at once. The signal is aborted when the poller stops. */
  poll(signal: AbortSignal): Promise<boolean | void>;
  /** Called when a poll failed; the next one follows after the usual pause. `first`: the poll before had succeeded. */
  onError?(error: unknown, first: boolean): void;
  /** How long `stop` waits for the poll in progress; default: until it ends. */
  stopWithinMs?: number;
}

/** Runs a task periodically, one poll at a time. A failed poll does not end the loop. */
export class Poller {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopping = new AbortController();
  private failing = false;

  constructor(private readonly options: PollerOptions) {}

  /** Whether a poll is in progress; `stop` may have ended before it. */
  get isPolling(): boolean {
    return this.running !== undefined;
  }

  /** The first poll begins after `delayMs`, in the background. */
  start(delayMs = 0): void {
    this.stopping = new AbortController();
    this.schedule(delayMs);
  }

  /** Runs the next poll at once, or as soon as the one in progress has ended. */
  pollNow(): void {
    if (!this.running) this.schedule(0);
    else void this.running.then(() => this.schedule(0));
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('The process stops'));
    clearTimeout(this.timer);
    const { stopWithinMs } = this.options;
    if (stopWithinMs === undefined) await this.running;
    else if (this.running) await withTimeout(this.running, stopWithinMs);
  }

  private schedule(delayMs: number): void {
    if (this.stopping.signal.aborted) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.running ??= this.run();
    }, delayMs);
  }

  private async run(): Promise<void> {
    const began = performance.now();
    let more: boolean | void = false;
    try {
      more = await this.options.poll(this.stopping.signal);
      this.failing = false;
    } catch (error) {
      this.options.onError?.(error, !this.failing);
      this.failing = true;
    }
    this.running = undefined;
    const { everyMs } = this.options;
    this.schedule(more ? 0 : typeof everyMs === 'number' ? everyMs : everyMs(performance.now() - began));
  }
}
