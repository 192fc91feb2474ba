import { runMigrations, withBackend, type PostgresConnectionOptions } from 'bullmq';
import pg from 'pg';
import { AppError } from '../domain/app-error.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { Logger } from '../platform/observability/logger.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { QueueBackend } from './queue-backend.js';
import { startBullWorker } from './bull-worker.js';
import { BullStageQueue } from './bullmq.js';
import { queueErrorLog } from './queue-error-log.js';
import { createReconnectingBackend } from './reconnecting-postgres.js';

const { Queue, Worker } = withBackend(createReconnectingBackend);

const SCHEMA = 'bullmq';
const KEEP_FAILED_SECONDS = 24 * 3600;
/**
 * More jobs contend for the job table, which slows the drain. Leads of the CRM stage mostly wait for the CRM, and a
 * batch of its calls needs many of them.
 */
const JOBS_AT_MOST: Record<Stage, number> = { enrichment: 10, 'crm-sync': 200 };

export interface PostgresBackendOptions {
  url: string;
  logger: Logger;
}

/**
 * BullMQ on PostgreSQL, for machines without Redis. PostgreSQL must be up when this is called, since the tables of the
 * queues are made then.
 * @throws AppError QUEUE_UNAVAILABLE
 */
export async function openPostgresBackend({ url, logger }: PostgresBackendOptions): Promise<QueueBackend> {
  await prepareSchema(url);
  const warn = queueErrorLog(logger, 'queue');
  const queues = Object.fromEntries(
    STAGES.map((stage) => {
      const queue = new Queue(stage, {
        connection: connectionTo(url),
        defaultJobOptions: { removeOnComplete: true, removeOnFail: { age: KEEP_FAILED_SECONDS } },
      });
      queue.on('error', warn);
      return [stage, queue];
    }),
  ) as unknown as Record<Stage, InstanceType<typeof Queue>>;
  const pinging = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  pinging.on('error', warn);
  pinging.on('connect', (client) => client.on('error', warn));

  return {
    kind: 'postgres',
    queue: (stage) => new BullStageQueue(stage, queues[stage] as never),
    bestEffortQueue: (stage) => new BullStageQueue(stage, queues[stage] as never),
    async startWorker(stage, handler, settings) {
      return startBullWorker(stage, handler, {
        ...settings,
        jobsAtMost: JOBS_AT_MOST[stage],
        bull: { connection: connectionTo(url) as never },
        create: (options, process) => new Worker(stage, process, options as never) as never,
        logger,
      });
    },
    bullQueues: () => Object.values(queues) as never,
    async ping() {
      await pinging.query('SELECT 1');
    },
    async close() {
      await withTimeout(Promise.allSettled([...STAGES.map((stage) => queues[stage].close()), pinging.end()]), 2000);
    },
  };
}

/**
 * Only the queue's connections use asynchronous commit. A crash may lose the newest jobs, which the sweeper enqueues
 * again.
 */
function connectionTo(url: string): PostgresConnectionOptions {
  return {
    connectionString: url,
    schema: SCHEMA,
    max: 4,
    connectionTimeoutMillis: 2000,
    query_timeout: 4000,
    options: '-c synchronous_commit=off -c jit=off',
    application_name: 'revenueflow-queue',
  };
}

async function prepareSchema(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await runMigrations(client as never, SCHEMA);
  } catch (cause) {
    throw new AppError('QUEUE_UNAVAILABLE', 'The queue tables could not be prepared in PostgreSQL.', { cause });
  } finally {
    await client.end().catch(() => {});
  }
}
