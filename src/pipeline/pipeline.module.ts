import { Global, Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { openCrm } from '../crm/registry.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import { AI_PROVIDERS, openScorer, scoringTimeoutMs } from '../enrichment/registry.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { SharedRateLimiter } from '../flow-control/rate-limiter.js';
import { ClaimsRepository } from '../ledger/claims.repository.js';
import { ErasuresRepository } from '../ledger/erasures.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import { RescoreRepository } from '../ledger/rescore.repository.js';
import { StageResultsRepository } from '../ledger/stage-results.repository.js';
import { OpenLeadsRepository } from '../ledger/open-leads.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { Database } from '../platform/database/database.js';
import { CLOCK, CONFIG, DATABASE_URL, LOGGER, METRICS, WORK_PROGRESS } from '../platform/platform.module.js';
import { WORKER_ID } from '../platform/worker-id.js';
import { JobPublisher } from '../queue/job-publisher.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { createWork } from './create-processors.js';
import { CrmErasurePoller } from './crm-erasure.poller.js';
import { DeadWorkersPoller } from './dead-workers.poller.js';
import { LivenessWatchdog } from './liveness-watchdog.js';
import { WorkerHost } from './worker-host.js';

const AI = Symbol('EnrichmentProvider');
const HEURISTIC = Symbol('Heuristic');
const CRM = Symbol('CrmProvider');
/** A worker may take its time to come back after a store did. */
const STUCK_AT_LEAST_MS = 30_000;
/** sysexits' EX_SOFTWARE: the supervisor starts another. */
const EX_SOFTWARE = 70;

@Global()
@Module({
  exports: [WORK_PROGRESS],
  providers: [
    { provide: AI, inject: [CONFIG], useFactory: openScorer },
    { provide: HEURISTIC, inject: [CONFIG], useFactory: (config: Config) => AI_PROVIDERS['heuristic']!(config) },
    {
      provide: CRM,
      inject: [CONFIG, DATABASE_URL, FlowControlRepository, LOGGER, CLOCK, METRICS],
      useFactory: (
        config: Config,
        databaseUrl: string,
        store: FlowControlRepository,
        logger: Logger,
        clock: Clock,
        metrics: Metrics,
      ) =>
        openCrm({
          config,
          databaseUrl,
          clock,
          logger,
          observeApiUsage: (ratio) => metrics.crmApiUsage.set(ratio),
          observeShadow: (outcome) => metrics.crmShadow.inc({ outcome }),
          rateLimiter: new SharedRateLimiter(store, 'crm-sync', config.CRM_RATE_LIMIT_PER_SECOND),
        }),
    },
    {
      provide: FlowControl,
      inject: [CONFIG, LOGGER, CLOCK, FlowControlRepository],
      useFactory: (config: Config, logger: Logger, clock: Clock, store: FlowControlRepository) =>
        new FlowControl({
          store,
          worker: WORKER_ID,
          concurrency: { enrichment: config.AI_CONCURRENCY, 'crm-sync': config.CRM_CONCURRENCY },
          baseMs: config.RETRY_BASE_MS,
          dailyTokens: config.AI_DAILY_TOKEN_BUDGET,
          clock,
          logger,
        }),
    },
    {
      provide: WorkerHost,
      inject: [
        CONFIG,
        LOGGER,
        METRICS,
        CLOCK,
        ClaimsRepository,
        StageResultsRepository,
        RescoreRepository,
        LeadsRepository,
        ErasuresRepository,
        JobPublisher,
        QUEUE_BACKEND,
        FlowControlRepository,
        FlowControl,
        AI,
        HEURISTIC,
        CRM,
      ],
      useFactory: (
        config: Config,
        logger: Logger,
        metrics: Metrics,
        clock: Clock,
        claims: ClaimsRepository,
        results: StageResultsRepository,
        rescores: RescoreRepository,
        leads: LeadsRepository,
        erasures: ErasuresRepository,
        publisher: JobPublisher,
        backend: QueueBackend,
        store: FlowControlRepository,
        flow: FlowControl,
        scorer: EnrichmentProvider,
        heuristic: EnrichmentProvider,
        crm: CrmProvider,
      ) => {
        const rateLimiter = new SharedRateLimiter(store, 'enrichment', config.AI_RATE_LIMIT_PER_SECOND);
        const tools = {
          config,
          scoringTimeoutMs: scoringTimeoutMs(config),
          claims,
          results,
          rescores,
          leads,
          erasures,
          publisher,
          backend,
          flow,
          rateLimiter,
          clock,
          logger,
          metrics,
        };
        const work = createWork(tools, { scorer, heuristic, crm });
        return new WorkerHost({ backend, flow, ...work, localScorer: scorer.local === true, config, logger });
      },
    },
    {
      provide: CrmErasurePoller,
      inject: [CONFIG, LOGGER, LeaderLock, ErasuresRepository, JobPublisher, AI, CRM],
      useFactory: (
        config: Config,
        logger: Logger,
        leaderLock: LeaderLock,
        erasures: ErasuresRepository,
        publisher: JobPublisher,
        scorer: EnrichmentProvider,
        crm: CrmProvider,
      ) => new CrmErasurePoller({ leaderLock, erasures, crm, scorer, publisher, logger, baseMs: config.RETRY_BASE_MS }),
    },
    {
      provide: DeadWorkersPoller,
      inject: [FlowControlRepository, OpenLeadsRepository, QUEUE_BACKEND, LOGGER],
      useFactory: (flow: FlowControlRepository, openLeads: OpenLeadsRepository, backend: QueueBackend, logger: Logger) =>
        new DeadWorkersPoller({ flow, openLeads, backend, logger }),
    },
    {
      provide: LivenessWatchdog,
      inject: [CONFIG, LOGGER, CLOCK, Database, QUEUE_BACKEND, FlowControl, WorkerHost],
      useFactory: (
        config: Config,
        logger: Logger,
        clock: Clock,
        database: Database,
        backend: QueueBackend,
        flow: FlowControl,
        workers: WorkerHost,
      ) =>
        new LivenessWatchdog({
          progressOf: (stage) => workers.progressOf(stage),
          waiting: async (stage) => (await backend.queue(stage).counts()).waiting,
          pingLedger: () => database.ping(),
          heldBack: (stage) => flow.breakers[stage].paused || flow.breakers[stage].open,
          stuckAfterMs: Math.max(config.LEASE_MS, STUCK_AT_LEAST_MS) + scoringTimeoutMs(config),
          onStuck: () => endStuckProcess(logger),
          clock,
          logger,
        }),
    },
    { provide: WORK_PROGRESS, inject: [LivenessWatchdog], useFactory: (watch: LivenessWatchdog) => () => watch.moving },
  ],
})
export class PipelineModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly workers: WorkerHost,
    private readonly watch: LivenessWatchdog,
    private readonly erasures: CrmErasurePoller,
    private readonly deadWorkers: DeadWorkersPoller,
    @Inject(CRM) private readonly crm: CrmProvider,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.workers.start();
    this.watch.start();
    this.erasures.start();
    this.deadWorkers.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.watch.stop();
    this.crm.flush?.();
    await Promise.all([this.workers.stop(), this.erasures.stop(), this.deadWorkers.stop()]);
    await this.crm.close();
  }
}

/** No orderly stop: what hangs would hang it too, and the ledger has every lead. */
function endStuckProcess(logger: Logger): void {
  logger.flush();
  setTimeout(() => process.exit(EX_SOFTWARE), 200);
}
