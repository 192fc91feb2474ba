import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedServer } from '../src/platform/embedded/embedded-server.js';
import { startEmbeddedPostgres } from '../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../src/platform/embedded/redis.js';
import { migrate } from '../src/platform/database/migrate.js';
import { HEAP_LIMIT } from '../test/support/service.js';

export interface Stores {
  databaseUrl: string;
  redisUrl: string;
  postgresPid: number;
  redisPid: number;
  stop(): Promise<void>;
}

/** A PostgreSQL with synced commits and a Redis with an append-only file, on free ports, in a temporary folder. */
export async function startStores(): Promise<Stores> {
  const binary = findRedisServer();
  if (!binary) throw new Error('The bench compares with BullMQ on Redis: install redis-server first.');
  const folder = await mkdtemp(join(tmpdir(), 'revenueflow-bench-'));
  const servers: EmbeddedServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), settings: { max_wal_size: '4GB' } });
    servers.push(postgres);
    const redis = await startEmbeddedRedis({ binary, folder: join(folder, 'redis') });
    servers.push(redis);
    await migrate(postgres.url);
    return { databaseUrl: postgres.url, redisUrl: redis.url, postgresPid: postgres.pid, redisPid: redis.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface Server {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** Starts one of the servers to compare, or the service itself, and waits until it prints its URL. */
export async function startServer(script: string, env: Record<string, string>): Promise<Server> {
  const path = join(import.meta.dirname, '..', script);
  // The service runs as `npm start` runs it.
  const args = script.endsWith('.ts') ? ['--import', 'tsx', path] : [HEAP_LIMIT, path];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const match = /URL +(http:\S+)/.exec(output);
      if (match) resolve(match[1]!);
    });
    child.once('exit', (code) => reject(new Error(`${script} exited with ${code}:\n${output}`)));
  });
  return { url, pid: child.pid!, stop: () => stopProcess(child) };
}

/** This service, in a role. */
export function startService(stores: Stores, env: Record<string, string>): Promise<Server> {
  const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL } = stores;
  return startServer('dist/main.js', { DATABASE_URL, REDIS_URL, PORT: '0', LOG_LEVEL: 'warn', ...env });
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exited;
  clearTimeout(timer);
}

/** CPU time that the process has used so far, in milliseconds (Linux; NaN elsewhere). */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory that the process holds now, in MB (Linux; NaN elsewhere). */
export async function memoryMbOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;
}
