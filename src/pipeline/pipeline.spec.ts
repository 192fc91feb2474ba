import { pino } from 'pino';
import { describe, expect, it, vi, type Mock } from 'vitest';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { ClaimedLead, LeadClaimedForSync } from '../ledger/claims.repository.js';
import { createMetrics } from '../platform/observability/metrics.js';
import type { CallPermit, CircuitBreaker } from '../flow-control/circuit-breaker.js';
import { UNLIMITED } from '../platform/concurrency/rate-limiter.port.js';
import { ModelSlots } from './model-slots.js';
import { CrashIsolation } from './crash-isolation.js';
import { enrichLead, type EnrichTools } from './enrichment.processor.js';
import { syncLead, type SyncTools } from './crm-sync.processor.js';

const reference = { leadId: 'c0ffee00-0000-8000-8000-000000000000', epoch: 1 };
const signal = new AbortController().signal;
const NOW = Date.parse('2026-01-01T00:00:00Z');

const enrichment: Enrichment = {
  fitScore: 80,
  intent: 'high',
  confidence: 0.6,
  evidence: [],
  reasoning: '',
  scoreSource: 'heuristic',
  needsRescore: false,
  flags: [],
  provider: 'heuristic',
  scorerVersion: 'v',
};

function claim(attempts = 0): ClaimedLead & LeadClaimedForSync {
  const content = {
    id: reference.leadId,
    personKey: 'p',
    email: 'ann@acme.com',
    emailRaw: 'ann@acme.com',
    campaignId: 'c',
    name: 'Ann',
    attributes: {},
    revision: 1,
  };
  const date = new Date(NOW);
  return {
    ...content,
    epoch: 1,
    fence: '7',
    attempts,
    receivedAt: date,
    contentAt: date,
    claimedAt: date,
    firstSync: true,
    traceparent: null,
    lastFailureAt: null,
    firstScoringAt: date,
    suspicions: 0,
    crashes: 0,
    lowPriority: false,
    projection: { lead: content, enrichment, version: 1 },
  };
}

type FakeGate = Pick<CircuitBreaker, 'enter' | 'trip' | 'lastSuccessAt' | 'lastAnswerAt' | 'open' | 'paused' | 'reason'> & {
  permit: CallPermit;
  attribute: Mock<CircuitBreaker['attribute']>;
};

function tools(attempts = 0) {
  const ledger = {
    claimForEnrichment: vi.fn(async () => claim(attempts)),
    claimForSync: vi.fn(async () => claim(attempts)),
    checkpoint: vi.fn(async () => 1),
    markSynced: vi.fn(async () => {}),
    recordFailure: vi.fn(async () => {}),
    release: vi.fn(async () => {}),
    markExclusive: vi.fn(async () => {}),
    refundAttempts: vi.fn(async () => 0),
    countDeadWith: vi.fn(async () => 0),
    eraseAgainIfGone: vi.fn(async () => false),
  };
  const gate = (): FakeGate => {
    const permit = {
      probe: false,
      succeeded: vi.fn(),
      failed: vi.fn(async () => false),
      cancelled: vi.fn(),
    };
    return {
      permit,
      enter: vi.fn(() => permit),
      attribute: vi.fn<CircuitBreaker['attribute']>(() => ({ fault: 'lead', failures: attempts + 1 })),
      trip: vi.fn(async () => true),
      lastSuccessAt: 0,
      lastAnswerAt: 0,
      open: false,
      paused: false,
      reason: null,
    };
  };
  const flow = { breakers: { enrichment: gate(), 'crm-sync': gate() } };
  const publisher = { publish: vi.fn() };
  const common = {
    claims: ledger,
    results: ledger,
    erasures: ledger,
    publisher,
    policy: { attempts: 5, baseMs: 1000 },
    clock: { now: () => NOW },
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    flow,
    isolation: new CrashIsolation(),
    crashBudget: 3,
  };
  const score = vi.fn(async () => enrichment);
  const sync = vi.fn(async () => ({ provider: 'postgres', leadId: 'l', memberId: 'm' }));
  const turns = new ModelSlots({
    permitted: () => 10,
    paused: () => false,
    enter: () => flow.breakers.enrichment.enter(),
    rateLimiter: UNLIMITED,
  });
  const enrichTools: EnrichTools = {
    ...common,
    provider: { name: 'test', score },
    heuristic: { name: 'heuristic', local: true, score: async () => enrichment },
    turns,
    spending: { budgetSpent: false, spend: vi.fn() },
    timeoutMs: 50,
    deadlineMs: 120_000,
    slaMs: 300_000,
  };
  const crm = { name: 'test', sync, ping: async () => {}, close: async () => {} };
  const syncTools: SyncTools = { ...common, provider: crm, slaSeconds: 300 };
  return { ledger, publisher, score, sync, flow, enrichTools, syncTools };
}

const unavailable = new AppError('AI_UNAVAILABLE', 'no answer');
const stale = new AppError('STALE_RUN', 'late');
const ledgerDown = new AppError('LEDGER_UNAVAILABLE', 'no answer');

describe('enrichLead', () => {
  it('checkpoints the score and announces the next stage', async () => {
    const { enrichTools, ledger, publisher } = tools();
    expect(await enrichLead(enrichTools, reference, signal)).toEqual({ kind: 'done' });
    expect(ledger.checkpoint).toHaveBeenCalledWith(expect.objectContaining({ fence: '7' }), enrichment);
    expect(publisher.publish).toHaveBeenCalledWith('crm-sync', { ...reference, since: NOW, low: false });
  });

  it('does nothing where the lead has moved on', async () => {
    const { enrichTools, ledger, score } = tools();
    ledger.claimForEnrichment.mockResolvedValue(null as never);
    expect(await enrichLead(enrichTools, reference, signal)).toEqual({ kind: 'done' });
    expect(score).not.toHaveBeenCalled();
  });

  it('records a failed attempt and comes back after the backoff', async () => {
    const { enrichTools, ledger, score } = tools(1);
    score.mockRejectedValue(unavailable);
    expect(await enrichLead(enrichTools, reference, signal)).toEqual({ kind: 'retry', delayMs: 4000, code: 'AI_UNAVAILABLE' });
    expect(ledger.recordFailure).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ code: 'AI_UNAVAILABLE', stage: 'enrichment' }),
      new Date(NOW + 4000),
    );
  });

  it('goes on with fit score 50 after the last attempt, flagged for a better one', async () => {
    const { enrichTools, ledger, score, publisher } = tools(4);
    score.mockRejectedValue(unavailable);
    expect(await enrichLead(enrichTools, reference, signal)).toEqual({ kind: 'done' });
    expect(ledger.checkpoint).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ fitScore: 50, scoreSource: 'fallback', needsRescore: true, flags: ['fallback:AI_UNAVAILABLE'] }),
    );
    expect(publisher.publish).toHaveBeenCalledOnce();
  });

  it('gives up on a scorer that takes too long', async () => {
    const { enrichTools, score } = tools();
    score.mockImplementation((...args: unknown[]) => {
      const abort = args[1] as AbortSignal;
      return new Promise((_, reject) => abort.addEventListener('abort', () => reject(abort.reason as Error)));
    });
    expect(await enrichLead(enrichTools, reference, signal)).toMatchObject({ kind: 'retry', code: 'AI_TIMEOUT' });
  });

  it('writes and announces nothing when it was overtaken', async () => {
    const { enrichTools, ledger, publisher } = tools();
    ledger.checkpoint.mockRejectedValue(stale);
    expect(await enrichLead(enrichTools, reference, signal)).toEqual({ kind: 'done' });
    expect(ledger.recordFailure).not.toHaveBeenCalled();
    expect(publisher.publish).not.toHaveBeenCalled();
  });

  it('waits without counting while the ledger does not answer, before the claim and after the score', async () => {
    const before = tools();
    before.ledger.claimForEnrichment.mockRejectedValue(ledgerDown);
    expect((await enrichLead(before.enrichTools, reference, signal)).kind).toBe('wait');
    const after = tools();
    after.ledger.checkpoint.mockRejectedValue(ledgerDown);
    expect((await enrichLead(after.enrichTools, reference, signal)).kind).toBe('wait');
    expect(after.ledger.recordFailure).not.toHaveBeenCalled();
  });

  it('keeps a foreign error message out of the ledger', async () => {
    const { enrichTools, ledger, score } = tools();
    score.mockRejectedValue(new Error('cannot parse "ann@acme.com"'));
    await enrichLead(enrichTools, reference, signal);
    expect(JSON.stringify(ledger.recordFailure.mock.calls)).toContain('UNEXPECTED');
    expect(JSON.stringify(ledger.recordFailure.mock.calls[0]!.slice(1))).not.toContain('ann@acme.com');
  });
});

describe('syncLead', () => {
  it('writes the projection and marks the lead', async () => {
    const { syncTools, ledger, sync } = tools();
    expect(await syncLead(syncTools, reference, signal)).toEqual({ kind: 'done' });
    expect(sync).toHaveBeenCalledWith(expect.objectContaining({ personKey: 'p', campaignId: 'c' }), signal);
    expect(ledger.markSynced).toHaveBeenCalledOnce();
  });

  it('logs the speed to lead from the receipt of the first revision, and for the first arrival only', async () => {
    const logged = async (own: Partial<LeadClaimedForSync>) => {
      const { syncTools, ledger } = tools();
      ledger.claimForSync.mockResolvedValue({ ...claim(), ...own });
      const info = vi.spyOn(syncTools.logger, 'info');
      await syncLead(syncTools, reference, signal);
      return (info.mock.calls[0]![0] as { speedToLeadMs?: number }).speedToLeadMs;
    };
    const receivedAt = new Date(NOW - 9300);
    expect(await logged({ receivedAt })).toBe(9300);
    expect(await logged({ receivedAt, firstSync: false })).toBeUndefined();
  });

  it('dead-letters a record that the CRM refuses, and one that has failed five times', async () => {
    const refused = tools();
    refused.sync.mockRejectedValue(new AppError('CRM_RECORD_REJECTED', 'no'));
    expect(await syncLead(refused.syncTools, reference, signal)).toEqual({ kind: 'dead', code: 'CRM_RECORD_REJECTED' });
    const failed = tools(4);
    failed.sync.mockRejectedValue(new Error('odd'));
    expect(await syncLead(failed.syncTools, reference, signal)).toEqual({ kind: 'dead', code: 'UNEXPECTED' });
    for (const { ledger } of [refused, failed]) {
      expect(ledger.recordFailure).toHaveBeenCalledWith(expect.anything(), expect.anything(), null);
    }
  });

  it.each([
    [1, true],
    [2, true],
    [3, false],
    [4, true],
    [12, false],
  ])('waits out an outage of the CRM without counting it; failure %d is noted: %s', async (failures, noted) => {
    const { syncTools, ledger, sync, flow } = tools(4);
    sync.mockRejectedValue(new AppError('CRM_UNAVAILABLE', 'no'));
    flow.breakers['crm-sync'].attribute.mockReturnValue({ fault: 'downstream', failures });
    expect((await syncLead(syncTools, reference, signal)).kind).toBe('wait');
    const note = [expect.anything(), expect.objectContaining({ shared: true }), expect.any(Date)];
    expect(ledger.recordFailure.mock.calls).toEqual(noted ? [note] : []);
    expect(ledger.release).toHaveBeenCalledTimes(noted ? 0 : 1);
  });

  it('comes back where the failure could not be recorded, and has counted nothing', async () => {
    const { syncTools, ledger, sync } = tools();
    sync.mockRejectedValue(new AppError('CRM_UNAVAILABLE', 'no'));
    ledger.recordFailure.mockRejectedValue(ledgerDown);
    expect((await syncLead(syncTools, reference, signal)).kind).toBe('wait');
  });
});
