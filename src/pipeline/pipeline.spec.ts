import { Test } from '@nestjs/testing';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import { ClaimsRepository, type ClaimedLead, type LeadClaimedForSync } from '../ledger/claims.repository.js';
import { ErasuresRepository } from '../ledger/erasures.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import { OpenLeadsRepository } from '../ledger/open-leads.repository.js';
import { RescoreRepository } from '../ledger/rescore.repository.js';
import { RetentionRepository } from '../ledger/retention.repository.js';
import { StageResultsRepository } from '../ledger/stage-results.repository.js';
import { RoutingService } from '../routing/routing.service.js';
import { ActiveProfile } from '../trials/active-profile.js';
import { TrialArms } from '../trials/trial-arms.js';
import { CalibrationService } from '../outcomes/calibration.service.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { loadConfig } from '../platform/config/config.js';
import { CLOCK, CONFIG, LOGGER, METRICS } from '../platform/platform.module.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { AI, CRM, HEURISTIC } from './downstreams.js';
import { WORKER_PROVIDERS } from './pipeline.module.js';
import { RescorePoller } from './rescore.poller.js';
import { StageRunner } from './stage-runner.js';
import { createMetrics } from '../platform/observability/metrics.js';
import type { CircuitBreaker } from '../flow-control/circuit-breaker.js';
import { CrashIsolation } from './crash-isolation.js';
import { EnrichmentProcessor } from './enrichment.processor.js';
import { CrmSyncProcessor } from './crm-sync.processor.js';

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
    suspectedCrashes: 0,
    confirmedCrashes: 0,
    lowPriority: false,
    projection: { lead: content, enrichment, version: 1 },
  };
}

function fakeBreaker(attempts: number) {
  const permit = {
    probe: false,
    succeeded: vi.fn(),
    failed: vi.fn(async () => false),
    cancelled: vi.fn(),
  };
  return {
    permit,
    admits: true,
    enter: vi.fn(() => permit),
    attribute: vi.fn<CircuitBreaker['attribute']>(() => ({ fault: 'lead', failures: attempts + 1 })),
    open: vi.fn(async () => true),
    lastSuccessAt: 0,
    lastAnswerAt: 0,
    isOpen: false,
    paused: false,
    reason: null,
  };
}

/**
 * The processors as the module creates them, with a fake ledger, fake breakers and downstreams that a test controls.
 */
async function pipeline(attempts = 0) {
  const claims = {
    claimForEnrichment: vi.fn(async () => claim(attempts)),
    claimForSync: vi.fn(async () => claim(attempts)),
    release: vi.fn(async () => {}),
    markExecuting: vi.fn(async () => {}),
    markWaiting: vi.fn(async () => {}),
    markExclusive: vi.fn(async () => {}),
  };
  const results = {
    checkpoint: vi.fn(async () => ({ ...reference, jobId: 'next' })),
    recordRetry: vi.fn(async () => ({ ...reference, epoch: 2, jobId: 'later' })),
    markSynced: vi.fn(async () => {}),
    recordFailure: vi.fn(async () => {}),
    refundAttempts: vi.fn(async () => 0),
    countDeadWith: vi.fn(async () => 0),
  };
  const breakers = { enrichment: fakeBreaker(attempts), 'crm-sync': fakeBreaker(attempts) };
  const flow = { breakers, onChange: vi.fn(), permitted: () => 10, share: () => 10, budgetSpent: false, spend: vi.fn() };
  const publisher = { publish: vi.fn() };
  const rescores = {
    claimForRescore: vi.fn(async (): Promise<unknown[]> => []),
    recordRescoreFailure: vi.fn(async () => {}),
    returnRescore: vi.fn(async () => {}),
    checkpointRescore: vi.fn(async () => {}),
  };
  const score = vi.fn(async () => enrichment);
  const sync = vi.fn(async () => ({ provider: 'postgres', leadId: 'l', memberId: 'm' }));
  const arms = {
    concerns: vi.fn(() => false),
    score: vi.fn(async (): Promise<Enrichment | null> => null),
    marked: (_: object, scored: object) => scored,
  };
  const rank = vi.fn(async () => enrichment);
  const logger = pino({ level: 'silent' });
  const config = {
    ...loadConfig({ AI_TIMEOUT_MS: '100' }, { aiProviders: ['heuristic'], crmProviders: ['postgres'] }),
    AI_DEADLINE_SECONDS: 120,
    SPEED_TO_LEAD_SLA_SECONDS: 300,
  };
  const values: [unknown, unknown][] = [
    [CONFIG, config],
    [CLOCK, { now: () => NOW }],
    [LOGGER, logger],
    [METRICS, createMetrics()],
    [QUEUE_BACKEND, { queue: () => ({ counts: async () => ({ waiting: 0 }) }) }],
    [AI, { name: 'test', score }],
    [HEURISTIC, { name: 'heuristic', local: true, score: rank }],
    [CRM, { name: 'test', sync }],
    [JobPublisher, publisher],
    [FlowControlRepository, { reserve: async () => ({ inMs: 0, everyMs: 0 }) }],
    [ClaimsRepository, claims],
    [StageResultsRepository, results],
    [ErasuresRepository, { eraseAgainIfGone: async () => false }],
    [RoutingService, { isOn: false }],
    [ActiveProfile, {}],
    [TrialArms, arms],
    [CalibrationService, { withProbability: async (projection: object) => ({ ...projection, probability: 0.4 }) }],
    [RescoreRepository, rescores],
    ...[LeadsRepository, LeaderLock, OpenLeadsRepository, RetentionRepository].map((repository): [unknown, unknown] => [
      repository,
      {},
    ]),
  ];
  const module = await Test.createTestingModule({
    providers: [...values.map(([provide, useValue]) => ({ provide: provide as symbol, useValue })), ...WORKER_PROVIDERS],
  })
    .overrideProvider(FlowControl)
    .useValue(flow)
    .compile();
  const runner = module.get(StageRunner);
  const enrich = runner.handlerOf(module.get(EnrichmentProcessor));
  const syncLead = runner.handlerOf(module.get(CrmSyncProcessor));
  return {
    rescores,
    poller: module.get(RescorePoller),
    claims,
    results,
    breakers,
    publisher,
    score,
    sync,
    logger,
    arms,
    rank,
    isolation: module.get(CrashIsolation),
    enrichLead: (stop = signal) => enrich(reference, stop),
    syncLead: () => syncLead(reference, signal),
  };
}

const unavailable = new AppError('AI_UNAVAILABLE', 'no answer');
const stale = new AppError('STALE_RUN', 'late');
const ledgerDown = new AppError('LEDGER_UNAVAILABLE', 'no answer');

describe('enrichLead', () => {
  it('stores the score and enqueues the next stage', async () => {
    const { enrichLead, results, publisher } = await pipeline();
    expect(await enrichLead()).toEqual({ kind: 'done' });
    expect(results.checkpoint).toHaveBeenCalledWith(expect.objectContaining({ fence: '7' }), enrichment);
    expect(publisher.publish).toHaveBeenCalledWith('crm-sync', { ...reference, jobId: 'next', since: NOW });
  });

  it('does nothing where the job is outdated', async () => {
    const { enrichLead, claims, score } = await pipeline();
    claims.claimForEnrichment.mockResolvedValue(null as never);
    expect(await enrichLead()).toEqual({ kind: 'done' });
    expect(score).not.toHaveBeenCalled();
  });

  it('records a failed attempt and comes back after the backoff', async () => {
    const { enrichLead, results, score, publisher } = await pipeline(1);
    score.mockRejectedValue(unavailable);
    expect(await enrichLead()).toEqual({ kind: 'retry', delayMs: 4000, code: 'AI_UNAVAILABLE' });
    expect(results.recordRetry).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ code: 'AI_UNAVAILABLE', stage: 'enrichment' }),
      new Date(NOW + 4000),
    );
    const later = { ...reference, epoch: 2, jobId: 'later', since: NOW, dueAt: NOW + 4000 };
    expect(publisher.publish.mock.calls).toEqual([['enrichment', later]]);
  });

  it('continues with fit score 50 after the last attempt, flagged for a re-score', async () => {
    const { enrichLead, results, score, publisher } = await pipeline(4);
    score.mockRejectedValue(unavailable);
    expect(await enrichLead()).toEqual({ kind: 'done' });
    expect(results.checkpoint).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ fitScore: 50, scoreSource: 'fallback', needsRescore: true, flags: ['fallback:AI_UNAVAILABLE'] }),
    );
    expect(publisher.publish).toHaveBeenCalledOnce();
  });

  it('ends a scoring that takes too long', async () => {
    const { enrichLead, score } = await pipeline();
    score.mockImplementation((...args: unknown[]) => {
      const abort = args[1] as AbortSignal;
      return new Promise((_, reject) => abort.addEventListener('abort', () => reject(abort.reason as Error)));
    });
    expect(await enrichLead()).toMatchObject({ kind: 'retry', code: 'AI_TIMEOUT' });
  });

  it('returns the lead of a call that a stop ends: neither the lead nor the model has failed', async () => {
    const { enrichLead, score, results, claims, breakers } = await pipeline();
    const stop = new AbortController();
    score.mockImplementation(async () => {
      stop.abort();
      throw unavailable;
    });
    expect(await enrichLead(stop.signal)).toEqual({ kind: 'wait', delayMs: 0 });
    expect(claims.release).toHaveBeenCalledOnce();
    expect(results.recordRetry).not.toHaveBeenCalled();
    expect(breakers.enrichment.permit.failed).not.toHaveBeenCalled();
    expect(breakers.enrichment.permit.cancelled).toHaveBeenCalledOnce();
  });

  it('writes and enqueues nothing when a newer run has claimed the lead', async () => {
    const { enrichLead, results, publisher } = await pipeline();
    results.checkpoint.mockRejectedValue(stale);
    expect(await enrichLead()).toEqual({ kind: 'done' });
    expect(results.recordRetry).not.toHaveBeenCalled();
    expect(publisher.publish).not.toHaveBeenCalled();
  });

  it('waits without counting while the ledger does not answer, before the claim and after the score', async () => {
    const before = await pipeline();
    before.claims.claimForEnrichment.mockRejectedValue(ledgerDown);
    expect((await before.enrichLead()).kind).toBe('wait');
    const after = await pipeline();
    after.results.checkpoint.mockRejectedValue(ledgerDown);
    expect((await after.enrichLead()).kind).toBe('wait');
    expect(after.results.recordRetry).not.toHaveBeenCalled();
  });

  it('keeps a foreign error message out of the ledger', async () => {
    const { enrichLead, results, score } = await pipeline();
    score.mockRejectedValue(new Error('cannot parse "ann@acme.com"'));
    await enrichLead();
    expect(JSON.stringify(results.recordRetry.mock.calls)).toContain('UNEXPECTED');
    expect(JSON.stringify(results.recordRetry.mock.calls[0]!.slice(1))).not.toContain('ann@acme.com');
  });
});

describe('a lead of a challenge', () => {
  /** Whether a crash is attributed to the lead, at each step. */
  async function challenged() {
    const world = await pipeline();
    const steps: [string, boolean][] = [];
    let executing = false;
    world.claims.markExecuting.mockImplementation(async () => void (executing = true));
    world.claims.markWaiting.mockImplementation(async () => void (executing = false));
    world.arms.concerns.mockReturnValue(true);
    const step = (name: string, mock: { mockImplementation(work: () => Promise<unknown>): unknown }, result: unknown) =>
      mock.mockImplementation(async () => (steps.push([name, executing]), result));
    step('challenger', world.arms.score, null);
    step('wait for a slot', world.rank, enrichment);
    step('champion', world.score, enrichment);
    return { ...world, steps };
  }

  it('is suspected while a scorer runs, and not while it waits for the champion', async () => {
    const { enrichLead, steps, results } = await challenged();
    expect(await enrichLead()).toEqual({ kind: 'done' });
    expect(steps).toEqual([
      ['challenger', true],
      ['wait for a slot', false],
      ['champion', true],
    ]);
    expect(results.checkpoint).toHaveBeenCalledOnce();
  });

  it('is not challenged while another lead runs exclusively, to which a crash would be attributed', async () => {
    const { enrichLead, steps, claims, isolation } = await challenged();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    claims.claimForEnrichment.mockImplementation(async () => {
      void isolation.run(Infinity, () => held);
      return claim();
    });
    const outcome = enrichLead();
    await new Promise(setImmediate);
    expect(steps).toEqual([]);
    release();
    expect(await outcome).toEqual({ kind: 'done' });
    expect(steps[0]).toEqual(['challenger', true]);
  });
});

describe('syncLead', () => {
  it('writes the projection and marks the lead', async () => {
    const { syncLead, results, sync } = await pipeline();
    expect(await syncLead()).toEqual({ kind: 'done' });
    const projection = expect.objectContaining({ version: 1, probability: 0.4 }) as unknown;
    expect(sync).toHaveBeenCalledWith(expect.objectContaining({ personKey: 'p', campaignId: 'c', projection }), signal);
    expect(results.markSynced).toHaveBeenCalledOnce();
  });

  it('logs the speed to lead from the receipt of the first revision, and for the first arrival only', async () => {
    const logged = async (own: Partial<LeadClaimedForSync>) => {
      const { syncLead, claims, logger } = await pipeline();
      claims.claimForSync.mockResolvedValue({ ...claim(), ...own });
      const info = vi.spyOn(logger, 'info');
      await syncLead();
      return (info.mock.calls[0]![0] as { speedToLeadMs?: number }).speedToLeadMs;
    };
    const receivedAt = new Date(NOW - 9300);
    expect(await logged({ receivedAt })).toBe(9300);
    expect(await logged({ receivedAt, firstSync: false })).toBeUndefined();
  });

  it('dead-letters a record that the CRM refuses, and one that has failed five times', async () => {
    const refused = await pipeline();
    refused.sync.mockRejectedValue(new AppError('CRM_RECORD_REJECTED', 'no'));
    expect(await refused.syncLead()).toEqual({ kind: 'dead', code: 'CRM_RECORD_REJECTED' });
    const failed = await pipeline(4);
    failed.sync.mockRejectedValue(new Error('odd'));
    expect(await failed.syncLead()).toEqual({ kind: 'dead', code: 'UNEXPECTED' });
    for (const { results } of [refused, failed]) {
      expect(results.recordFailure).toHaveBeenCalledWith(expect.anything(), expect.anything(), null);
    }
  });

  it.each([
    [1, true],
    [2, true],
    [3, false],
    [4, true],
    [12, false],
  ])('waits out an outage of the CRM without counting it; failure %d is noted: %s', async (failures, noted) => {
    const { syncLead, claims, results, sync, breakers } = await pipeline(4);
    sync.mockRejectedValue(new AppError('CRM_UNAVAILABLE', 'no'));
    breakers['crm-sync'].attribute.mockReturnValue({ fault: 'downstream', failures });
    expect((await syncLead()).kind).toBe('wait');
    const note = [expect.anything(), expect.objectContaining({ shared: true }), expect.any(Date)];
    expect(results.recordFailure.mock.calls).toEqual(noted ? [note] : []);
    expect(claims.release).toHaveBeenCalledTimes(noted ? 0 : 1);
  });

  it('comes back where the failure could not be recorded, and has counted nothing', async () => {
    const { syncLead, results, sync } = await pipeline();
    sync.mockRejectedValue(new AppError('CRM_UNAVAILABLE', 'no'));
    results.recordRetry.mockRejectedValue(ledgerDown);
    expect((await syncLead()).kind).toBe('wait');
  });
});

describe('RescorePoller', () => {
  it('scores a lead with a fallback score again while no fresh lead waits, and postpones it where that fails', async () => {
    const { poller, rescores, score } = await pipeline();
    score.mockRejectedValue(new AppError('AI_REFUSED', 'no'));
    rescores.claimForRescore.mockResolvedValueOnce([{ ...claim(1), crmOwed: false }]);
    poller.start();
    await vi.waitFor(() => expect(rescores.recordRescoreFailure).toHaveBeenCalled());
    await poller.stop();
    const [, error, dueAt] = rescores.recordRescoreFailure.mock.calls[0] as unknown[];
    expect(error).toMatchObject({ code: 'AI_REFUSED', stage: 'enrichment' });
    expect(dueAt).toEqual(new Date(NOW + 32_000));
  });
});
