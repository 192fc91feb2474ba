import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { Logger } from '../platform/observability/logger.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { QueueBackend } from './queue-backend.js';
import { startBullWorker } from './bull-worker.js';
import { BullStageQueue } from './bullmq.js';
import { queueErrorLog } from './queue-error-log.js';

/** The hash tag keeps a queue's keys in one slot of a cluster. */
const PREFIX = '{revenueflow}';
/** Short, because enqueueing after an ack is best effort: the sweeper enqueues what is missing. */
const COMMAND_TIMEOUT_MS = 150;
/** For the sweeper and queries, which can wait: a timeout on a busy Redis would leave leads without a job. */
const PATIENT_TIMEOUT_MS = 5000;
const RECONNECT_AT_MOST_MS = 1000;
const CONNECT_WITHIN_MS = 2000;
const KEEP_FAILED_SECONDS = 24 * 3600;

export interface RedisBackendOptions {
  url: string;
  logger: Logger;
}

/** BullMQ on Redis or Valkey. If Redis is down, now or later, producers fail fast and workers reconnect. */
export async function openRedisBackend({ url, logger }: RedisBackendOptions): Promise<QueueBackend> {
  const retryStrategy = (times: number) => Math.min(times * 100, RECONNECT_AT_MOST_MS);
  // After a failover a connection may lead to a replica, which answers every write with READONLY. A new one reaches the
  // primary.
  const reconnectOnError = (error: Error) => error.message.startsWith('READONLY');
  const warn = queueErrorLog(logger, 'redis');
  const connect = (commandTimeout: number) => {
    const redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout,
      retryStrategy,
      reconnectOnError,
    });
    redis.on('error', warn);
    return redis;
  };
  const queuesOn = (connection: Redis) => {
    const entries = STAGES.map((stage) => {
      // Without skipVersionCheck a Queue that is created while Redis is down stays broken after Redis returns.
      const queue = new Queue(stage, {
        connection,
        prefix: PREFIX,
        skipVersionCheck: true,
        skipWaitingForReady: true,
        defaultJobOptions: { removeOnComplete: true, removeOnFail: { age: KEEP_FAILED_SECONDS, count: 10_000 } },
      });
      queue.on('error', warn);
      return [stage, queue];
    });
    return Object.fromEntries(entries) as Record<Stage, Queue>;
  };
  const [producer, patient] = [connect(COMMAND_TIMEOUT_MS), connect(PATIENT_TIMEOUT_MS)];
  // Without an offline queue, commands would fail until the client is connected. A Redis that is down is not waited
  // for.
  const ready = [producer, patient].map((redis) => new Promise((resolve) => redis.once('ready', resolve)));
  await withTimeout(Promise.all(ready), CONNECT_WITHIN_MS);
  void warnOfBadSettings(producer, logger);
  const [bestEffortQueues, queues] = [queuesOn(producer), queuesOn(patient)];
  const workerConnections: Redis[] = [];

  return {
    kind: 'redis',
    bestEffortQueue: (stage) => new BullStageQueue(stage, bestEffortQueues[stage]),
    queue: (stage) => new BullStageQueue(stage, queues[stage]),
    async startWorker(stage, handler, settings) {
      const connection = new Redis(url, { maxRetriesPerRequest: null, retryStrategy, reconnectOnError });
      connection.on('error', warn);
      workerConnections.push(connection);
      return startBullWorker(stage, handler, {
        ...settings,
        bull: { connection, prefix: PREFIX },
        create: (options, process) => new Worker(stage, process, options),
        logger,
      });
    },
    bullQueues: () => Object.values(queues),
    async ping() {
      await producer.ping();
    },
    async close() {
      const all = [...Object.values(bestEffortQueues), ...Object.values(queues)];
      await withTimeout(Promise.allSettled(all.map((queue) => queue.close())), 1000);
      for (const connection of [producer, patient, ...workerConnections]) connection.disconnect();
    },
  };
}

/**
 * BullMQ reports this only on its own console. A Redis that evicts keys drops jobs silently until the sweeper replaces
 * them.
 */
async function warnOfBadSettings(redis: Redis, logger: Logger): Promise<void> {
  const [info, policy] = await Promise.all([
    redis.info('server'),
    redis.config('GET', 'maxmemory-policy') as Promise<string[]>,
  ]).catch(
    () => ['', []] as [string, string[]], // down, or a managed Redis that forbids CONFIG
  );
  const version = /redis_version:(\d+\.\d+)/.exec(info)?.[1];
  if (version && Number(version) < 6.2) logger.warn({ version }, 'This Redis is older than 6.2, which BullMQ asks for');
  if (policy[1] && policy[1] !== 'noeviction') {
    logger.warn({ policy: policy[1] }, 'This Redis may evict jobs when it is full: set maxmemory-policy noeviction');
  }
}
