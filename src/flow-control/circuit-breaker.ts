import type { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import type { Stage } from '../domain/lead-state.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import { DownstreamEvidence, type Attribution } from './downstream-evidence.js';
import type { FlowControlRepository } from './flow-control.repository.js';
import { whyOpen, type BreakerReason, type StageRow } from './stage-row.js';

/** A recovering stage begins with this part of its share, at least one lead, and may have twice as many in hand with each step. */
const FIRST_STEPS = 50;
const DOUBLES_EVERY_MS = 500;
/** A lead that came as the downstream failed can still meet its SLA: it is noticed soon that the downstream is back. */
const PROBE_AT_LEAST_EVERY_MS = 10_000;
/** A downstream that has told us to wait, without saying for how long, is asked less often. */
const PROBE_WHERE_LIMITED_AT_LEAST_EVERY_MS = 60_000;
/** Retry-After is believed up to here; a quota of the day is asked about again each quarter of an hour. */
const RETRY_AFTER_AT_MOST_MS = 15 * 60_000;

const CONSECUTIVE = 5;
/** While the stage starts again: soon enough not to hurt a downstream that is still down, and not at each hiccup. */
const CONSECUTIVE_WHILE_RECOVERING = 3;
const WINDOW_MS = 10_000;
const WINDOW_CALLS = 10;

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

/** Leave to call the downstream once. Exactly one of the three must be called. */
export interface CallPermit {
  /** This call decides whether an open breaker closes. */
  probe: boolean;
  /** The call succeeded, or the downstream at least answered. */
  succeeded(success: boolean, leadId?: string): void;
  /** The downstream failed for everyone, or told us to stop. @returns true where the breaker is open now, so that nothing counts. */
  failed(error: AppError, reason: BreakerReason): Promise<boolean>;
  /** No call was made, or nothing can be told from it. */
  cancelled(): void;
}

/**
 * One stage's breaker as this process sees it. The state is shared through the database and read each second; what this
 * process learns by itself takes effect at once.
 */
export class CircuitBreaker {
  /** What the calls of the last minute say about the downstream. */
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

  /** When the newest call that succeeded was entered, for any lead, in this or another process; 0 where none has. */
  get lastSuccessAt(): number {
    return Math.max(this.lastSuccess, this.row?.lastSuccessAt?.getTime() ?? 0);
  }

  /** When this process last read the answer of a call that succeeded, or another one entered it. */
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

  /** Whose a failure of class dependency-down is, where it has not opened the breaker. Call it once a failure. */
  attribute(leadId: string, error: AppError): Attribution {
    return this.evidence.failed(leadId, error, this.options.clock.now(), this.lastSuccessAt);
  }

  /** How many leads of the stage this process may have in hand now, of the `share` that it has of the whole. */
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

  /** Takes over what the database says. */
  refresh(row: StageRow): void {
    const changed = row.breaker !== this.row?.breaker;
    this.row = row;
    this.readAt = this.options.clock.now();
    if (changed) this.options.changed();
  }

  /** What is due at each tick: the probe, the end of the recovery, and the news that the stage works. */
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

  /** Opens the breaker for all workers. @returns false where another had done so before. */
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
        // It shows that the downstream was up then. The answer may have been read long after it, when the downstream was gone already.
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

  /** One call carries many leads: when it fails, each of them brings the same failure here, and it counts once. */
  private seenBefore(error: AppError): boolean {
    const failure = error.cause instanceof Error ? error.cause : error;
    const known = this.seen.has(failure);
    this.seen.add(failure);
    return known;
  }

  /** Those who fail while it opens are told the same, and not that their attempt counts. */
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
        logger.info({ stage }, 'The probe succeeded: the stage starts again, slowly');
    } catch {
      // PostgreSQL is away: the probe is taken again when it is back.
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

/** What this process saw of a downstream in the last seconds: enough failures in a row, or a majority of failures, mean that it is down. */
export class FailureStreak {
  private consecutive = 0;
  private calls: { at: number; failed: boolean }[] = [];

  /** @returns whether the downstream counts as down from here on. */
  failed(now: number, recovering = false): boolean {
    this.consecutive++;
    this.note(now, true);
    const failures = this.calls.filter((call) => call.failed).length;
    return (
      this.consecutive >= (recovering ? CONSECUTIVE_WHILE_RECOVERING : CONSECUTIVE) ||
      (this.calls.length >= WINDOW_CALLS && failures * 2 >= this.calls.length)
    );
  }

  /** The downstream answered, be it with a refusal of the record. */
  succeeded(now: number): void {
    this.consecutive = 0;
    this.note(now, false);
  }

  reset(): void {
    this.consecutive = 0;
    this.calls = [];
  }

  private note(at: number, failed: boolean): void {
    this.calls.push({ at, failed });
    // Bounded also under load: the newest hundred say as much as all of ten seconds.
    if (this.calls.length > 100 || this.calls[0]!.at < at - WINDOW_MS) {
      this.calls = this.calls.slice(-100).filter((call) => call.at >= at - WINDOW_MS);
    }
  }
}
