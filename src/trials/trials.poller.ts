import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import { TrialArms } from './trial-arms.js';
import { TrialKeeper } from './trial-keeper.js';
import { TrialScorers } from './trial-scorers.js';
import { TrialsRepository, type OpenTrial } from './trials.repository.js';

/** `() => Promise<boolean>`: whether no lead waits for a stage. Trials run only then. */
export const STAGES_IDLE = Symbol('Stages are idle');

/** How soon a process follows a start, an end, a promotion or a rollback. */
const WATCH_EVERY_MS = 2000;
const WORK_EVERY_MS = 1000;
const PRUNE_EVERY_MS = 3_600_000;
const STOP_WITHIN_MS = 2000;

/** Runs the trials of a worker process, whenever no lead waits for one of its stages. */
@Injectable()
export class TrialsPoller implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly watching: Poller;
  private readonly working: Poller;
  private readonly pruning: Poller;

  constructor(
    private readonly trials: TrialsRepository,
    private readonly scorers: TrialScorers,
    private readonly arms: TrialArms,
    private readonly keeper: TrialKeeper,
    @Inject(STAGES_IDLE) private readonly areStagesIdle: () => Promise<boolean>,
    @Inject(CONFIG) config: Pick<Config, 'RETENTION_DAYS'>,
    @Inject(LOGGER) logger: Logger,
  ) {
    const warn = (message: string) => (error: unknown, first: boolean) => void (first && logger.warn({ err: error }, message));
    this.watching = new Poller({
      everyMs: WATCH_EVERY_MS,
      poll: () => this.watch(),
      onError: warn('The trials cannot be read; the last known state applies'),
    });
    this.working = new Poller({
      everyMs: WORK_EVERY_MS,
      poll: (signal) => this.work(signal),
      onError: warn('A trial cannot go on now; it is tried again'),
      stopWithinMs: STOP_WITHIN_MS,
    });
    this.pruning = new Poller({
      everyMs: PRUNE_EVERY_MS,
      poll: () => trials.prune(config.RETENTION_DAYS),
      onError: warn('Old trials cannot be removed now; it is tried again'),
      stopWithinMs: STOP_WITHIN_MS,
    });
  }

  onApplicationBootstrap(): void {
    this.watching.start();
    this.working.start(WORK_EVERY_MS);
    this.pruning.start(PRUNE_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.watching, this.working, this.pruning].map((poller) => poller.stop()));
  }

  /** Follows what other processes changed. A challenge scores live leads once its challenger was attacked in vain. */
  async watch(): Promise<void> {
    await this.scorers.refresh();
    await this.arms.recordSpent((id, tokens) => this.trials.spend(id, tokens));
    const open = await this.trials.open();
    const challenge = open.find(
      // One that an attack steered is ended by another process, maybe seconds later.
      ({ kind, state, injections }) => kind === 'challenge' && state === 'running' && injections?.raised === 0,
    );
    this.arms.set(challenge ?? null);
    const ids = open.map(({ id }) => id);
    this.scorers.keep(ids);
    this.keeper.keep(ids);
  }

  /**
   * While leads wait, only a challenge goes on: it changes live leads, so its rules must end it however busy the stages
   * are. A trial that fails does not keep the others waiting.
   * @returns whether the next round shall follow at once.
   */
  async work(signal: AbortSignal): Promise<boolean> {
    let more = false;
    const failures: unknown[] = [];
    for (const trial of await this.trials.open()) {
      if (signal.aborted) return false;
      const isIdle = await this.areStagesIdle();
      if (!isIdle && trial.kind !== 'challenge') continue;
      try {
        if (await this.advance(trial, signal, isIdle)) more = true;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return more;
  }

  private async advance(trial: OpenTrial, signal: AbortSignal, isIdle: boolean): Promise<boolean> {
    const more = await this.keeper.advance(trial, signal, isIdle);
    if (trial.kind === 'challenge') this.watching.pollNow();
    return more;
  }
}
