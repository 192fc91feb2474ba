import { Inject, Injectable } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import { ErasuresRepository, type DueErasure } from '../ledger/erasures.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import { jobRequestOf } from '../queue/job.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { AI, CRM } from './downstreams.js';
import { deadlineSignal } from '../platform/concurrency/deadline-signal.js';

const POLL_EVERY_MS = 1000;
const AT_ONCE = 10;
const RETRY_AT_MOST_MS = 600_000;
const CRM_WITHIN_MS = 30_000;

/**
 * Carries out erasures in the CRM, which only workers can do since an api loads no CRM client. One worker asks the CRM
 * until it has answered. Each worker removes the person from its scorer's cache.
 */
@Injectable()
export class CrmErasurePoller {
  private readonly poller: Poller;
  private last: string | null = null;

  constructor(
    private readonly leaderLock: LeaderLock,
    private readonly erasures: ErasuresRepository,
    private readonly publisher: JobPublisher,
    @Inject(CRM) private readonly crm: Pick<CrmProvider, 'name' | 'erasePerson'>,
    @Inject(AI) private readonly scorer: Pick<EnrichmentProvider, 'forget'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETRY_BASE_MS'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.poller = new Poller({
      everyMs: POLL_EVERY_MS,
      poll: (signal) => this.poll(signal),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'Erasures that are due cannot be read: PostgreSQL does not answer');
      },
    });
  }

  start(): void {
    this.poller.start();
  }

  stop(): Promise<void> {
    return this.poller.stop();
  }

  async poll(signal?: AbortSignal): Promise<void> {
    const { leaderLock, erasures, scorer } = this;
    const last = await erasures.lastErasure();
    if (last !== this.last) scorer.forget?.();
    this.last = last;
    if ((await erasures.dueErasures(1)).length === 0) return;
    await leaderLock.runAsLeader('erase', async () => {
      for (const erasure of await erasures.dueErasures(AT_ONCE)) {
        if (signal?.aborted) return;
        await this.carryOut(erasure, signal);
      }
    });
  }

  private async carryOut(erasure: DueErasure, stopping?: AbortSignal): Promise<void> {
    const { erasures, crm, publisher, logger } = this;
    const baseMs = this.config.RETRY_BASE_MS;
    if (!crm.erasePerson) {
      await erasures.leaveToHand(erasure.id);
      logger.warn(
        { receipt: erasure.id, crm: crm.name },
        'This CRM cannot erase a person by API: an operator must do it in the CRM',
      );
      return;
    }
    try {
      const signal = deadlineSignal(CRM_WITHIN_MS, stopping);
      const records = await untilAborted(crm.erasePerson(erasure.personKey, signal), signal);
      for (const lead of await erasures.recordForgotten(erasure, records)) publisher.publish('crm-sync', jobRequestOf(lead));
    } catch (cause) {
      const error = AppError.from(cause);
      await erasures.postponeErasure(
        erasure.id,
        Math.min(RETRY_AT_MOST_MS, baseMs * 2 ** Math.min(erasure.failures + 1, 20)),
        error.code,
      );
      logger.warn({ receipt: erasure.id, err: error }, 'The CRM was not reached to erase a person; the erasure is retried');
    }
  }
}

/** A CRM client that ignores its signal must not delay the erasures of other persons. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
