import { Global, Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { openCrm } from '../crm/registry.js';
import { STAGES } from '../domain/lead-state.js';
import { ApiUsageRecorder } from '../flow-control/api-usage.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { NoticesRepository } from '../flow-control/notices.repository.js';
import { SharedRateLimiter } from '../flow-control/rate-limiter.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { CLOCK, CONFIG, DATABASE_URL, LOGGER, METRICS, WORK_PROGRESS } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { RoutingService } from '../routing/routing.service.js';
import { ActiveProfile } from '../trials/active-profile.js';
import { TrialScorers } from '../trials/trial-scorers.js';
import { STAGES_IDLE } from '../trials/trials.poller.js';
import { TRIAL_WORKER_PARTS } from '../trials/worker-parts.js';
import { CrashIsolation } from './crash-isolation.js';
import { CrmErasurePoller } from './crm-erasure.poller.js';
import { CrmSyncProcessor } from './crm-sync.processor.js';
import { DeadWorkersPoller } from './dead-workers.poller.js';
import { AI, CRM, HEURISTIC } from './downstreams.js';
import { EnrichmentProcessor } from './enrichment.processor.js';
import { FailureHandler } from './failure-handler.js';
import { LeadOwners } from './lead-owners.js';
import { LivenessWatchdog } from './liveness-watchdog.js';
import { ModelSlots } from './model-slots.js';
import { RescorePoller } from './rescore.poller.js';
import { RescoreProcessor } from './rescore.processor.js';
import { Scorer } from './scorer.js';
import { StageRunner } from './stage-runner.js';
import { Sweeper } from './sweeper.js';
import { WorkerHost } from './worker-host.js';

/** Longer than a worker needs to resume after a store has recovered. */
const STUCK_AT_LEAST_MS = 30_000;
/** EX_SOFTWARE of sysexits; the supervisor starts another process. */
const EX_SOFTWARE = 70;

const DOWNSTREAMS: Provider[] = [
  ...TRIAL_WORKER_PARTS,
  { provide: AI, inject: [TrialScorers], useFactory: (scorers: TrialScorers) => scorers.ai },
  { provide: HEURISTIC, inject: [TrialScorers], useFactory: (scorers: TrialScorers) => scorers.heuristic },
  {
    provide: STAGES_IDLE,
    inject: [ModelSlots, QUEUE_BACKEND],
    useFactory: (slots: ModelSlots, backend: QueueBackend) => async () => {
      const counts = await Promise.all(STAGES.map((stage) => backend.queue(stage).counts()));
      return slots.waiting === 0 && counts.every(({ waiting }) => waiting === 0);
    },
  },
  {
    provide: CRM,
    inject: [CONFIG, DATABASE_URL, FlowControlRepository, NoticesRepository, LOGGER, CLOCK, METRICS],
    useFactory: (
      config: Config,
      databaseUrl: string,
      store: FlowControlRepository,
      notices: NoticesRepository,
      logger: Logger,
      clock: Clock,
      metrics: Metrics,
    ) => {
      const usage = new ApiUsageRecorder(config.CRM_PROVIDER, store, clock);
      return openCrm({
        config,
        databaseUrl,
        clock,
        logger,
        observeApiUsage: (ratio) => {
          metrics.crmApiUsage.set(ratio);
          usage.observe(ratio);
        },
        observeShadow: (outcome) => metrics.crmShadow.inc({ outcome }),
        observeNotice: (kind) => metrics.crmNotices.inc({ kind }),
        // The log has it too: an alert that is lost with the ledger's connection is worth no failure.
        recordNotice: (notice) => void notices.record(notice).catch(() => {}),
        rateLimiter: new SharedRateLimiter(store, 'crm-sync', config.CRM_RATE_LIMIT_PER_SECOND),
      });
    },
  },
];

/** The providers of a worker process, without the downstreams. */
export const WORKER_PROVIDERS: Provider[] = [
  {
    provide: FlowControl,
    inject: [CONFIG, LOGGER, CLOCK, FlowControlRepository],
    useFactory: (config: Config, logger: Logger, clock: Clock, store: FlowControlRepository) =>
      new FlowControl({
        store,
        worker: store.worker,
        concurrency: { enrichment: config.AI_CONCURRENCY, 'crm-sync': config.CRM_CONCURRENCY },
        baseMs: config.RETRY_BASE_MS,
        dailyTokens: config.AI_DAILY_TOKEN_BUDGET,
        clock,
        logger,
      }),
  },
  {
    provide: ModelSlots,
    inject: [FlowControl, FlowControlRepository, CONFIG],
    useFactory: (flow: FlowControl, store: FlowControlRepository, config: Config) => {
      const breaker = flow.breakers.enrichment;
      const slots = new ModelSlots({
        permitted: () => flow.permitted('enrichment'),
        paused: () => breaker.paused,
        enter: () => breaker.enter(),
        rateLimiter: new SharedRateLimiter(store, 'enrichment', config.AI_RATE_LIMIT_PER_SECOND),
      });
      flow.onChange(() => slots.reassign());
      return slots;
    },
  },
  CrashIsolation,
  CrmErasurePoller,
  CrmSyncProcessor,
  DeadWorkersPoller,
  EnrichmentProcessor,
  FailureHandler,
  {
    provide: LeadOwners,
    inject: [RoutingService, ActiveProfile],
    useFactory: (routing: RoutingService, profile: ActiveProfile) => new LeadOwners(routing, profile),
  },
  RescorePoller,
  RescoreProcessor,
  Scorer,
  StageRunner,
  Sweeper,
  WorkerHost,
];

@Global()
@Module({
  exports: [CRM, WORK_PROGRESS, Sweeper],
  providers: [
    ...DOWNSTREAMS,
    ...WORKER_PROVIDERS,
    {
      provide: LivenessWatchdog,
      inject: [CONFIG, LOGGER, CLOCK, Database, QUEUE_BACKEND, FlowControl, WorkerHost, Scorer],
      useFactory: (
        config: Config,
        logger: Logger,
        clock: Clock,
        database: Database,
        backend: QueueBackend,
        flow: FlowControl,
        workers: WorkerHost,
        scorer: Scorer,
      ) =>
        new LivenessWatchdog({
          progressOf: (stage) => workers.progressOf(stage),
          waiting: async (stage) => (await backend.queue(stage).counts()).waiting,
          pingLedger: () => database.ping(),
          blocked: (stage) => flow.breakers[stage].paused || flow.breakers[stage].isOpen,
          stuckAfterMs: Math.max(config.LEASE_MS, STUCK_AT_LEAST_MS) + scorer.timeoutMs,
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
    private readonly sweeper: Sweeper,
    @Inject(CRM) private readonly crm: CrmProvider,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.workers.start();
    for (const part of [this.watch, this.erasures, this.deadWorkers, this.sweeper]) part.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.crm.flush?.();
    await Promise.all([this.workers, this.watch, this.erasures, this.deadWorkers, this.sweeper].map((part) => part.stop()));
    await this.crm.close();
  }
}

/** Exits without an orderly stop, which could hang as well. The ledger has every lead. */
function endStuckProcess(logger: Logger): void {
  logger.flush();
  setTimeout(() => process.exit(EX_SOFTWARE), 200);
}
