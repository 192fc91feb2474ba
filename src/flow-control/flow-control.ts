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
  /** Leads in hand of all processes together, a stage. */
  concurrency: Record<Stage, number>;
  /** RETRY_BASE_MS */
  baseMs: number;
  clock: Clock;
  logger: Logger;
  /** AI_DAILY_TOKEN_BUDGET; undefined: none. */
  dailyTokens?: number | undefined;
  /** How often the shared state is read and written; a second unless a test is in a hurry. */
  tickMs?: number;
}

/**
 * What protects the downstreams, for one worker process: its share of the concurrency, the breakers, pause. It asks the
 * database each second, so that all processes agree within that time, whichever store the queue is on.
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
    // A tick that fails changes nothing: what was last known holds until the database answers.
    this.poller = new Poller({ everyMs: options.tickMs ?? TICK_MS, poll: () => this.tick() });
  }

  /** @throws as the database does: a worker that cannot know whether it is paused must not begin. */
  async start(): Promise<void> {
    await this.tick();
    this.poller.start(this.options.tickMs ?? TICK_MS);
  }

  /** Calls `listener` each second, and whenever a breaker changes. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.poller.stop();
    this.stopListening?.();
    await this.saveSpending().catch(() => {}); // PostgreSQL is away: the last second's calls are not counted
    await this.options.store.leave().catch(() => {}); // PostgreSQL is away: others see this worker missing soon
  }

  /** This process' share of the stage's concurrency: the whole, divided among the living, the remainder to the first. */
  share(stage: Stage): number {
    const whole = this.options.concurrency[stage];
    const place = this.living.indexOf(this.options.worker);
    return Math.floor(whole / this.living.length) + (place < whole % this.living.length ? 1 : 0);
  }

  /** How many leads of the stage this process may have in calls now. */
  permitted(stage: Stage): number {
    const gate = this.breakers[stage];
    return gate.paused ? 0 : gate.permitted(this.share(stage));
  }

  /** Calls of a model have cost so much, and brought so many scores. */
  spend(spending: Spending, scorings: number): void {
    this.unsaved += spending.inputTokens + spending.outputTokens;
    this.costs.add(spending, scorings);
  }

  /** The budget of the day is used up: what is under way may exceed it by as much as a second's calls cost. */
  get budgetSpent(): boolean {
    const { dailyTokens } = this.options;
    return dailyTokens !== undefined && this.spentToday + this.unsaved >= dailyTokens;
  }

  /** Hears of changes at once; while that connection is lost, each second. */
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
