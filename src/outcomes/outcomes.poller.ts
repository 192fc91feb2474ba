import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import type { Clock } from '../platform/clock.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CLOCK, CONFIG, LOGGER } from '../platform/platform.module.js';
import { CrmOutcomesReader } from './crm-outcomes.reader.js';
import { FirstScoresRepository } from './first-scores.repository.js';
import { OutcomesRepository } from './outcomes.repository.js';

/** The `CrmProvider` whose outcomes are read. */
export const OUTCOMES_CRM = Symbol('CRM of the outcomes');

const COPY_EVERY_MS = 60_000;
/** A start is busy enough with leads. */
const FIRST_AFTER_MS = 5000;
const STOP_WITHIN_MS = 2000;

/** Keeps the first scores up to date, and reads the CRM for what became of leads: one worker at a time does either. */
@Injectable()
export class OutcomesPoller implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly pollers: Poller[] = [];

  constructor(
    private readonly leaderLock: LeaderLock,
    private readonly firstScores: FirstScoresRepository,
    repository: OutcomesRepository,
    @Inject(OUTCOMES_CRM) crm: Pick<CrmProvider, 'outcomes'>,
    @Inject(CONFIG) config: Pick<Config, 'OUTCOMES_POLL_SECONDS' | 'OUTCOMES_STATUSES' | 'RETENTION_DAYS'>,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.addPoller(
      COPY_EVERY_MS,
      (signal) => this.copyFirstScores(config.RETENTION_DAYS, signal),
      (error) => logger.warn({ err: error }, 'First scores could not be copied for the report on outcomes; it is tried again'),
    );
    if (!crm.outcomes || config.OUTCOMES_POLL_SECONDS === 0) return;
    const statusKinds = new Map(
      Object.entries(config.OUTCOMES_STATUSES).map(([status, kind]) => [status.trim().toLowerCase(), kind]),
    );
    const reader = new CrmOutcomesReader({ repository, crm: crm.outcomes, statusKinds, clock });
    this.addPoller(
      config.OUTCOMES_POLL_SECONDS * 1000,
      (signal) => this.readOutcomes(reader, signal),
      (error) => logger.warn({ err: error }, 'The CRM could not be read for outcomes of leads; the next poll goes on from there'),
    );
  }

  onApplicationBootstrap(): void {
    for (const poller of this.pollers) poller.start(FIRST_AFTER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.pollers.map((poller) => poller.stop()));
  }

  private addPoller(
    everyMs: number,
    poll: (signal: AbortSignal) => Promise<boolean | void>,
    warn: (error: unknown) => void,
  ): void {
    const onError = (error: unknown, first: boolean) => void (first && warn(error));
    this.pollers.push(new Poller({ everyMs, poll, onError, stopWithinMs: STOP_WITHIN_MS }));
  }

  private async copyFirstScores(retentionDays: number | undefined, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.firstScores.catchUp())) continue;
    if (retentionDays !== undefined) await this.firstScores.prune(retentionDays);
  }

  private async readOutcomes(reader: CrmOutcomesReader, signal: AbortSignal): Promise<boolean> {
    let more = false;
    await this.leaderLock.runAsLeader('outcomes', async () => {
      more = await reader.read(signal);
    });
    return more;
  }
}
