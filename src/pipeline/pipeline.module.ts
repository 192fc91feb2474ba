import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { CRM_PROVIDERS } from '../crm/registry.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import { openScorer, scoringTimeoutMs } from '../enrichment/registry.js';
import { Ledger } from '../ledger/ledger.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { UNLIMITED } from '../platform/throttle.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics.js';
import { CLOCK, CONFIG, DATABASE_URL, LOGGER, METRICS } from '../platform/platform.module.js';
import { Announcer } from '../queue/announcer.js';
import type { QueueBackend } from '../queue/backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { enrichLead } from './enrich-lead.js';
import { StageWorkers } from './stage-workers.js';
import { syncLead } from './sync-lead.js';

const AI = Symbol('EnrichmentProvider');
const CRM = Symbol('CrmProvider');

@Module({
  providers: [
    { provide: AI, inject: [CONFIG], useFactory: openScorer },
    {
      provide: CRM,
      inject: [CONFIG, DATABASE_URL],
      useFactory: (config: Config, databaseUrl: string) =>
        CRM_PROVIDERS[config.CRM_PROVIDER]!({ config, databaseUrl, throttle: UNLIMITED }),
    },
    {
      provide: StageWorkers,
      inject: [CONFIG, LOGGER, METRICS, CLOCK, Ledger, Announcer, QUEUE_BACKEND, AI, CRM],
      useFactory: (
        config: Config,
        logger: Logger,
        metrics: Metrics,
        clock: Clock,
        ledger: Ledger,
        announcer: Announcer,
        backend: QueueBackend,
        ai: EnrichmentProvider,
        crm: CrmProvider,
      ) => {
        const policy = { attempts: config.RETRY_ATTEMPTS, baseMs: config.RETRY_BASE_MS };
        const tools = { ledger, announcer, policy, clock, logger, metrics };
        const enrichTools = { ...tools, provider: ai, timeoutMs: scoringTimeoutMs(config) };
        const syncTools = { ...tools, provider: crm, slaSeconds: config.SPEED_TO_LEAD_SLA_SECONDS };
        const handlers = {
          enrichment: enrichLead.bind(null, enrichTools),
          'crm-sync': syncLead.bind(null, syncTools),
        };
        return new StageWorkers(backend, handlers, config, logger);
      },
    },
  ],
})
export class PipelineModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly workers: StageWorkers,
    @Inject(CRM) private readonly crm: CrmProvider,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.workers.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.workers.stop();
    await this.crm.close();
  }
}
