import { STAGES, type Stage } from '../domain/lead-state.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import { AiCosts, type Spending } from './ai-spend.js';
import { Poller } from '../platform/concurrency/poller.js';
import { FlowControlRepository } from './flow-control.repository.js';
import { CircuitBreaker } from './circuit-breaker.js';

const TICK_MS = 1000;

export interface FlowOptions {
  store: FlowControlRepository;
  worker: string;
  /** Leads in progress per stage, over all processes. */
  concurrency: Record<Stage, number>;
  /** RETRY_BASE_MS */
  baseMs: number;
  clock: Clock;
  logger: Logger;
  /** AI_DAILY_TOKEN_BUDGET; undefined: none. */
  dailyTokens?: number | undefined;
  /** The interval at which the shared state is read and written; default: a second. Tests set a shorter one. */
  tickMs?: number;
}

/**
 * Protects the downstreams from one worker process: its share of the concurrency, the breakers and the pause. It reads
 * the database each second, so all processes agree within that time on either queue store.
 */
export class FlowControl {
  readonly breakers: Record<Stage, CircuitBreaker>;
  private living: string[];
  private readonly poller: Poller;
  private listeners: (() => void)[] = [];
  private stopListening: (() => void) | undefined;
  private stopped = false;
  private readonly costs = new AiCosts();
  private spentToday = 0;
  private unsaved = 0;

  constructor(private readonly options: FlowOptions) {
    this.living = [options.worker];
    this.breakers = Object.fromEntries(
      STAGES.map((stage) => [stage, new CircuitBreaker({ ...options, stage, changed: () => this.notify() })]),
    ) as Record<Stage, CircuitBreaker>;
    // A failed tick changes nothing: the last known state applies until the database answers.
    this.poller = new Poller({ everyMs: options.tickMs ?? TICK_MS, poll: () => this.tick() });
  }

  /** @throws as the database does. A worker must not start without knowing whether its stage is paused. */
  async start(): Promise<void> {
    await this.tick();
    this.poller.start(this.options.tickMs ?? TICK_MS);
  }

  /** Calls `listener` each second, and whenever a breaker changes. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** `leave` false: this worker counts as dead when its heartbeat has expired, so that the others look for its jobs. */
  async stop({ leave = true } = {}): Promise<void> {
    this.stopped = true;
    await this.poller.stop();
    this.stopListening?.();
    await this.saveSpending().catch(() => {}); // PostgreSQL is down: the last second's calls are not counted
    if (leave) await this.options.store.leave().catch(() => {}); // PostgreSQL is down: this worker's heartbeat expires soon
  }

  /**
   * This process's share of the stage's concurrency: an equal part per live worker; the first workers get the
   * remainder.
   */
  share(stage: Stage): number {
    const whole = this.options.concurrency[stage];
    const place = this.living.indexOf(this.options.worker);
    return Math.floor(whole / this.living.length) + (place < whole % this.living.length ? 1 : 0);
  }

  /** How many leads of the stage this process may have in calls now. */
  permitted(stage: Stage): number {
    const breaker = this.breakers[stage];
    return breaker.paused ? 0 : breaker.permitted(this.share(stage));
  }

  /** Adds the cost of model calls and the number of scores that they produced. */
  spend(spending: Spending, scorings: number): void {
    this.unsaved += spending.inputTokens + spending.outputTokens;
    this.costs.add(spending, scorings);
  }

  /** Whether the budget of the day is used up. Calls in flight may exceed it by the cost of about one second. */
  get budgetSpent(): boolean {
    const { dailyTokens } = this.options;
    return dailyTokens !== undefined && this.spentToday + this.unsaved >= dailyTokens;
  }

  /** Subscribes to changes of other processes. While the connection is lost, the tick reads them each second. */
  private async listen(): Promise<void> {
    if (this.stopListening || this.stopped) return;
    this.stopListening = await this.options.store.listen(
      () => this.poller.pollNow(),
      () => (this.stopListening = undefined),
    );
  }

  private async tick(): Promise<void> {
    try {
      await this.listen();
      await this.beat();
      for (const row of await this.options.store.stages()) this.breakers[row.stage].refresh(row);
      for (const stage of STAGES) await this.breakers[stage].tick();
      await this.saveSpending();
    } finally {
      this.notify();
    }
  }

  private async beat(): Promise<void> {
    const { store, clock, worker: me } = this.options;
    const summaryOf = (stage: Stage) => this.breakers[stage].evidence.summary(clock.now());
    const living = await store.beat({ enrichment: summaryOf('enrichment'), 'crm-sync': summaryOf('crm-sync') });
    this.living = living.map(({ worker }) => worker);
    const others = living.filter(({ worker }) => worker !== me);
    for (const stage of STAGES) {
      const known = others.flatMap(({ evidence }) => evidence[stage] ?? []);
      this.breakers[stage].evidence.learn(known, clock.now());
    }
  }

  private async saveSpending(): Promise<void> {
    const tokens = this.unsaved;
    await this.costs.save((costs) => this.options.store.addCosts(costs));
    if (this.options.dailyTokens !== undefined) this.spentToday = await this.options.store.spentToday();
    this.unsaved -= tokens;
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}
