import type { LeadInput } from '../../domain/lead.js';
import type { MarketoCallsRepository } from '../../ledger/marketo-calls.repository.js';
import type { MarketoIdentitiesRepository } from '../../ledger/marketo-identities.repository.js';
import type { MarketoRunsRepository, ReconciliationRun } from '../../ledger/marketo-runs.repository.js';
import { Poller } from '../../platform/concurrency/poller.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { MarketoApi } from '../client/marketo-api.js';
import type { FieldMap } from '../field-map.js';
import type { ApiQuota } from '../api-quota.js';
import type { MarketoBreaker } from '../marketo-breaker.js';
import { CampaignIds } from './campaign-ids.js';
import { compareCalls } from './compare-calls.js';
import { namedWebhooks, WebhookLog } from './read-window.js';

export interface ReconciliationOptions {
  api: MarketoApi;
  breaker: MarketoBreaker;
  quota: Pick<ApiQuota, 'check'>;
  runs: MarketoRunsRepository;
  calls: MarketoCallsRepository;
  identities: Pick<MarketoIdentitiesRepository, 'oweKnown'>;
  fieldMap: FieldMap;
  /** MARKETO_WEBHOOK */
  webhook: string;
  /** MARKETO_RECONCILE; with `off` only what an operator asks for is run. */
  mode: 'off' | 'report' | 'repair';
  /** MARKETO_REPAIR_LIMIT */
  repairLimit: number;
  accept(input: LeadInput): Promise<'accepted' | 'updated' | 'duplicate'>;
  /** The length of a window, in milliseconds. */
  windowMs?: number;
  /** Calls younger than this may still be under way, in milliseconds. */
  graceMs?: number;
  everyMs?: number;
  now: () => number;
  logger: Logger;
}

const EVERY_MS = 5000;
const WINDOW_MS = 15 * 60_000;
const GRACE_MS = 120_000;
/** Calls that are compared at a time, with the commits around them. */
const SLICE = 2000;
const MISSING_KEPT_MS = 7 * 86_400_000;
const PRUNE_EVERY_MS = 600_000;

/** A pause or another process ended the run for now; it is continued where it was. */
const INTERRUPTED = Symbol('interrupted');

/**
 * Compares Marketo's log of webhook calls with the ledger, window by window; a window that failed is not passed over.
 */
export class ReconciliationPoller {
  private readonly poller: Poller;
  private readonly log: WebhookLog;
  private prunedAt = 0;

  constructor(private readonly options: ReconciliationOptions) {
    const { logger, api, webhook, everyMs = EVERY_MS } = options;
    this.log = new WebhookLog(api, webhook);
    this.poller = new Poller({
      everyMs,
      poll: (signal) => this.poll(signal),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'Webhook calls cannot be compared with the ledger now; it is tried again');
      },
      stopWithinMs: 2000,
    });
  }

  start(): void {
    this.poller.start();
  }

  async stop(): Promise<void> {
    await this.poller.stop();
    if (!this.poller.isPolling) await this.options.breaker.release();
  }

  /** @returns whether another run may be waiting. */
  async poll(signal?: AbortSignal): Promise<boolean> {
    const { breaker, runs, api, mode, windowMs = WINDOW_MS } = this.options;
    if (!(await breaker.enter())) return false;
    await this.prune();
    const run = (await runs.openRun()) ?? (mode === 'off' ? null : await runs.beginScheduled(mode, windowMs));
    if (!run) return false;
    const before = api.calls;
    try {
      const end = await this.execute(run, signal);
      await breaker.succeeded();
      return end !== INTERRUPTED;
    } catch (cause) {
      if (signal?.aborted) return false;
      const error = await breaker.failed(cause);
      await runs.fail(run.id, error.code, error.message, error.code === 'MARKETO_REQUEST_REFUSED');
      return false;
    } finally {
      await breaker.count(api.calls - before);
      await runs.addCalls(run.id, api.calls - before);
    }
  }

  private async execute(run: ReconciliationRun, signal?: AbortSignal): Promise<typeof INTERRUPTED | void> {
    const { api, runs, calls, identities, mode, quota, logger } = this.options;
    await quota.check(api, signal);
    if (!run.readAll && (await this.readWindow(run, signal)) === INTERRUPTED) return INTERRUPTED;
    const repaired = await this.compare(run, signal);
    if (repaired === INTERRUPTED) return INTERRUPTED;
    const counts = await calls.countClasses(run.fromAt, run.toAt);
    await identities.oweKnown();
    await runs.finish(run, counts, repaired);
    const missing = counts['missing'] ?? 0;
    const line = { from: run.fromAt, to: run.toAt, mode: run.mode, counts };
    if (missing > 0) logger.warn(line, `Marketo called the webhook, and leads are missing: npx revenueflow marketo status`);
    else if (mode !== 'off') logger.debug(line, 'The webhook calls of a window were compared with the ledger');
  }

  private async readWindow(run: ReconciliationRun, signal?: AbortSignal): Promise<typeof INTERRUPTED | void> {
    const { runs, calls, breaker } = this.options;
    let token = run.token ?? (await this.log.tokenSince(run.fromAt, signal));
    let webhooks = run.webhooks;
    for (let more = true; more;) {
      if (!(await breaker.enter())) return INTERRUPTED;
      const page = await this.log.page(token, run.toAt, signal);
      await calls.store(page.calls);
      webhooks = namedWebhooks(webhooks, page.others);
      await runs.advance(run.id, page.next, !page.more, page.calls.length, webhooks);
      [token, more] = [page.next, page.more];
    }
  }

  /** @returns how many leads were taken in. */
  private async compare(run: ReconciliationRun, signal?: AbortSignal): Promise<number | typeof INTERRUPTED> {
    const { api, calls, breaker, fieldMap, accept, repairLimit, now, graceMs = GRACE_MS } = this.options;
    const campaigns = new CampaignIds(fieldMap.webhook.campaigns, await calls.campaigns());
    const tools = { api, calls, fieldMap, accept: run.mode === 'repair' ? accept : null, room: { left: repairLimit } };
    const to = new Date(Math.min(run.toAt.getTime(), now() - graceMs));
    await calls.settleArrived();
    let repaired = 0;
    for (const which of run.mode === 'repair' ? (['new', 'missing'] as const) : (['new'] as const)) {
      // By schedule, calls that an earlier run has found missing are repaired too.
      const from = which === 'new' || run.requestedBy !== null ? run.fromAt : new Date(now() - MISSING_KEPT_MS);
      let slice = await calls.open(which, from, to, null, SLICE);
      while (slice.length > 0) {
        if (!(await breaker.enter())) return INTERRUPTED;
        repaired += await compareCalls(tools, slice, campaigns, signal);
        slice = await calls.open(which, from, to, slice.at(-1)!, SLICE);
      }
    }
    return repaired;
  }

  private async prune(): Promise<void> {
    const { runs, calls, now } = this.options;
    if (now() - this.prunedAt < PRUNE_EVERY_MS) return;
    this.prunedAt = now();
    await calls.prune();
    await runs.prune();
  }
}
