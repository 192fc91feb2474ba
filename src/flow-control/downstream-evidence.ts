import type { AppError } from '../domain/app-error.js';

/** A failure is the downstream's if other leads failed within this time. */
const WINDOW_MS = 60_000;
const BUCKET_MS = 10_000;
/** After more failures in a row the lead itself is suspect, so its failures are no evidence against the downstream. */
const FAILURES_AS_EVIDENCE = 5;
/** The probability, at the failure rate of all leads, below which a lead's failures in a row are its own. */
const IMPLAUSIBLE = 1e-12;
const SERIES_KEPT = 10_000;
const CALLS_KEPT = 100;
/** A longer list is not shared. Its failures then count as shared, which costs a retry and dead-letters no lead. */
const COMMON_LEADS_SHARED = 50;

/** What one process knows about the last minute's calls, in the form in which other processes read it. */
export interface EvidenceSummary {
  /** Milliseconds since the newest failure that counts as evidence; null where there was none. */
  failedAgoMs: number | null;
  /** The leads that were in every call that failed. One of them alone may have caused these failures. */
  commonLeads: string[];
  /** Milliseconds since a lead succeeded that had failed before; null where none did. */
  recoveredAgoMs: number | null;
  /** A number of leads, not of calls. */
  succeeded: number;
  failed: number;
}

/**
 * Whether a dependency failure is the lead's or the downstream's. `failures`: this lead's failures in a row, this one
 * included.
 */
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
  isEvidence: boolean;
}

/**
 * Decides whether a dependency failure is the downstream's or the lead's own. It is the lead's own if other leads
 * succeed meanwhile and none of them fails. It is also the lead's own if its failures in a row are too improbable at
 * the failure rate of the others. Leads of one failed call are no evidence for each other, since one of them may have
 * caused the failure.
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

  /** @param lastSuccessAt start of the newest successful call in any process. */
  failed(leadId: string, error: AppError, now: number, lastSuccessAt: number): Attribution {
    this.bucket(now).failed++;
    const { failures, previousAt } = this.extend(leadId, now);
    const call = this.callThatFailed(error, now);
    call.leads.add(leadId);
    call.isEvidence ||= failures <= FAILURES_AS_EVIDENCE;
    return { fault: this.faultOf(leadId, failures, previousAt, now, lastSuccessAt), failures };
  }

  /** Takes in what the other live processes know. */
  learn(summaries: EvidenceSummary[], now: number): void {
    this.others = summaries.map((summary) => ({ summary, readAt: now }));
  }

  summary(now: number): EvidenceSummary | null {
    const calls = this.callsAsEvidence(now);
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
    // A first failure may be the start of an outage. Without a success since the last failure, every call may be
    // failing.
    if (failures === 1 || lastSuccessAt <= previousAt) return 'downstream';
    if (!this.sharedByOthers(leadId, now)) return 'lead';
    const { succeeded, failed } = this.totals(now, this.others);
    const rate = (failed + 1) / (failed + succeeded + 2);
    return rate ** failures < IMPLAUSIBLE ? 'lead' : 'downstream';
  }

  private sharedByOthers(leadId: string, now: number): boolean {
    return (
      now - this.recoveredAt < WINDOW_MS ||
      this.callsAsEvidence(now).some(({ leads }) => !leads.has(leadId)) ||
      this.others.some(({ summary, readAt }) => {
        const recent = (agoMs: number | null) => agoMs !== null && now - readAt + agoMs < WINDOW_MS;
        return recent(summary.recoveredAgoMs) || (recent(summary.failedAgoMs) && !summary.commonLeads.includes(leadId));
      })
    );
  }

  private callsAsEvidence(now: number): FailedCall[] {
    return this.calls.filter(({ at, isEvidence }) => isEvidence && now - at < WINDOW_MS);
  }

  private extend(leadId: string, now: number): Series {
    const known = this.series.get(leadId);
    const next = { failures: (known?.failures ?? 0) + 1, previousAt: known?.lastAt ?? now, lastAt: now };
    // Inserted last, so that the map's first entry is always the oldest.
    this.series.delete(leadId);
    this.series.set(leadId, next);
    if (this.series.size > SERIES_KEPT) this.series.delete(this.series.keys().next().value!);
    return next;
  }

  /** A call carries many leads, and each of them reports the call's failure. */
  private callThatFailed(error: AppError, now: number): FailedCall {
    const failure = error.cause instanceof Error ? error.cause : error;
    const known = this.callOf.get(failure);
    if (known) return known;
    const call = { at: now, leads: new Set<string>(), isEvidence: false };
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
