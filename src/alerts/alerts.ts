import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import type { LeaderLock } from '../ledger/leader-lock.js';
import type { SlaRepository } from '../ledger/sla.repository.js';
import type { Logger } from '../platform/observability/logger.js';
import type { AlertStore } from './alert-store.js';
import { conditionsOf, forecastIsLong } from './conditions.js';
import { deliver } from './deliver.js';

/** Messages a look: whoever reads them is a person. */
const MESSAGES_A_LOOK = 5;
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
  /** The wait before the second try; it doubles. */
  retryBaseMs: number;
}

/**
 * Looks at the ledger and tells ALERT_WEBHOOK_URL what needs a person. One process of all does it, and any may: an api too, since leads that
 * no worker takes up are what somebody must hear of. A crash between the answer and its note tells a message twice, and never not at all.
 */
export class Alerts {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private forecastWasLong = false;
  private failing = false;
  private blind = false;

  constructor(private readonly tools: AlertTools) {}

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
      await this.tools.leaderLock
        .runAsLeader('alert', () => this.look())
        .then(
          () => (this.blind = false),
          (error: unknown) => this.warnOnce(error),
        );
      await sleep(this.tools.intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One look, and the messages that are due. */
  async look(): Promise<void> {
    const { store, sla, flow, slaSeconds, hotLeadScore } = this.tools;
    await store.tellHotLeads(hotLeadScore);
    await store.tellDeadLetters();
    const [loads, oldestSeconds, stages, deadLetters] = await Promise.all([
      sla.stageLoads(),
      sla.oldestWithoutCrm(),
      flow.stages(),
      sla.countDead(),
    ]);
    const facts = { slaSeconds, loads, oldestSeconds, stages, deadLetters, forecastWasLong: this.forecastWasLong };
    for (const condition of conditionsOf(facts)) await store.tell(condition);
    this.forecastWasLong = forecastIsLong(facts);
    await this.deliverDue();
    await store.prune();
  }

  private async deliverDue(): Promise<void> {
    const { store, url, retryBaseMs } = this.tools;
    for (const { id, text, attempts } of await store.due(MESSAGES_A_LOOK)) {
      const delivery = await deliver(url, text, this.stopping.signal);
      if (this.stopping.signal.aborted && delivery.kind === 'failed') return;
      if (delivery.kind === 'delivered') {
        await store.delivered(id);
        this.sayItWorks();
        continue;
      }
      this.sayItFails(delivery.what);
      if (attempts + 1 >= TRIES) {
        await store.delivered(id);
        continue;
      }
      const delayMs = Math.min(RETRY_AT_MOST_MS, retryBaseMs * 2 ** attempts);
      await store.postpone(id, Math.max(delayMs, delivery.retryAfterMs));
      return;
    }
  }

  /** Once an outage of PostgreSQL. */
  private warnOnce(error: unknown): void {
    if (!this.blind) this.tools.logger.warn({ err: error }, 'Nobody looks for what needs an alert: PostgreSQL does not answer');
    this.blind = true;
  }

  /** Once an outage: it would be said with each try otherwise. */
  private sayItFails(what: string): void {
    if (!this.failing) {
      this.tools.logger.error(`The alert was not delivered: ${what}. It is tried ${TRIES} times; check ALERT_WEBHOOK_URL`);
    }
    this.failing = true;
  }

  private sayItWorks(): void {
    if (this.failing) this.tools.logger.info('Alerts are delivered again');
    this.failing = false;
  }
}
