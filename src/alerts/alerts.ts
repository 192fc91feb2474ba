import type { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import type { LeaderLock } from '../ledger/leader-lock.js';
import type { SlaRepository } from '../ledger/sla.repository.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Logger } from '../platform/observability/logger.js';
import type { AlertStore } from './alert-store.js';
import { conditionsOf, forecastIsLong } from './conditions.js';
import { deliver } from './deliver.js';

/** Messages per check: people read them. */
const MESSAGES_PER_CHECK = 5;
const TRIES = 8;
const RETRY_AT_MOST_MS = 300_000;

export interface AlertTools {
  /** ALERT_WEBHOOK_URL */
  url: string;
  store: AlertStore;
  leaderLock: Pick<LeaderLock, 'runAsLeader'>;
  sla: Pick<SlaRepository, 'stageLoads' | 'oldestWithoutCrm' | 'countDead'>;
  flow: Pick<FlowControlRepository, 'stages'>;
  logger: Logger;
  slaSeconds: number;
  /** HOT_LEAD_SCORE */
  hotLeadScore: number;
  intervalMs: number;
  /** The delay before the second attempt; it doubles. */
  retryBaseMs: number;
}

/**
 * Checks the ledger and sends alerts to ALERT_WEBHOOK_URL. One process of all does it, an api too, so that missing
 * workers are noticed. Delivery is at least once: a crash after delivery and before the delete sends a message again.
 */
export class Alerts {
  private readonly poller: Poller;
  private forecastWasLong = false;
  private failing = false;

  constructor(private readonly tools: AlertTools) {
    const { leaderLock, intervalMs, logger } = tools;
    this.poller = new Poller({
      everyMs: intervalMs,
      poll: async (signal) => void (await leaderLock.runAsLeader('alert', () => this.check(signal))),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'No alerts are evaluated: PostgreSQL does not answer');
      },
    });
  }

  start(): void {
    this.poller.start();
  }

  stop(): Promise<void> {
    return this.poller.stop();
  }

  /** One check, then the messages that are due. The signal ends a delivery in progress. */
  async check(signal?: AbortSignal): Promise<void> {
    const { store, sla, flow, slaSeconds, hotLeadScore } = this.tools;
    await store.queueHotLeads(hotLeadScore);
    await store.queueDeadLetters();
    await store.queueNotices();
    const [loads, oldestSeconds, stages, deadLetters] = await Promise.all([
      sla.stageLoads(),
      sla.oldestWithoutCrm(),
      flow.stages(),
      sla.countDead(),
    ]);
    const facts = { slaSeconds, loads, oldestSeconds, stages, deadLetters, forecastWasLong: this.forecastWasLong };
    for (const condition of conditionsOf(facts)) await store.updateCondition(condition);
    this.forecastWasLong = forecastIsLong(facts);
    await this.deliverDue(signal);
    await store.prune();
  }

  private async deliverDue(signal?: AbortSignal): Promise<void> {
    const { store, url, retryBaseMs } = this.tools;
    for (const { id, text, attempts } of await store.due(MESSAGES_PER_CHECK)) {
      const delivery = await deliver(url, text, signal);
      if (signal?.aborted && delivery.kind === 'failed') return;
      if (delivery.kind === 'delivered') {
        await store.delivered(id);
        this.logRecovery();
        continue;
      }
      this.logFailure(delivery.what);
      const last = attempts + 1 >= TRIES;
      await store.failed(id, delivery.what, last);
      if (last) continue;
      const delayMs = Math.min(RETRY_AT_MOST_MS, retryBaseMs * 2 ** attempts);
      await store.postpone(id, Math.max(delayMs, delivery.retryAfterMs));
      return;
    }
  }

  /** Logs once per outage, not with each attempt. */
  private logFailure(what: string): void {
    if (!this.failing) {
      this.tools.logger.error(`An alert was not delivered: ${what}. It is sent up to ${TRIES} times; check ALERT_WEBHOOK_URL`);
    }
    this.failing = true;
  }

  private logRecovery(): void {
    if (this.failing) this.tools.logger.info('Alerts are delivered again');
    this.failing = false;
  }
}
