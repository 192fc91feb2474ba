import { mkdir } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Config } from '../config/config.js';
import { asDataDirError } from './data-dir-error.js';
import { lockDataDir } from './instance-lock.js';
import { startEmbeddedPostgres } from './postgres.js';
import { findRedisServer, startEmbeddedRedis } from './redis.js';

/** Which stores the service uses, and why; shown in the start-up banner. */
export interface Stores {
  databaseUrl: string;
  database: string;
  redisUrl: string | null;
  queue: string;
  /** How to change the choice of the queue; null if the user made it. */
  queueHint: string | null;
  dataDir: string | null;
  stop(): Promise<void>;
}

/**
 * Connects to the configured stores and starts the others under DATA_DIR: PostgreSQL always, Redis if this machine has
 * one.
 * @throws AppError DATA_DIR_IN_USE, DATA_DIR_UNUSABLE, EMBEDDED_POSTGRES_FAILED, EMBEDDED_REDIS_FAILED
 */
export async function openStores(config: Config): Promise<Stores> {
  const redisBinary = config.REDIS_URL || config.QUEUE_BACKEND === 'postgres' ? null : findRedisServer();
  const needsDataDir = !config.DATABASE_URL || redisBinary !== null;
  const dataDir = needsDataDir ? resolve(config.DATA_DIR) : null;
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    if (dataDir) {
      await mkdir(dataDir, { recursive: true, mode: 0o700 });
      const lock = await lockDataDir(dataDir);
      undo.push(() => lock.release());
    }
    const [postgres, redis] = await Promise.allSettled([
      config.DATABASE_URL ? null : startEmbeddedPostgres({ folder: join(dataDir!, 'postgres') }),
      redisBinary ? startEmbeddedRedis({ binary: redisBinary, folder: join(dataDir!, 'redis') }) : null,
    ]);
    const started = [postgres, redis].flatMap((server) => (server.status === 'fulfilled' && server.value ? [server.value] : []));
    // In parallel, because each may take long.
    undo.push(() => Promise.all(started.map((server) => server.stop())));
    if (postgres.status === 'rejected') throw postgres.reason;
    if (redis.status === 'rejected') throw redis.reason;

    const redisUrl = config.REDIS_URL ?? redis.value?.url ?? null;
    return {
      databaseUrl: config.DATABASE_URL ?? postgres.value!.url,
      database: postgres.value
        ? `PostgreSQL ${postgres.value.version}, embedded, in ${shown(postgres.value.dataFolder)}`
        : 'PostgreSQL of DATABASE_URL',
      redisUrl,
      ...describeQueue(config, redis.value?.version ?? null),
      dataDir,
      stop,
    };
  } catch (error) {
    await stop();
    throw dataDir ? asDataDirError(error, dataDir) : error;
  }
}

/** Relative, if it is below the current folder. */
function shown(folder: string): string {
  const path = relative(process.cwd(), folder);
  return path.startsWith('..') || isAbsolute(path) ? folder : path;
}

function describeQueue(config: Config, startedRedis: string | null): Pick<Stores, 'queue' | 'queueHint'> {
  if (config.QUEUE_BACKEND === 'postgres')
    return { queue: 'BullMQ on PostgreSQL', queueHint: 'QUEUE_BACKEND=postgres asks for it' };
  if (config.REDIS_URL) return { queue: 'BullMQ on the Redis of REDIS_URL', queueHint: null };
  if (startedRedis) {
    return {
      queue: `BullMQ on Redis ${startedRedis}, started here`,
      queueHint: 'redis-server was found; REDIS_URL names another',
    };
  }
  return { queue: 'BullMQ on PostgreSQL', queueHint: 'no redis-server was found; install one or set REDIS_URL for more speed' };
}
