import type { AppError } from '../domain/app-error.js';

/** Failures that others shared within this time are the downstream's. */
const WINDOW_MS = 60_000;
const BUCKET_MS = 10_000;
/** A lead that failed more often in a row may be broken itself: its failures say nothing about the downstream any more. */
const TELLING_FAILURES = 5;
/** So improbable must a lead's row of failures be, at the rate at which all leads fail, before it is the lead's own. */
const IMPLAUSIBLE = 1e-12;
const SERIES_KEPT = 10_000;
const CALLS_KEPT = 100;
/** Longer lists are not shared: then a failure counts as shared, which costs a retry and no lead. */
const COMMON_LEADS_SHARED = 50;

/** What one process knows of the last minute, as the others read it. */
export interface EvidenceSummary {
  /** Milliseconds since the newest telling failure; null where there was none. */
  failedAgoMs: number | null;
  /** The leads that were in every call that failed tellingly: of those alone these failures may be. */
  commonLeads: string[];
  /** Milliseconds since a lead succeeded that had failed before; null where none did. */
  recoveredAgoMs: number | null;
  /** Leads, not calls. */
  succeeded: number;
  failed: number;
}

/** Whose a dependency failure is. `failures`: of this lead in a row, this one included. */
export interface Attribution {
  fault: 'lead' | 'downstream';
  failures: number;
}

interface Series {
  failures: number;
  previousAt: number;
  lastAt: number;
}

interface FailedCall {
  at: number;
  leads: Set<string>;
  telling: boolean;
}

/**
 * Decides whether a dependency failure is the downstream's or the lead's own. It is the lead's only where others succeed
 * meanwhile and none of them fails, or where its failures in a row are no chance at the rate at which others fail.
 * Leads that share a failed call are no evidence for each other: one of them may have broken it for all.
 */
export class DownstreamEvidence {
  private readonly series = new Map<string, Series>();
  private readonly callOf = new WeakMap<Error, FailedCall>();
  private calls: FailedCall[] = [];
  private readonly counts = new Map<number, { succeeded: number; failed: number }>();
  private recoveredAt = -Infinity;
  private others: { summary: EvidenceSummary; readAt: number }[] = [];

  succeeded(leadId: string, now: number): void {
    this.bucket(now).succeeded++;
    if (this.series.delete(leadId)) this.recoveredAt = now;
  }

  /** @param lastSuccessAt when the newest call that succeeded, in any process, was made. */
  failed(leadId: string, error: AppError, now: number, lastSuccessAt: number): Attribution {
    this.bucket(now).failed++;
    const { failures, previousAt } = this.extend(leadId, now);
    const call = this.callThatFailed(error, now);
    call.leads.add(leadId);
    call.telling ||= failures <= TELLING_FAILURES;
    return { fault: this.faultOf(leadId, failures, previousAt, now, lastSuccessAt), failures };
  }

  /** What the other living processes know. */
  learn(summaries: EvidenceSummary[], now: number): void {
    this.others = summaries.map((summary) => ({ summary, readAt: now }));
  }

  summary(now: number): EvidenceSummary | null {
    const calls = this.tellingCalls(now);
    const { succeeded, failed } = this.totals(now);
    if (succeeded + failed === 0) return null;
    const common = calls.reduce<Set<string> | null>(
      (left, { leads }) => (left ? new Set([...left].filter((id) => leads.has(id))) : leads),
      null,
    );
    const recoveredAgoMs = now - this.recoveredAt;
    return {
      failedAgoMs: calls.length > 0 ? now - calls.at(-1)!.at : null,
      commonLeads: common && common.size <= COMMON_LEADS_SHARED ? [...common] : [],
      recoveredAgoMs: recoveredAgoMs < WINDOW_MS ? recoveredAgoMs : null,
      succeeded,
      failed,
    };
  }

  private faultOf(
    leadId: string,
    failures: number,
    previousAt: number,
    now: number,
    lastSuccessAt: number,
  ): Attribution['fault'] {
    // The first failure may be the first of an outage; and where nothing has succeeded since the last, all may fail.
    if (failures === 1 || lastSuccessAt <= previousAt) return 'downstream';
    if (!this.sharedByOthers(leadId, now)) return 'lead';
    const { succeeded, failed } = this.totals(now, this.others);
    const rate = (failed + 1) / (failed + succeeded + 2);
    return rate ** failures < IMPLAUSIBLE ? 'lead' : 'downstream';
  }

  private sharedByOthers(leadId: string, now: number): boolean {
    return (
      now - this.recoveredAt < WINDOW_MS ||
      this.tellingCalls(now).some(({ leads }) => !leads.has(leadId)) ||
      this.others.some(({ summary, readAt }) => {
        const recent = (agoMs: number | null) => agoMs !== null && now - readAt + agoMs < WINDOW_MS;
        return recent(summary.recoveredAgoMs) || (recent(summary.failedAgoMs) && !summary.commonLeads.includes(leadId));
      })
    );
  }

  private tellingCalls(now: number): FailedCall[] {
    return this.calls.filter(({ at, telling }) => telling && now - at < WINDOW_MS);
  }

  private extend(leadId: string, now: number): Series {
    const known = this.series.get(leadId);
    const next = { failures: (known?.failures ?? 0) + 1, previousAt: known?.lastAt ?? now, lastAt: now };
    // The newest comes last, so that the oldest is forgotten first.
    this.series.delete(leadId);
    this.series.set(leadId, next);
    if (this.series.size > SERIES_KEPT) this.series.delete(this.series.keys().next().value!);
    return next;
  }

  /** One call carries many leads: when it fails, each of them brings the same failure. */
  private callThatFailed(error: AppError, now: number): FailedCall {
    const failure = error.cause instanceof Error ? error.cause : error;
    const known = this.callOf.get(failure);
    if (known) return known;
    const call = { at: now, leads: new Set<string>(), telling: false };
    this.callOf.set(failure, call);
    this.calls = [...this.calls.slice(1 - CALLS_KEPT), call];
    return call;
  }

  private bucket(now: number): { succeeded: number; failed: number } {
    const key = Math.floor(now / BUCKET_MS);
    let bucket = this.counts.get(key);
    if (!bucket) {
      for (const old of this.counts.keys()) if (old <= key - WINDOW_MS / BUCKET_MS) this.counts.delete(old);
      this.counts.set(key, (bucket = { succeeded: 0, failed: 0 }));
    }
    return bucket;
  }

  private totals(now: number, others: { summary: EvidenceSummary }[] = []): { succeeded: number; failed: number } {
    const oldest = Math.floor(now / BUCKET_MS) - WINDOW_MS / BUCKET_MS;
    const sum = { succeeded: 0, failed: 0 };
    for (const [key, bucket] of this.counts) {
      if (key <= oldest) continue;
      sum.succeeded += bucket.succeeded;
      sum.failed += bucket.failed;
    }
    for (const { summary } of others) {
      sum.succeeded += summary.succeeded;
      sum.failed += summary.failed;
    }
    return sum;
  }
}
