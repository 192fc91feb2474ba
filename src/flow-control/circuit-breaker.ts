import type { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import type { Stage } from '../domain/lead-state.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import { DownstreamEvidence, type Attribution } from './downstream-evidence.js';
import type { FlowControlRepository } from './flow-control.repository.js';
import { FailureStreak } from './failure-streak.js';
import { whyOpen, type BreakerReason, type StageRow } from './stage-row.js';

/** A recovering stage starts with 1/50 of its share, at least one lead, and doubles it at each step. */
const FIRST_STEPS = 50;
const DOUBLES_EVERY_MS = 500;
/** Short enough that a lead received when the downstream failed can still meet its SLA after the downstream returns. */
const PROBE_AT_LEAST_EVERY_MS = 10_000;
/** The longest wait where the downstream is rate limited and named no Retry-After. */
const PROBE_WHERE_LIMITED_AT_LEAST_EVERY_MS = 60_000;
/** A longer Retry-After is cut to this. An exhausted daily quota is therefore probed every 15 minutes. */
const RETRY_AFTER_AT_MOST_MS = 15 * 60_000;

export interface BreakerOptions {
  stage: Stage;
  store: FlowControlRepository;
  worker: string;
  /** RETRY_BASE_MS */
  baseMs: number;
  clock: Clock;
  logger: Logger;
  /** Called when the breaker's state has changed here. */
  changed(): void;
}

/** Permission to call the downstream once. Call exactly one of its three methods. */
export interface CallPermit {
  /** The result of this call decides whether an open breaker closes. */
  probe: boolean;
  /** `success` is false where the downstream answered with a refusal. */
  succeeded(success: boolean, leadId?: string): void;
  /**
   * The downstream is down, rate limited or misconfigured. @returns whether the breaker is open now: then no attempt
   * counts.
   */
  failed(error: AppError, reason: BreakerReason): Promise<boolean>;
  /** No call was made, or its result says nothing about the downstream. */
  cancelled(): void;
}

/**
 * The circuit breaker of one stage in this process. All processes share its state through the database and read it each
 * second. Results of this process's own calls take effect at once.
 */
export class CircuitBreaker {
  /** Results of the last minute's calls. */
  readonly evidence = new DownstreamEvidence();
  private row: StageRow | undefined;
  private readAt = 0;
  private readonly streak = new FailureStreak();
  private readonly seen = new WeakSet<Error>();
  private probing = false;
  private opening: Promise<unknown> | undefined;
  private lastSuccess = 0;
  private lastAnswer = 0;
  private savedSuccess = 0;

  constructor(private readonly options: BreakerOptions) {}

  /** Start of the newest successful call for any lead, in any process, as epoch milliseconds; 0 where there is none. */
  get lastSuccessAt(): number {
    return Math.max(this.lastSuccess, this.row?.lastSuccessAt?.getTime() ?? 0);
  }

  /** When the newest successful call ended in this process, or began in another one; epoch milliseconds. */
  get lastAnswerAt(): number {
    return Math.max(this.lastAnswer, this.lastSuccessAt);
  }

  get paused(): boolean {
    return this.row?.pausedAt != null;
  }

  get isOpen(): boolean {
    return this.row !== undefined && (this.row.breaker === 'open' || this.row.breaker === 'half-open');
  }

  get reason(): { reason: BreakerReason; code: ErrorCode } | null {
    return this.row?.reason && this.row.code ? { reason: this.row.reason, code: this.row.code } : null;
  }

  /**
   * Whether a dependency failure that left the breaker closed is the lead's or the downstream's. Call it once per
   * failure.
   */
  attribute(leadId: string, error: AppError): Attribution {
    return this.evidence.failed(leadId, error, this.options.clock.now(), this.lastSuccessAt);
  }

  /** The number of leads that this process may work on now; `share` is its part of the stage's concurrency. */
  permitted(share: number): number {
    if (!this.row || this.row.breaker === 'closed') return share;
    if (this.row.breaker === 'open') return 0;
    if (this.row.breaker === 'half-open') return this.holdsProbe ? Math.min(1, share) : 0;
    const elapsed = (this.row.recoveringMs ?? 0) + this.options.clock.now() - this.readAt;
    const first = Math.max(1, Math.floor(share / FIRST_STEPS));
    return Math.min(share, first * 2 ** Math.min(30, Math.floor(elapsed / DOUBLES_EVERY_MS)));
  }

  /** Whether `enter` would give a permit now. */
  get admits(): boolean {
    return !this.paused && (!this.isOpen || (this.holdsProbe && !this.probing));
  }

  /** @returns null where the stage is paused or its breaker open. */
  enter(): CallPermit | null {
    if (!this.admits) return null;
    const probe = this.isOpen;
    this.probing ||= probe;
    return this.permit(probe);
  }

  /** Applies the shared state. */
  refresh(row: StageRow): void {
    const changed = row.breaker !== this.row?.breaker;
    this.row = row;
    this.readAt = this.options.clock.now();
    if (changed) this.options.changed();
  }

  /** Runs each second: starts a due probe, ends the recovery, and stores the time of the newest success. */
  async tick(): Promise<void> {
    const { store, stage, logger } = this.options;
    const row = this.row;
    if (!row) return;
    if ((row.breaker === 'open' && (row.probeInMs ?? 0) <= 0) || row.breaker === 'half-open') {
      this.apply(await store.takeProbe(stage));
    }
    if (row.breaker === 'recovering' && this.apply(await store.close(stage))) {
      logger.info({ stage }, 'The breaker is closed: the stage works at its full rate again');
    }
    if (this.lastSuccess > this.savedSuccess) {
      await store.recordSuccess(stage, new Date(this.lastSuccess));
      this.savedSuccess = this.lastSuccess;
    }
  }

  /** Opens the breaker for all workers. @returns false where it was open before. */
  async open(reason: BreakerReason, error: AppError): Promise<boolean> {
    const { store, stage, baseMs, logger } = this.options;
    const { code, message, answer = null, retryAfterMs = 0 } = error;
    const opened = await store.open(stage, {
      reason,
      code,
      message,
      answer,
      baseMs,
      retryAfterMs: Math.min(retryAfterMs, RETRY_AFTER_AT_MOST_MS),
      capMs: reason === 'rate-limited' ? PROBE_WHERE_LIMITED_AT_LEAST_EVERY_MS : PROBE_AT_LEAST_EVERY_MS,
    });
    if (!this.apply(opened)) {
      for (const row of await store.stages()) if (row.stage === stage) this.refresh(row);
      return false;
    }
    const probeInMs = Math.round(opened!.probeInMs ?? 0);
    const line = { stage, reason, code, problem: whyOpen(opened!), answer, trips: opened!.trips, probeInMs };
    if (opened!.trips === 1) logger.error(line, 'The breaker is open: leads of this stage wait and lose no attempt');
    else logger.warn(line, 'The probe failed; the breaker stays open');
    return true;
  }

  private get holdsProbe(): boolean {
    return this.row?.breaker === 'half-open' && this.row.probeBy === this.options.worker;
  }

  private permit(probe: boolean): CallPermit {
    const { clock } = this.options;
    const enteredAt = clock.now();
    return {
      probe,
      succeeded: (success, leadId) => {
        this.streak.succeeded(clock.now());
        if (success && leadId !== undefined) this.evidence.succeeded(leadId, clock.now());
        // The call's start is the time at which the downstream was certainly up. It may have failed before the answer
        // was read.
        if (success) {
          this.lastSuccess = Math.max(this.lastSuccess, enteredAt);
          this.lastAnswer = clock.now();
        }
        if (probe) void this.recover(success ? new Date(enteredAt) : null);
      },
      failed: async (error, reason) => {
        if (probe) this.probing = false;
        const down = this.seenBefore(error) ? false : this.streak.failed(clock.now(), this.row?.breaker === 'recovering');
        if (this.opening) await this.opening;
        if (this.isOpen && !probe) return true;
        const certain = probe || reason !== 'dependency-down';
        if (!certain && !down) return false;
        this.streak.reset();
        await this.openOnce(reason, error);
        return this.isOpen;
      },
      cancelled: () => {
        if (probe) this.probing = false;
      },
    };
  }

  /** A call carries many leads, and each of them reports the call's failure. It counts once. */
  private seenBefore(error: AppError): boolean {
    const failure = error.cause instanceof Error ? error.cause : error;
    const known = this.seen.has(failure);
    this.seen.add(failure);
    return known;
  }

  /**
   * Callers whose calls fail while the breaker opens wait for the same result, so their attempts do not count either.
   */
  private async openOnce(reason: BreakerReason, error: AppError): Promise<void> {
    this.opening ??= this.open(reason, error);
    try {
      await this.opening;
    } finally {
      this.opening = undefined;
    }
  }

  private async recover(success: Date | null): Promise<void> {
    const { store, stage, logger } = this.options;
    try {
      if (this.apply(await store.recover(stage, success)))
        logger.info({ stage }, 'The probe succeeded: the stage starts again at a reduced rate');
    } catch {
      // PostgreSQL is down: the next tick takes the probe again.
    } finally {
      this.probing = false;
    }
  }

  private apply(row: StageRow | null): boolean {
    if (!row) return false;
    this.refresh(row);
    return true;
  }
}
