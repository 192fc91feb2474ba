import { Inject, Injectable } from '@nestjs/common';
import { STAGES } from '../domain/lead-state.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { RescoreRepository } from '../ledger/rescore.repository.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { ModelSlots } from './model-slots.js';
import { RescoreProcessor } from './rescore.processor.js';
import { Scorer } from './scorer.js';

export const POLL_EVERY_MS = 1000;
/** The most re-scores that one process runs at a time. In practice the rate limits them. */
export const RESCORES_AT_ONCE = 20;

/**
 * Scores leads with a fallback score again while there is free capacity. The work list is in the ledger, so any worker
 * resumes it after a restart.
 */
@Injectable()
export class RescorePoller {
  private readonly poller: Poller;

  constructor(
    private readonly rescores: RescoreRepository,
    private readonly flow: FlowControl,
    private readonly slots: ModelSlots,
    private readonly scorer: Scorer,
    private readonly processor: RescoreProcessor,
    @Inject(QUEUE_BACKEND) private readonly backend: Pick<QueueBackend, 'queue'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LEASE_MS'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.poller = new Poller({
      everyMs: POLL_EVERY_MS,
      poll: (signal) => this.poll(signal),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'Leads with a fallback score cannot be claimed now; the next poll tries again');
      },
    });
  }

  start(): void {
    this.poller.start();
  }

  stop(): Promise<void> {
    return this.poller.stop();
  }

  /** @returns whether the next poll shall follow at once. */
  private async poll(signal: AbortSignal): Promise<boolean> {
    const room = this.capacity();
    if (room < 1 || (await this.freshLeadsWaiting())) return false;
    const claims = await this.rescores.claimForRescore(room, this.config.LEASE_MS + this.scorer.timeoutMs);
    if (claims.length === 0) return false;
    this.logger.info({ count: claims.length }, 'Leads with a fallback score are scored again');
    const scored = await Promise.all(claims.map((claim) => this.processor.rescore(claim, signal)));
    return claims.length === room && scored.includes(true);
  }

  /**
   * One at a time while a breaker is not closed. Where no fresh lead arrives, a re-score is the probe that closes it.
   */
  private capacity(): number {
    const { flow } = this;
    if (flow.budgetSpent) return 0;
    const full = STAGES.every((stage) => flow.permitted(stage) >= flow.share(stage));
    return Math.min(full ? RESCORES_AT_ONCE : 1, ...STAGES.map((stage) => flow.permitted(stage)));
  }

  /** Fresh leads that wait for a score take precedence. */
  private async freshLeadsWaiting(): Promise<boolean> {
    return this.slots.waiting + (await this.backend.queue('enrichment').counts()).waiting > 0;
  }
}
