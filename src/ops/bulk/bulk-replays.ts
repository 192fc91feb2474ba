import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import { BulkActionsRepository, type BulkAction, type OpenRows } from '../../ledger/bulk-actions.repository.js';
import type { DeadLetterCause } from '../../ledger/dead-letters.repository.js';
import { LeaderLock } from '../../ledger/leader-lock.js';
import { Poller } from '../../platform/concurrency/poller.js';
import type { Logger } from '../../platform/observability/logger.js';
import { LOGGER } from '../../platform/platform.module.js';
import { DeadLetters } from '../dead-letters/dead-letters.service.js';
import { RejectionsService } from '../rejections/rejections.service.js';

const EVERY_MS = 1000;
/** Rows of one action. As many rejections are kept. */
export const ROWS_AT_MOST = 10_000;

/** The same repair for many rejections; see `ReplayChanges`. */
const repairSchema = z.object({
  corrected: z.record(z.string(), z.string()).default({}),
  renamed: z.record(z.string(), z.string()).default({}),
});
export type Repair = z.output<typeof repairSchema>;

interface Confirmed {
  /** Of the action; the one that has it already is not begun again. */
  id: string;
  /** The number of rows that the operator saw. */
  count: number;
  perSecond: number;
}

export interface RejectionReplay extends Repair, Confirmed {
  /** Only those that are wrong in this way. */
  cause?: string | undefined;
}

export interface DeadLetterReplay extends DeadLetterCause, Confirmed {}

/**
 * Replays many rejections or dead letters at a rate, until an operator stops it. What is left to do is in PostgreSQL,
 * so any process that takes webhooks continues it after a restart.
 */
@Injectable()
export class BulkReplays implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly poller: Poller;

  constructor(
    private readonly actions: BulkActionsRepository,
    private readonly rejections: RejectionsService,
    private readonly deadLetters: DeadLetters,
    private readonly leaderLock: LeaderLock,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.poller = new Poller({
      everyMs: (tookMs) => Math.max(0, EVERY_MS - tookMs),
      poll: (signal) => this.poll(signal),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'The rows of bulk actions are not replayed now; it is tried again');
      },
    });
  }

  onApplicationBootstrap(): void {
    this.poller.start(EVERY_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.poller.stop();
  }

  /**
   * Begins a replay of all rejections that are open, or of those with this cause.
   * @returns the number of rows that there are; where it is not the confirmed one, nothing begins.
   */
  async startRejections({ cause, id, count, perSecond, ...repair }: RejectionReplay, who: string): Promise<number> {
    const openIds = () => this.rejections.openIds(ROWS_AT_MOST, cause);
    return this.start(
      { id, kind: 'replay-rejections', filter: { cause: cause ?? null, ...repair }, perSecond, who },
      count,
      openIds,
    );
  }

  /** The same for all dead letters, or for those with this cause. */
  async startDeadLetters({ code, signature, id, count, perSecond }: DeadLetterReplay, who: string): Promise<number> {
    const openIds = () => this.deadLetters.ids({ code, signature }, ROWS_AT_MOST);
    const filter = { code: code ?? null, ...(signature === undefined ? {} : { signature }) };
    return this.start({ id, kind: 'replay-dead-letters', filter, perSecond, who }, count, openIds);
  }

  /** A form that is sent twice names the same action. */
  private async start(
    action: Omit<BulkAction, 'leadIds' | 'openIds'>,
    confirmed: number,
    readOpenIds: () => Promise<string[]>,
  ): Promise<number> {
    if (await this.actions.hasBulkAction(action.id)) return confirmed;
    const openIds = await readOpenIds();
    if (openIds.length !== confirmed || confirmed === 0) return openIds.length;
    await this.actions.recordBulkAction({ ...action, leadIds: [], openIds });
    this.poller.pollNow();
    return confirmed;
  }

  /** Asks for the lock only where there is something to do. */
  private async poll(signal: AbortSignal): Promise<void> {
    if ((await this.actions.listOpenRows()).length === 0) return;
    await this.leaderLock.runAsLeader('bulk', () => this.replayDue(signal));
  }

  private async replayDue(signal: AbortSignal): Promise<void> {
    for (const due of await this.actions.listOpenRows()) {
      if (signal.aborted) return;
      await (due.kind === 'replay-rejections' ? this.replayRejections(due) : this.deadLetters.replayOpenRows(due));
    }
  }

  /**
   * After a crash the rows have another turn. A rejection that is replayed twice is a duplicate, which changes nothing.
   */
  private async replayRejections({ id, who, filter, rows }: OpenRows): Promise<void> {
    const results = await this.rejections.replayThese(rows, repairSchema.parse(filter), who);
    const leadIds = results.flatMap((result) => (result.status === 'rejected' ? [] : [result.leadId]));
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [{ id: result.id, code: result.code, detail: result.detail }] : [],
    );
    await this.actions.settleRows(id, { settled: rows, leadIds, refused });
  }
}
