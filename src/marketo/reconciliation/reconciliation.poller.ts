import { AppError } from '../../domain/app-error.js';
import type { MarketoExtractsRepository } from '../../ledger/marketo-extracts.repository.js';
import type { ReconciliationRun } from '../../ledger/marketo-runs.repository.js';
import { Poller } from '../../platform/concurrency/poller.js';
import type { MarketoApi } from '../client/marketo-api.js';
import type { ApiQuota } from '../api-quota.js';
import type { MarketoBreaker } from '../marketo-breaker.js';
import { compareWindow, type CompareWindowTools } from './compare-window.js';
import { extractWindow } from './extract-window.js';
import { namedWebhooks, WebhookLog } from './read-window.js';

export interface ReconciliationOptions extends Omit<CompareWindowTools, 'api' | 'graceMs' | 'mayGoOn'> {
  api: MarketoApi;
  breaker: MarketoBreaker;
  quota: Pick<ApiQuota, 'check'>;
  extracts: MarketoExtractsRepository;
  /** MARKETO_WEBHOOK */
  webhook: string;
  /** MARKETO_RECONCILE; with `off` only what an operator asks for is run. */
  mode: 'off' | 'report' | 'repair';
  /** MARKETO_EXTRACT: each day is also read as a whole. */
  extract: boolean;
  /** The length of a window, in milliseconds. */
  windowMs?: number;
  /** Calls younger than this may still be under way, in milliseconds. */
  graceMs?: number;
  /** How long a day is over before it is read as a whole, in milliseconds: activities appear late. */
  extractDelayMs?: number;
  /** How long a job of an extract is left alone between two looks, in milliseconds. */
  lookEveryMs?: number;
  /** The first wait after an extract failed, in milliseconds. */
  baseMs: number;
  everyMs?: number;
}

const EVERY_MS = 5000;
const WINDOW_MS = 15 * 60_000;
const GRACE_MS = 120_000;
const EXTRACT_DELAY_MS = 2 * 3_600_000;
/** Adobe asks for a minute at least. */
const LOOK_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 600_000;
/** After so many failures in a row the paging token may be the cause, whatever Marketo answers to it. */
const RESTART_AFTER = 10;

/**
 * Compares Marketo's log of webhook calls with the ledger: window by window soon after the calls, and each night a
 * whole day, which also has what the log showed too late. A window that failed is not passed over.
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
    const { breaker, runs, mode, windowMs = WINDOW_MS } = this.options;
    if (!(await breaker.enter())) return false;
    await this.prune();
    const run = (await runs.openRun()) ?? (mode === 'off' ? null : await runs.beginScheduled(mode, windowMs));
    if (run) return this.counted(run, () => this.pollWindow(run, signal));
    return this.pollExtract(signal);
  }

  private async pollWindow(run: ReconciliationRun, signal?: AbortSignal): Promise<boolean> {
    const { breaker, runs } = this.options;
    try {
      const ended = await this.readAndCompare(run, signal);
      await breaker.succeeded();
      return ended;
    } catch (cause) {
      if (signal?.aborted) return false;
      const error = await breaker.failed(cause);
      const restart = error.code === 'MARKETO_REQUEST_REFUSED' || breaker.failures >= RESTART_AFTER;
      await runs.fail(run.id, error.code, error.message, restart);
      return false;
    }
  }

  /** Its failures are its own: bulk jobs have a quota of their own, and the windows must not wait for it. */
  private async pollExtract(signal?: AbortSignal): Promise<boolean> {
    const { extracts, extract, mode, extractDelayMs = EXTRACT_DELAY_MS, baseMs, logger } = this.options;
    if (!extract || mode === 'off') return false;
    const run = await extracts.current(mode, extractDelayMs);
    if (!run?.isDue) return false;
    return this.counted(run, async () => {
      try {
        return await this.extractAndCompare(run, signal);
      } catch (cause) {
        if (signal?.aborted) return false;
        const error = AppError.from(cause);
        if (!error.code.startsWith('MARKETO_')) throw cause;
        const line = { code: error.code, problem: error.message, from: run.fromAt, to: run.toAt };
        if (run.failures === 0) logger.warn(line, 'A day of webhook calls cannot be extracted now; it is tried again');
        await extracts.fail(run, error, baseMs);
        return false;
      }
    });
  }

  private async counted(run: ReconciliationRun, work: () => Promise<boolean>): Promise<boolean> {
    const { api, breaker, runs } = this.options;
    const before = api.calls;
    try {
      return await work();
    } finally {
      await breaker.count(api.calls - before);
      await runs.addCalls(run.id, api.calls - before);
    }
  }

  /** @returns false where a pause or another process ended the run for now; it is continued where it was. */
  private async readAndCompare(run: ReconciliationRun, signal?: AbortSignal): Promise<boolean> {
    const { api, quota } = this.options;
    await quota.check(api, signal);
    if (!run.readAll && !(await this.readWindow(run, signal))) return false;
    return compareWindow(this.compareTools(), run, signal);
  }

  private async extractAndCompare(run: ReconciliationRun, signal?: AbortSignal): Promise<boolean> {
    const { api, quota, extracts, lookEveryMs = LOOK_EVERY_MS } = this.options;
    await quota.check(api, signal);
    const tools = { api, extracts, log: this.log, lookEveryMs, mayGoOn: () => this.options.breaker.enter() };
    if (!run.readAll && (await extractWindow(tools, run, signal)) === 'waiting') return false;
    return compareWindow(this.compareTools(), run, signal);
  }

  private async readWindow(run: ReconciliationRun, signal?: AbortSignal): Promise<boolean> {
    const { api, quota, runs, calls, breaker } = this.options;
    let token = run.token ?? (await this.log.tokenSince(run.fromAt, signal));
    let webhooks = run.webhooks;
    for (let more = true; more;) {
      if (!(await breaker.enter())) return false;
      await quota.check(api, signal);
      const page = await this.log.page(token, run.toAt, signal);
      await calls.store(page.calls);
      webhooks = namedWebhooks(webhooks, page.others);
      await runs.advance(run.id, page.next, !page.more, page.calls.length, webhooks);
      [token, more] = [page.next, page.more];
    }
    return true;
  }

  private compareTools(): CompareWindowTools {
    const { graceMs = GRACE_MS, breaker } = this.options;
    return { ...this.options, graceMs, mayGoOn: () => breaker.enter() };
  }

  private async prune(): Promise<void> {
    const { runs, calls, now } = this.options;
    if (now() - this.prunedAt < PRUNE_EVERY_MS) return;
    this.prunedAt = now();
    await calls.prune();
    await runs.prune();
  }
}
