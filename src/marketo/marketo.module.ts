import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { MarketoCallsRepository } from '../ledger/marketo-calls.repository.js';
import { MarketoErasuresRepository } from '../ledger/marketo-erasures.repository.js';
import { MarketoExtractsRepository } from '../ledger/marketo-extracts.repository.js';
import { MarketoIdentitiesRepository } from '../ledger/marketo-identities.repository.js';
import { MarketoRepairsRepository } from '../ledger/marketo-repairs.repository.js';
import { MarketoRunsRepository } from '../ledger/marketo-runs.repository.js';
import { MarketoStagesRepository, type MarketoStage } from '../ledger/marketo-stages.repository.js';
import { MarketoUpdatesRepository } from '../ledger/marketo-updates.repository.js';
import { CalibrationService } from '../outcomes/calibration.service.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import { WORKER_ID } from '../platform/worker-id.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { CallLimiter } from './client/call-limiter.js';
import { MarketoApi } from './client/marketo-api.js';
import { credentialsOf, MarketoClient } from './client/marketo-client.js';
import { loadFieldMap, type FieldMap } from './field-map.js';
import { MarketoBreaker } from './marketo-breaker.js';
import { acceptRepair } from './reconciliation/accept-repair.js';
import { ReconciliationPoller } from './reconciliation/reconciliation.poller.js';
import { ApiQuota } from './api-quota.js';
import { WriteBackPoller, type WriteBackOptions } from './write-back/write-back.poller.js';

/** Longer than the longest call of each task with its waits. */
const LEASE_MS: Record<MarketoStage, number> = { 'marketo-sync': 180_000, 'marketo-reconciliation': 400_000 };
const MARKETO = Symbol('Marketo client');
const FIELD_MAP = Symbol('Marketo field map');

const breakerFor = (stage: MarketoStage, stages: MarketoStagesRepository, config: Config, logger: Logger) =>
  new MarketoBreaker({ stage, stages, worker: WORKER_ID, leaseMs: LEASE_MS[stage], baseMs: config.RETRY_BASE_MS, logger });

const PROVIDERS: Provider[] = [
  {
    provide: MARKETO,
    inject: [CONFIG, MarketoStagesRepository],
    // All processes share the rate.
    useFactory: (config: Config, stages: MarketoStagesRepository) =>
      new MarketoClient({
        ...credentialsOf(config),
        rateLimiter: new CallLimiter(stages, config.MARKETO_CALLS_PER_20_SECONDS),
        now: Date.now,
      }),
  },
  {
    provide: ApiQuota,
    inject: [CONFIG, LOGGER, MarketoStagesRepository],
    useFactory: (config: Config, logger: Logger, stages: MarketoStagesRepository) =>
      new ApiQuota({
        dailyCalls: config.MARKETO_DAILY_CALLS,
        stopPercent: config.MARKETO_STOP_PERCENT,
        record: (reading) => stages.recordQuota(reading),
        now: Date.now,
        logger,
      }),
  },
  { provide: FIELD_MAP, inject: [CONFIG], useFactory: (config: Config) => loadFieldMap(config.MARKETO_FIELD_MAP) },
  {
    provide: WriteBackPoller,
    inject: [
      MARKETO,
      ApiQuota,
      FIELD_MAP,
      CONFIG,
      LOGGER,
      MarketoStagesRepository,
      MarketoUpdatesRepository,
      MarketoIdentitiesRepository,
      MarketoErasuresRepository,
      CalibrationService,
    ],
    useFactory: (
      client: MarketoClient,
      quota: ApiQuota,
      fieldMap: FieldMap,
      config: Config,
      logger: Logger,
      stages: MarketoStagesRepository,
      updates: MarketoUpdatesRepository,
      identities: MarketoIdentitiesRepository,
      erasures: MarketoErasuresRepository,
      calibrations: CalibrationService,
    ) => {
      const breaker = breakerFor('marketo-sync', stages, config, logger);
      const parts = { api: new MarketoApi(client), breaker, quota, updates, identities, erasures, fieldMap, logger };
      const withProbability: WriteBackOptions['withProbability'] = (projection) => calibrations.withProbability(projection);
      return new WriteBackPoller({ ...parts, withProbability, erase: config.MARKETO_ERASE, now: Date.now });
    },
  },
  {
    provide: ReconciliationPoller,
    inject: [
      MARKETO,
      ApiQuota,
      FIELD_MAP,
      CONFIG,
      LOGGER,
      MarketoStagesRepository,
      MarketoRunsRepository,
      MarketoExtractsRepository,
      MarketoCallsRepository,
      MarketoIdentitiesRepository,
      MarketoRepairsRepository,
      JobPublisher,
    ],
    useFactory: (
      client: MarketoClient,
      quota: ApiQuota,
      fieldMap: FieldMap,
      config: Config,
      logger: Logger,
      stages: MarketoStagesRepository,
      runs: MarketoRunsRepository,
      extracts: MarketoExtractsRepository,
      calls: MarketoCallsRepository,
      identities: MarketoIdentitiesRepository,
      repairs: MarketoRepairsRepository,
      publisher: JobPublisher,
    ) => {
      if (config.MARKETO_WEBHOOK === undefined) return null;
      return new ReconciliationPoller({
        api: new MarketoApi(client),
        breaker: breakerFor('marketo-reconciliation', stages, config, logger),
        quota,
        runs,
        extracts,
        calls,
        identities,
        fieldMap,
        webhook: config.MARKETO_WEBHOOK,
        mode: config.MARKETO_RECONCILE,
        extract: config.MARKETO_EXTRACT === 'nightly',
        baseMs: config.RETRY_BASE_MS,
        repairLimit: config.MARKETO_REPAIR_LIMIT,
        accept: (input, call) => acceptRepair({ repairs, publisher }, input, call),
        now: Date.now,
        logger,
      });
    },
  },
];

/** What a worker does with Marketo. Loaded only where MARKETO_BASE_URL is set. */
@Module({ providers: PROVIDERS })
export class MarketoModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly writeBack: WriteBackPoller,
    @Inject(ReconciliationPoller) private readonly reconciliation: ReconciliationPoller | null,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.writeBack.start();
    if (this.reconciliation) this.reconciliation.start();
    else this.logger.warn('MARKETO_WEBHOOK is not set: webhook calls of Marketo are not compared with the ledger');
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.writeBack.stop(), this.reconciliation?.stop()]);
  }
}
