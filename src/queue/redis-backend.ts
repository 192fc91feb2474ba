import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { Logger } from '../platform/observability/logger.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { QueueBackend } from './queue-backend.js';
import { BullStageQueue, startBullWorker } from './bullmq.js';
import { queueErrorLog } from './queue-error-log.js';

/** The hash tag keeps a queue's keys in one slot of a cluster. */
const PREFIX = '{revenueflow}';
/** An enqueue is best effort, so it gives up soon: the ack has long been sent, and the sweeper enqueues what is missing. */
const COMMAND_TIMEOUT_MS = 150;
/** Whoever mends or looks has time: on a busy Redis an answer may take longer, and giving up would leave leads without a job. */
const PATIENT_TIMEOUT_MS = 5000;
const RECONNECT_AT_MOST_MS = 1000;
const CONNECT_WITHIN_MS = 2000;
const KEEP_FAILED_SECONDS = 24 * 3600;

export interface RedisBackendOptions {
  url: string;
  logger: Logger;
}

/** BullMQ on Redis or Valkey. Redis may be down now or later: producers fail fast, workers reconnect. */
export async function openRedisBackend({ url, logger }: RedisBackendOptions): Promise<QueueBackend> {
  const retryStrategy = (times: number) => Math.min(times * 100, RECONNECT_AT_MOST_MS);
  // A failover leaves connections on a replica, which answers READONLY to every write: connect anew.
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
      // Without skipVersionCheck a Queue that boots while Redis is down stays broken after it returns.
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
  // Without an offline queue the first commands would fail while it still connects; a Redis that is down is not waited for.
  const ready = [producer, patient].map((redis) => new Promise((resolve) => redis.once('ready', resolve)));
  await withTimeout(Promise.all(ready), CONNECT_WITHIN_MS);
  void warnOfBadSettings(producer, logger);
  const [hasty, unhurried] = [queuesOn(producer), queuesOn(patient)];
  const workerConnections: Redis[] = [];

  return {
    kind: 'redis',
    bestEffortQueue: (stage) => new BullStageQueue(stage, hasty[stage]),
    queue: (stage) => new BullStageQueue(stage, unhurried[stage]),
    async startWorker(stage, handler, settings) {
      const connection = new Redis(url, { maxRetriesPerRequest: null, retryStrategy, reconnectOnError });
      connection.on('error', warn);
      workerConnections.push(connection);
      const options = { connection, prefix: PREFIX };
      return startBullWorker(stage, handler, settings, options, (opts, process) => new Worker(stage, process, opts), logger);
    },
    bullQueues: () => Object.values(unhurried),
    async ping() {
      await producer.ping();
    },
    async close() {
      const queues = [...Object.values(hasty), ...Object.values(unhurried)];
      await withTimeout(Promise.allSettled(queues.map((queue) => queue.close())), 1000);
      for (const connection of [producer, patient, ...workerConnections]) connection.disconnect();
    },
  };
}

/** BullMQ would only say so on its own console, and a Redis that evicts keys silently drops jobs (the sweeper brings them back). */
async function warnOfBadSettings(redis: Redis, logger: Logger): Promise<void> {
  const [info, policy] = await Promise.all([
    redis.info('server'),
    redis.config('GET', 'maxmemory-policy') as Promise<string[]>,
  ]).catch(
    () => ['', []] as [string, string[]], // away, or a managed Redis that forbids CONFIG
  );
  const version = /redis_version:(\d+\.\d+)/.exec(info)?.[1];
  if (version && Number(version) < 6.2) logger.warn({ version }, 'This Redis is older than 6.2, which BullMQ asks for');
  if (policy[1] && policy[1] !== 'noeviction') {
    logger.warn({ policy: policy[1] }, 'This Redis may evict jobs when it is full: set maxmemory-policy noeviction');
  }
}
