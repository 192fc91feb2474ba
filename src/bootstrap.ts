import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { captureRejections } from './ingress/rejection-capture.hook.js';
import { RejectionsRepository } from './ledger/rejections.repository.js';
import type { Config } from './platform/config/config.js';
import { createHttpAdapter } from './platform/http/adapter.js';
import { asListenError, requireFreePort } from './platform/http/port.js';
import type { Logger } from './platform/observability/logger.js';
import { Database } from './platform/database/database.js';
import { migrate } from './platform/database/migrate.js';
import { NestLogger } from './platform/observability/nest-logger.js';
import { openPool } from './platform/database/pool.js';
import { startTracing } from './platform/observability/start-tracing.js';
import { openStores, type Stores } from './platform/embedded/open-stores.js';
import { withTimeout } from './platform/concurrency/with-timeout.js';
import { JobPublisher } from './queue/job-publisher.js';
import { openQueueBackend } from './queue/queue.module.js';

const POOL_TIMEOUT_MS = 5000;
/** A webhook gets its 503 within a second. */
const ACCEPT_TIMEOUT_MS = 800;

/**
 * With the stores that stop after it, inside the ten seconds that a stop may take. Unfinished work is in the ledger.
 * Nest's own enableShutdownHooks stays off: it would close the application but not the stores, and in no order with
 * them.
 */
const CLOSE_WITHIN_MS = 5500;

export interface RunningService {
  url: string;
  stores: Stores;
  /** Stops in order: no new work, running work finished, stores closed. Bounded in time; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the service as configured and resolves when it serves.
 * @throws AppError of class `startup`; whatever had been started by then is stopped again.
 */
export async function startService(config: Config, logger: Logger): Promise<RunningService> {
  const undo: (() => Promise<unknown>)[] = [];
  const unwind = async () => {
    for (const step of undo.splice(0).toReversed())
      await step().catch((error: unknown) => logger.warn({ err: error }, 'While stopping'));
  };
  try {
    if (config.OTEL_EXPORTER_OTLP_ENDPOINT) {
      const stopTracing = await startTracing(config, config.OTEL_EXPORTER_OTLP_ENDPOINT);
      // An unreachable collector must not delay the stop.
      undo.push(() =>
        withTimeout(
          stopTracing().catch(() => {}),
          2000,
        ),
      );
    }
    await requireFreePort(config.PORT, config.HOST);
    const stores = await openStores(config);
    undo.push(() => stores.stop());
    await migrate(stores.databaseUrl);
    const open = (name: string, max: number, { timeoutMs = POOL_TIMEOUT_MS, replan = false } = {}) => {
      const pool = openPool({ url: stores.databaseUrl, max, timeoutMs, name, replan });
      undo.push(() => withTimeout(pool.end(), 1000));
      return new Database(pool);
    };
    // infra/src/sizes.ts counts these connections.
    const database = open(config.ROLE, 7, { replan: true });
    const acceptDatabase = open('accept', 2, { timeoutMs: ACCEPT_TIMEOUT_MS });
    // LISTEN holds one, and each of the five leader locks one while its work runs: one is left for heartbeats.
    const controlDatabase = open('control', 7);
    const reportDatabase = open('report', 3);
    const backend = await openQueueBackend(config, stores, logger);
    undo.push(() => backend.close());

    const databases = { database, acceptDatabase, controlDatabase, reportDatabase };
    const parts = { config, logger, ...databases, databaseUrl: stores.databaseUrl };
    const adapter = createHttpAdapter({ trustProxy: config.TRUST_PROXY });
    captureRejections(
      adapter.getInstance(),
      (rejected) => new RejectionsRepository(acceptDatabase).storeRejection(rejected),
      logger,
    );
    const app = await NestFactory.create<NestFastifyApplication>(
      await AppModule.forRole(parts, backend, stores.redisUrl),
      adapter,
      {
        bodyParser: false,
        logger: new NestLogger(logger),
        abortOnError: false,
      },
    );
    undo.push(() => withTimeout(app.get(JobPublisher).stop(), 1000));
    // Its parts stop one after the other, each bounded; this bounds them together.
    undo.push(async () => {
      if (!(await withTimeout(app.close(), CLOSE_WITHIN_MS)))
        logger.warn('A part did not stop in time and was abandoned: its unfinished work is in the ledger');
    });
    await app.listen(config.PORT, config.HOST);
    return { url: await app.getUrl(), stores, stop: unwind };
  } catch (error) {
    await unwind();
    throw asListenError(error, config.PORT, config.HOST);
  }
}
