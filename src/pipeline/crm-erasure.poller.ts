import { setTimeout as sleep } from 'node:timers/promises';
import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { DueErasure, ErasuresRepository } from '../ledger/erasures.repository.js';
import type { LeaderLock } from '../ledger/leader-lock.js';
import type { Logger } from '../platform/observability/logger.js';
import type { JobPublisher } from '../queue/job-publisher.js';

const LOOK_EVERY_MS = 1000;
const AT_ONCE = 10;
const RETRY_AT_MOST_MS = 600_000;
const CRM_WITHIN_MS = 30_000;

export interface CrmErasureTools {
  leaderLock: Pick<LeaderLock, 'runAsLeader'>;
  erasures: Pick<ErasuresRepository, 'dueErasures' | 'lastErasure' | 'leaveToHand' | 'postponeErasure' | 'recordForgotten'>;
  crm: Pick<CrmProvider, 'name' | 'erasePerson'>;
  scorer: { forget?(): void };
  publisher: Pick<JobPublisher, 'publish'>;
  logger: Logger;
  /** RETRY_BASE_MS */
  baseMs: number;
}

/**
 * The part of an erasure that only a worker can do, since an api loads no CRM client: the ledger has the demand, one worker of all asks the CRM,
 * until it has answered. Each worker forgets what its scorer remembers.
 */
export class CrmErasurePoller {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private last: string | null = null;
  private blind = false;

  constructor(private readonly tools: CrmErasureTools) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.look().then(
        () => (this.blind = false),
        (error: unknown) => this.warnOnce(error),
      );
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** One look at the demands. */
  async look(): Promise<void> {
    const { leaderLock, erasures, scorer } = this.tools;
    const last = await erasures.lastErasure();
    if (last !== this.last) scorer.forget?.();
    this.last = last;
    if ((await erasures.dueErasures(1)).length === 0) return;
    await leaderLock.runAsLeader('erase', async () => {
      for (const erasure of await erasures.dueErasures(AT_ONCE)) {
        if (this.stopping.signal.aborted) return;
        await this.carryOut(erasure);
      }
    });
  }

  /** Once an outage of PostgreSQL, which has the demands. */
  private warnOnce(error: unknown): void {
    if (!this.blind)
      this.tools.logger.warn({ err: error }, 'Whether a person is to be erased cannot be read: PostgreSQL does not answer');
    this.blind = true;
  }

  private async carryOut(erasure: DueErasure): Promise<void> {
    const { erasures, crm, publisher, logger, baseMs } = this.tools;
    if (!crm.erasePerson) {
      await erasures.leaveToHand(erasure.id);
      logger.warn(
        { receipt: erasure.id, crm: crm.name },
        'This CRM cannot be asked to forget a person: it has to be done there by hand',
      );
      return;
    }
    try {
      const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(CRM_WITHIN_MS)]);
      const records = await crm.erasePerson(erasure.personKey, signal);
      for (const { leadId, epoch, contentAt } of await erasures.recordForgotten(erasure, records)) {
        publisher.publish('crm-sync', { leadId, epoch, since: contentAt.getTime() });
      }
    } catch (cause) {
      const error = AppError.from(cause);
      await erasures.postponeErasure(
        erasure.id,
        Math.min(RETRY_AT_MOST_MS, baseMs * 2 ** Math.min(erasure.failures + 1, 20)),
        error.code,
      );
      logger.warn({ receipt: erasure.id, err: error }, 'The CRM was not reached to forget a person: it will be asked again');
    }
  }
}
