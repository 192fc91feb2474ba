import type { LeadClaimedForRescore, RescoreRepository } from '../ledger/rescore.repository.js';
import type { Logger } from '../platform/observability/logger.js';

export const LOOK_EVERY_MS = 1000;

export interface RescorePollerTools {
  rescores: Pick<RescoreRepository, 'claimForRescore'>;
  /** Scorings that this process could take on beside its fresh leads; 0 while a breaker is open, a stage paused or the budget spent. */
  capacity(): number;
  /** Fresh leads that wait for a scoring: while there are any, there is no capacity to spare. */
  waiting(): Promise<number>;
  /** Resolves with whether the lead got its score. */
  rescore(claim: LeadClaimedForRescore, signal: AbortSignal): Promise<boolean>;
  leaseMs: number;
  logger: Logger;
}

/**
 * Scores again what has a stand-in score, whenever there is capacity to spare. The work list is in the ledger, so it is
 * resumed wherever a process ended, by whichever worker looks next.
 */
export class RescorePoller {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(private readonly tools: RescorePollerTools) {}

  start(): void {
    this.schedule(0);
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.stopping.abort(new Error('The worker stops'));
    await this.running;
  }

  private schedule(delayMs: number): void {
    if (this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.running = this.look()
        .catch(() => false) // a store is away: the next look finds the same work
        .then((more) => this.schedule(more ? 0 : LOOK_EVERY_MS));
    }, delayMs);
  }

  /** @returns whether there may be more to do at once. */
  private async look(): Promise<boolean> {
    const { rescores, capacity, waiting, rescore, leaseMs, logger } = this.tools;
    const room = capacity();
    if (room < 1 || (await waiting()) > 0) return false;
    const claims = await rescores.claimForRescore(room, leaseMs);
    if (claims.length === 0) return false;
    logger.info({ count: claims.length }, 'Leads with a stand-in score are scored again');
    const scored = await Promise.all(claims.map((claim) => rescore(claim, this.stopping.signal)));
    return claims.length === room && scored.includes(true);
  }
}
