import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import { AuditLogRepository } from '../../ledger/audit-log.repository.js';
import { BulkActionsRepository, type OpenRows } from '../../ledger/bulk-actions.repository.js';
import { LeaderLock } from '../../ledger/leader-lock.js';
import { Poller } from '../../platform/concurrency/poller.js';
import type { Logger } from '../../platform/observability/logger.js';
import { LOGGER } from '../../platform/platform.module.js';
import { RejectionsService } from './rejections.service.js';

const EVERY_MS = 1000;
/** As many as are kept. */
export const REJECTIONS_AT_MOST = 10_000;

/** The same repair for many rejections; see `ReplayChanges`. */
const repairSchema = z.object({
  corrected: z.record(z.string(), z.string()).default({}),
  renamed: z.record(z.string(), z.string()).default({}),
});
export type Repair = z.output<typeof repairSchema>;

export interface RejectionReplay extends Repair {
  /** Only those that are wrong in this way. */
  cause?: string | undefined;
  perSecond: number;
}

/**
 * Replays many rejections at a rate. What is left to do is in PostgreSQL, so any process that takes webhooks continues
 * it after a restart. A rejection that is replayed twice is a duplicate, which changes nothing.
 */
@Injectable()
export class RejectionReplays implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly poller: Poller;

  constructor(
    private readonly actions: BulkActionsRepository,
    private readonly rejections: RejectionsService,
    private readonly auditLog: AuditLogRepository,
    private readonly leaderLock: LeaderLock,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.poller = new Poller({
      everyMs: (tookMs) => Math.max(0, EVERY_MS - tookMs),
      poll: (signal) => this.poll(signal),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'Rejections are not replayed now; it is tried again');
      },
    });
  }

  onApplicationBootstrap(): void {
    this.poller.start(EVERY_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.poller.stop();
  }

  /** Begins a replay of all that are open, or of those with this cause. @returns the id of the bulk action. */
  async start({ cause, perSecond, ...repair }: RejectionReplay, who: string): Promise<string> {
    const openIds = await this.rejections.openIds(REJECTIONS_AT_MOST, cause);
    const filter = { cause: cause ?? null, ...repair };
    await this.auditLog.recordAct(who, 'replay-rejections', { ...filter, count: openIds.length, perSecond });
    const id = await this.actions.recordBulkAction({ kind: 'replay-rejections', who, filter, leadIds: [], openIds, perSecond });
    this.poller.pollNow();
    return id;
  }

  /** Asks for the lock only where there is something to do. */
  private async poll(signal: AbortSignal): Promise<void> {
    if ((await this.actions.listOpenRows()).length === 0) return;
    await this.leaderLock.runAsLeader('bulk', () => this.replayDue(signal));
  }

  private async replayDue(signal: AbortSignal): Promise<void> {
    for (const due of await this.actions.listOpenRows()) {
      if (signal.aborted) return;
      await this.replayRows(due);
    }
  }

  private async replayRows({ id, who, filter, rows }: OpenRows): Promise<void> {
    const results = await this.rejections.replayThese(rows, repairSchema.parse(filter), who);
    const leadIds = results.flatMap((result) => (result.status === 'rejected' ? [] : [result.leadId]));
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [{ id: result.id, code: result.code, detail: result.detail }] : [],
    );
    await this.actions.settleRows(id, rows, leadIds, refused);
  }
}
