import { spawn, type ChildProcess } from 'node:child_process';
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lives } from '../../src/platform/embedded/child-process.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { serverUser } from '../../src/platform/embedded/postgres-user.js';
import { startEmbeddedRedis, findRedisServer } from '../../src/platform/embedded/redis.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { eventually } from '../support/eventually.js';
import { copyCluster } from '../support/own-postgres.js';

/** Leftovers of an earlier start, or of a copy of the folder, that the next start finds. */
let folder: string;
const servers: EmbeddedServer[] = [];
const others: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-embedded-'));
  await copyCluster(join(folder, 'postgres'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const other of others.splice(0)) other.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function startPostgres(name = 'postgres'): Promise<EmbeddedServer> {
  const server = await startEmbeddedPostgres({ folder: join(folder, name), settings: { fsync: 'off' } });
  servers.push(server);
  return server;
}

async function answer(server: EmbeddedServer): Promise<unknown> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query('SELECT 1 AS one');
  await client.end();
  return rows[0];
}

/** Another program of the same user that runs PostgreSQL, under a reused process id. */
async function otherProgram(script: string): Promise<ChildProcess> {
  const user = await serverUser();
  const other = spawn('/bin/sh', ['-c', script], { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'], ...user });
  others.push(other);
  return other;
}

async function recordPid(server: EmbeddedServer, pid: number): Promise<void> {
  const file = join(server.dataFolder, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8')).split('\n');
  server.exited.catch(() => {});
  process.kill(server.pid, 'SIGKILL');
  await server.exited;
  await writeFile(file, [pid, ...lines.slice(1)].join('\n'));
}

describe('a start after an end that was none', () => {
  it('ends the server of this folder, and not that of the folder it was copied from', async () => {
    const original = await startPostgres();
    await cp(join(folder, 'postgres'), join(folder, 'copy'), { recursive: true });
    const copy = await startPostgres('copy');
    expect(await answer(original)).toEqual({ one: 1 });
    expect(await answer(copy)).toEqual({ one: 1 });
    const again = await startPostgres();
    expect(lives(original.pid)).toBe(false);
    expect(await answer(again)).toEqual({ one: 1 });
    expect(await answer(copy)).toEqual({ one: 1 });
  });

  it.skipIf(process.platform !== 'linux')(
    'starts although another program has the process id by now, and leaves it alone',
    async () => {
      const first = await startPostgres();
      const other = await otherProgram('exec sleep 600');
      await recordPid(first, other.pid!);
      expect(await answer(await startPostgres())).toEqual({ one: 1 });
      expect(lives(other.pid!)).toBe(true);
    },
  );

  it.skipIf(process.platform !== 'linux')('does not wait for a server that is a zombie process', async () => {
    const first = await startPostgres();
    // The shell starts a child that outlives it, and the program that replaces the shell never waits for the child.
    const parent = await otherProgram('sleep 1 & echo $!; exec sleep 600');
    const zombie = Number(await new Promise((resolve) => parent.stdout!.once('data', resolve)));
    await eventually(async () => expect(await readFile(`/proc/${zombie}/stat`, 'utf8')).toMatch(/\) Z /));
    expect(lives(zombie)).toBe(false);
    await recordPid(first, zombie);
    expect(await answer(await startPostgres())).toEqual({ one: 1 });
  });

  it.skipIf(process.platform !== 'linux')('ends a frozen PostgreSQL that was left behind', async () => {
    const first = await startPostgres();
    process.kill(first.pid, 'SIGSTOP');
    const second = await startPostgres();
    expect(lives(first.pid)).toBe(false);
    expect(await answer(second)).toEqual({ one: 1 });
  });

  it.skipIf(process.platform !== 'linux' || !findRedisServer())('ends a frozen redis-server that was left behind', async () => {
    const start = () => startEmbeddedRedis({ binary: findRedisServer()!, folder: join(folder, 'redis') });
    const first = await start();
    process.kill(first.pid, 'SIGSTOP');
    const second = await start();
    servers.push(second);
    expect(lives(first.pid)).toBe(false);
  });

  it('reads a postmaster.pid that a full disk left empty', async () => {
    const first = await startPostgres();
    await first.stop();
    await writeFile(join(first.dataFolder, 'postmaster.pid'), '');
    expect(await answer(await startPostgres())).toEqual({ one: 1 });
  });
});

it('stops a frozen server', async () => {
  const server = await startPostgres();
  process.kill(server.pid, 'SIGSTOP');
  await server.stop();
  expect(lives(server.pid)).toBe(false);
});

it('quotes the log of this start only', async () => {
  const server = await startPostgres();
  await server.stop();
  await appendFile(server.logFile, 'FATAL: a misfortune of yesterday\n');
  const started = startEmbeddedPostgres({ folder: join(folder, 'postgres'), settings: { shared_buffers: 'plenty' } });
  const error = (await started.catch((reason: unknown) => reason)) as Error;
  expect(error.message).toMatch(/invalid value for parameter "shared_buffers"/);
  expect(error.message).not.toMatch(/yesterday/);
});
