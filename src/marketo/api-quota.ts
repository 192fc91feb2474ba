import { AppError } from '../domain/app-error.js';
import type { MarketoQuota } from '../ledger/marketo-stages.repository.js';
import type { Logger } from '../platform/observability/logger.js';
import type { MarketoApi } from './client/marketo-api.js';
import { quotaDate, untilQuotaReset } from './client/quota-day.js';

export interface ApiQuotaOptions {
  /** MARKETO_DAILY_CALLS: Marketo does not say how many it allows. */
  dailyCalls: number;
  /** MARKETO_STOP_PERCENT */
  stopPercent: number;
  record(quota: MarketoQuota): Promise<void>;
  now: () => number;
  logger: Pick<Logger, 'warn'>;
}

/** The figure costs a call, and Marketo's own is minutes old. */
const READ_EVERY_MS = 15 * 60_000;
/** From this part of the share on, batches wait longer, so that more people share a call. */
const SLOW_FROM = 0.8;

/** Keeps this service from using up the calls of the day, which all integrations of the instance share. */
export class ApiQuota {
  private readAt = -Infinity;
  private ratio = 0;

  constructor(private readonly options: ApiQuotaOptions) {}

  /** Whether calls run low. */
  get isLow(): boolean {
    return this.ratio >= SLOW_FROM;
  }

  /**
   * Before calls of a batch.
   * @param api of the caller, whose call the reading is.
   * @throws AppError MARKETO_DAILY_LIMIT_REACHED once the share is used up; others as the
   * client.
   */
  async check(api: Pick<MarketoApi, 'usage'>, signal?: AbortSignal): Promise<void> {
    const { dailyCalls, stopPercent, now } = this.options;
    if (now() - this.readAt >= READ_EVERY_MS) await this.read(api, signal);
    if (this.ratio < 1) return;
    // The next day begins with a reading.
    this.readAt = -Infinity;
    throw new AppError(
      'MARKETO_DAILY_LIMIT_REACHED',
      `${stopPercent} % of ${dailyCalls} calls of the day are used, by all integrations of this Marketo.`,
      { retryAfterMs: untilQuotaReset(now()) },
    );
  }

  private async read(api: Pick<MarketoApi, 'usage'>, signal?: AbortSignal): Promise<void> {
    const { dailyCalls, stopPercent, record, now, logger } = this.options;
    this.readAt = now();
    try {
      const usage = await api.usage(signal);
      // Soon after midnight the figure may still be that of the day before.
      const used = usage && usage.date >= quotaDate(now()) ? usage.total : 0;
      this.ratio = used / ((dailyCalls * stopPercent) / 100);
      await record({ used, at: new Date(now()).toISOString() });
    } catch (cause) {
      const error = AppError.from(cause);
      // Without the permission the quota is simply not known; Marketo itself still stops us with 607.
      if (error.class !== 'configuration') throw cause;
      this.ratio = 0;
      logger.warn({ code: error.code, problem: error.message }, "Marketo's usage cannot be read: its quota is not watched");
    }
  }
}
