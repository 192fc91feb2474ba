import { Test } from '@nestjs/testing';
import { pino } from 'pino';
import type { CrmProvider, PersonProjection } from '../../src/crm/port.js';
import { HeuristicProvider } from '../../src/enrichment/heuristic/heuristic.provider.js';
import type { EnrichmentProvider } from '../../src/enrichment/port.js';
import { FlowControl } from '../../src/flow-control/flow-control.js';
import { FlowControlRepository } from '../../src/flow-control/flow-control.repository.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { AI, CRM, HEURISTIC } from '../../src/pipeline/downstreams.js';
import { DeadWorkersPoller } from '../../src/pipeline/dead-workers.poller.js';
import { WORKER_PROVIDERS } from '../../src/pipeline/pipeline.module.js';
import { RescorePoller } from '../../src/pipeline/rescore.poller.js';
import { WorkerHost } from '../../src/pipeline/worker-host.js';
import { systemClock } from '../../src/platform/clock.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { CLOCK, CONFIG, LOGGER, METRICS } from '../../src/platform/platform.module.js';
import { QUEUE_BACKEND } from '../../src/queue/queue.module.js';
import { CalibrationService } from '../../src/outcomes/calibration.service.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { RoutingService } from '../../src/routing/routing.service.js';
import { JobPublisher } from '../../src/queue/job-publisher.js';
import { bandOf, loadRules } from '../../src/enrichment/score-by-rules.js';
import { ActiveProfile } from '../../src/trials/active-profile.js';
import { TrialArms } from '../../src/trials/trial-arms.js';
import { openQueueBackend } from '../../src/queue/queue.module.js';
import { Sweeper } from '../../src/pipeline/sweeper.js';
import { freshDatabase, freshRedis } from './database.js';
import { ledgerOn } from './ledger.js';

export interface WorldOptions {
  kind: 'redis' | 'postgres';
  crm?: CrmProvider['sync'];
  /** Of a CRM that shares calls. */
  expectMore?: CrmProvider['expectMore'];
  scorer?: EnrichmentProvider;
  env?: Record<string, string>;
  /** False: leads keep their fallback score, for a test that reads it. */
  rescoring?: boolean;
  /** Absent: owners are left to the CRM. */
  routing?: (pool: Pool) => RoutingService;
}

/**
 * The whole pipeline on real stores, with downstreams that a test controls. `close` stops everything in reverse order.
 * `startWorker` adds a worker with the parts of one process.
 */
export async function pipelineWorld({ kind, crm, expectMore, scorer, env = {}, rescoring = true, routing }: WorldOptions) {
  const undo: (() => Promise<unknown>)[] = [];
  const config = loadConfig(
    { RETRY_BASE_MS: '20', LEASE_MS: '3000', ...env },
    { aiProviders: ['heuristic'], crmProviders: ['postgres'] },
  );
  const logger = pino({ level: 'silent' });
  const database = await freshDatabase();
  undo.push(() => database.drop());
  const redis = kind === 'redis' ? await freshRedis() : null;
  const pool = openPool({ url: database.url, max: 10, timeoutMs: 5000, name: 'test' });
  undo.push(() => pool.end());
  const backend = await openQueueBackend(config, { databaseUrl: database.url, redisUrl: redis?.url ?? null }, logger);
  undo.push(() => backend.close());
  const publisher = new JobPublisher(backend, logger);
  undo.push(() => publisher.stop());
  const ledgerOf = (worker: string) => ledgerOn(pool, { worker });
  const ledger = ledgerOf('ingress');
  const metrics = createMetrics();
  const heuristic = new HeuristicProvider();
  const store = new FlowControlRepository(ledger.database, 'ingress');
  const { leaderLock, openLeads, retention } = ledger;
  const settings = { SWEEP_INTERVAL_MS: 200, RETENTION_DAYS: undefined };
  const sweeper = new Sweeper(leaderLock, openLeads, retention, store, backend, settings, metrics, logger);

  return {
    config,
    databaseUrl: database.url,
    pool,
    ledger,
    backend,
    publisher,
    metrics,
    sweeper,
    ledgerOf,
    async startWorker(name = 'worker-1') {
      const store = new FlowControlRepository(ledger.database, name);
      const flow = new FlowControl({
        store,
        worker: name,
        concurrency: { enrichment: config.AI_CONCURRENCY, 'crm-sync': config.CRM_CONCURRENCY },
        baseMs: config.RETRY_BASE_MS,
        clock: systemClock,
        logger,
        dailyTokens: config.AI_DAILY_TOKEN_BUDGET,
        tickMs: 50,
      });
      const provider: CrmProvider = {
        name: 'test',
        sync: crm ?? (async () => ({ provider: 'test', leadId: 'l', memberId: 'm' })),
        ping: async () => {},
        close: async () => {},
        ...(expectMore ? { expectMore } : {}),
      };
      const values = new Map<unknown, unknown>([
        [CONFIG, config],
        [LOGGER, logger],
        [CLOCK, systemClock],
        [METRICS, metrics],
        [QUEUE_BACKEND, backend],
        [CalibrationService, { withProbability: async (projection: PersonProjection) => projection }],
        [JobPublisher, publisher],
        [RoutingService, routing?.(pool) ?? { isOn: false }],
        [FlowControlRepository, store],
        [AI, scorer ?? heuristic],
        [HEURISTIC, heuristic],
        [CRM, provider],
        [TrialArms, { concerns: () => false, score: async () => null, marked: (_: object, scored: object) => scored }],
        [
          ActiveProfile,
          { bandOf: async (fitScore: number) => ({ band: bandOf(fitScore, await loadRules(undefined)), profile: 'test' }) },
        ],
        ...Object.values(ledgerOf(name)).map((repository) => [repository.constructor, repository] as const),
      ]);
      const module = Test.createTestingModule({
        providers: [...[...values].map(([provide, useValue]) => ({ provide: provide as symbol, useValue })), ...WORKER_PROVIDERS],
      })
        .overrideProvider(FlowControl)
        .useValue(flow);
      if (!rescoring) module.overrideProvider(RescorePoller).useValue({ start: () => {}, stop: async () => {} });
      const parts = await module.compile();
      const workers = parts.get(WorkerHost);
      await workers.start();
      undo.push(() => workers.stop());
      const deadWorkers = parts.get(DeadWorkersPoller);
      deadWorkers.start();
      undo.push(() => deadWorkers.stop());
      return { flow, store, workers };
    },
    /** Commits leads and enqueues them, as the ingress does. */
    async accept(
      count: number,
      contentOf: (index: number) => { name?: string; attributes?: Record<string, string> } = () => ({}),
      { publish = true } = {},
    ) {
      const accepted = await Promise.all(
        Array.from({ length: count }, (_, index) => {
          const email = `p${index}@acme.com`;
          const { name = null, attributes = {} } = contentOf(index);
          const key = { id: leadIdOf(email, 'c'), personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'c' };
          return ledger.intake.accept({ ...key, name, attributes });
        }),
      );
      for (const { leadId, epoch, jobId } of publish ? accepted : []) publisher.publish('enrichment', { leadId, epoch, jobId });
      return accepted.map(({ leadId }) => leadId);
    },
    async states(): Promise<Record<string, number>> {
      const { rows } = await pool.query<{ state: string; count: number }>(
        'SELECT state, count(*)::int AS count FROM ledger.leads GROUP BY state',
      );
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    },
    async close() {
      for (const step of undo.splice(0).toReversed()) await step();
    },
  };
}

export type PipelineWorld = Awaited<ReturnType<typeof pipelineWorld>>;
