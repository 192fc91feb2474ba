import { Inject, Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { IntakeRepository } from '../ledger/intake.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import { RejectionsRepository } from '../ledger/rejections.repository.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { DatabaseClock } from '../platform/database/database-clock.js';
import type { Database } from '../platform/database/database.js';
import { ACCEPT_DATABASE, ACK_READINESS, LOGGER, METRICS } from '../platform/platform.module.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { systemClock } from '../platform/clock.js';
import { LeadsController } from './leads.controller.js';
import { FailoverLedger } from './spool/failover-ledger.js';
import { RedisSpool } from './spool/redis-spool.js';
import { SpoolDrainer } from './spool/spool-drainer.js';
import type { Spool } from './spool/spool.js';
import { VolatileAttributesCheck } from './volatile-attributes-check.js';

const CONNECT_WITHIN_MS = 1000;
/** null where there is none. */
export const SPOOL = Symbol('Spool');
const DRAINER = Symbol('SpoolDrainer');

/** POST /leads, what takes the leads while PostgreSQL is down, and what was refused. */
@Module({})
export class IngressModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly gate: FailoverLedger,
    @Inject(SPOOL) private readonly spool: Spool | null,
    @Inject(DRAINER) private readonly drainer: SpoolDrainer | null,
    private readonly clock: DatabaseClock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  static with(config: Config, redisUrl: string | null): DynamicModule {
    const mode = config.SPOOL;
    return {
      module: IngressModule,
      global: true,
      exports: [ACK_READINESS, SPOOL],
      controllers: [LeadsController],
      providers: [
        {
          provide: DatabaseClock,
          inject: [ACCEPT_DATABASE],
          useFactory: (database: Database) => new DatabaseClock(database),
        },
        {
          provide: SPOOL,
          inject: [DatabaseClock],
          useFactory: (clock: DatabaseClock) =>
            mode === 'off' || redisUrl === null ? null : new RedisSpool(redisUrl, mode, clock.now),
        },
        {
          provide: FailoverLedger,
          inject: [IntakeRepository, SPOOL, LOGGER, METRICS],
          useFactory: (intake: IntakeRepository, spool: Spool | null, logger: Logger, metrics: Metrics) =>
            new FailoverLedger({ intake, spool, logger, metrics }),
        },
        {
          provide: VolatileAttributesCheck,
          inject: [LeadsRepository, LOGGER],
          useFactory: (leads: LeadsRepository, logger: Logger) =>
            new VolatileAttributesCheck({ leads, logger, clock: systemClock }, config.CONTENT_IGNORE),
        },
        {
          provide: ACK_READINESS,
          inject: [IntakeRepository, SPOOL],
          useFactory: (intake: IntakeRepository, spool: Spool | null) => () => canAck(intake, spool),
        },
        {
          provide: DRAINER,
          inject: [IntakeRepository, RejectionsRepository, LeaderLock, SPOOL, JobPublisher, LOGGER, METRICS],
          useFactory: (
            intake: IntakeRepository,
            rejections: RejectionsRepository,
            leaderLock: LeaderLock,
            spool: Spool | null,
            publisher: JobPublisher,
            logger: Logger,
            metrics: Metrics,
          ) => spool && new SpoolDrainer({ intake, rejections, leaderLock, spool, publisher, logger, metrics }),
        },
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.spool) return;
    // Ready from the first request on, but a Redis that is down delays no start.
    await withTimeout(Promise.all([this.spool.connected(), this.clock.start()]), CONNECT_WITHIN_MS);
    this.drainer?.start();
    void this.sayWhatTheSpoolIsWorth(this.spool);
  }

  async onApplicationShutdown(): Promise<void> {
    this.gate.stop();
    this.clock.stop();
    await this.drainer?.stop();
    await this.spool?.close();
  }

  private async sayWhatTheSpoolIsWorth(spool: Spool): Promise<void> {
    const confirmed = await spool.describe().catch(() => null);
    if (confirmed) this.logger.info({ confirmed }, 'While PostgreSQL is down, leads go to the spool');
    else this.logger.debug('This Redis cannot confirm that a write is on disk: while PostgreSQL is down, leads get a 503');
  }
}

/** By the ledger, or by a spool that can confirm a write. */
async function canAck(intake: IntakeRepository, spool: Spool | null): Promise<boolean> {
  const [committed, confirmed] = await Promise.allSettled([intake.pingAcceptPath(), spool?.describe() ?? null]);
  return committed.status === 'fulfilled' || (confirmed.status === 'fulfilled' && confirmed.value !== null);
}
