import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { AppError } from '../../domain/app-error.js';
import {
  endOrphan,
  freePort,
  lives,
  passwordIn,
  startChild,
  stopChild,
  tailOf,
  untilReady,
  worksIn,
  type Child,
  type Ending,
} from './child-process.js';
import { OwnFolder } from './owned-directory.js';
import type { EmbeddedServer } from './embedded-server.js';

const OURS = ['data', 'password', 'password.new', 'server.log', 'server.log.old', 'server.json', 'redis.conf'];
const BINARIES = ['redis-server', 'valkey-server'];
const READY_WITHIN_MS = 30_000;
const ENDING: Ending = [
  ['SIGTERM', 6000],
  ['SIGKILL', 1000],
];
const PORT_TRIES = 3;

/** The path of redis-server or valkey-server on PATH, or null. */
export function findRedisServer(env: NodeJS.ProcessEnv = process.env): string | null {
  for (const name of BINARIES) {
    for (const folder of (env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder !== '' && isExecutable(path)) return path;
    }
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface EmbeddedRedisOptions {
  binary: string;
  /** Contains the append-only file, the password and the log. */
  folder: string;
  settings?: Record<string, string>;
  port?: number;
}

/**
 * Starts a Redis in `folder`, on loopback, with a password and an append-only file.
 * @throws AppError DATA_DIR_UNUSABLE or EMBEDDED_REDIS_FAILED; nothing that was in the folder has been changed then.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedServer> {
  const { folder, binary } = options;
  const dataFolder = join(folder, 'data');
  const logFile = join(folder, 'server.log');
  await new OwnFolder(folder, OURS, 'REDIS_URL').entries();
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const password = await passwordIn(join(folder, 'password'));
  await stopOrphan(folder, dataFolder, password);

  const { child, port } = await startOnFreePort(options, dataFolder, logFile, password);
  await writeFile(join(folder, 'server.json'), JSON.stringify({ pid: child.pid, port }));
  const stop = () => stopChild(child, ENDING);
  return {
    url: urlOf(port, password),
    pid: child.pid,
    version: versionOf(binary),
    dataFolder,
    logFile,
    exited: child.exited,
    stop,
  };
}

async function startOnFreePort(
  options: EmbeddedRedisOptions,
  dataFolder: string,
  logFile: string,
  password: string,
): Promise<{ child: Child; port: number }> {
  const configFile = join(options.folder, 'redis.conf');
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    // In a file, because every user can read the arguments of a process.
    await writeFile(configFile, configOf({ port: String(port), dir: dataFolder, requirepass: password, ...options.settings }), {
      mode: 0o600,
    });
    const child = await startChild(options.binary, [configFile], logFile);
    const failure = async (why: string) =>
      new AppError(
        'EMBEDDED_REDIS_FAILED',
        `The local redis-server could not be started: ${why}. Its data in ${dataFolder} was left as it is. ` +
          `The end of its log (${logFile}):\n${await tailOf(logFile, child.logStart)}`,
      );
    try {
      await untilReady(child, () => ping(urlOf(port, password)), READY_WITHIN_MS, failure);
      return { child, port };
    } catch (error) {
      await stopChild(child, ENDING);
      const portTaken = (await tailOf(logFile, child.logStart)).includes('Address already in use');
      if (!portTaken || options.port !== undefined || attempt === PORT_TRIES) throw error;
    }
  }
}

function configOf(settings: Record<string, string>): string {
  const all: Record<string, string> = {
    bind: '127.0.0.1',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    save: '""',
    daemonize: 'no',
    ...settings,
  };
  const quote = (value: string) => (/^[\w.-]+$|^""$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`);
  return Object.entries(all)
    .map(([name, value]) => `${name} ${quote(value)}\n`)
    .join('');
}

/**
 * After a kill -9 of this service its Redis keeps running. If it runs in this folder it is stopped, frozen or not,
 * because a second server would corrupt its files. What it confirmed is in its file by then.
 */
async function stopOrphan(folder: string, dataFolder: string, password: string): Promise<void> {
  const record = await readFile(join(folder, 'server.json'), 'utf8').catch(() => '{}');
  const { pid, port } = parseRecord(record);
  if (!pid || !port || !lives(pid)) return;
  const ours = (await worksIn(pid, /^(redis|valkey)-/, dataFolder)) ?? (await servesFrom(dataFolder, urlOf(port, password)));
  if (!ours) return;
  await endOrphan(pid, ENDING);
  if (!lives(pid)) return;
  throw new AppError(
    'EMBEDDED_REDIS_FAILED',
    `A redis-server of an earlier start (process ${pid}) still uses ${dataFolder} and cannot be stopped. Nothing was changed. Stop it, and start again.`,
  );
}

async function servesFrom(dataFolder: string, url: string): Promise<boolean> {
  const [, directory] = await withClient(url, (client) => client.config('GET', 'dir') as Promise<string[]>).catch(() => []);
  return directory === dataFolder || directory === (await realpath(dataFolder));
}

function parseRecord(text: string): { pid?: number; port?: number } {
  try {
    return JSON.parse(text) as { pid?: number; port?: number };
  } catch {
    return {};
  }
}

async function ping(url: string): Promise<void> {
  await withClient(url, (client) => client.ping());
}

async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0, commandTimeout: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

function urlOf(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}`;
}

function versionOf(binary: string): string {
  return /v=(\S+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'of unknown version';
}
