import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpawnOptions } from 'node:child_process';
import { AppError } from '../../domain/app-error.js';
import { exists, freePort, passwordIn, startChild, stopChild, tailOf, untilReady, type Child } from './child-process.js';
import { OwnFolder } from './owned-directory.js';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import { withClient } from './postgres-client.js';
import { initialiseCluster, type ClusterOwner } from './postgres-cluster.js';
import { POSTGRES_ENDING, endPostgresOrphan } from './postgres-orphan.js';
import { giveTo, serverUser, type ServerUser } from './postgres-user.js';
import type { EmbeddedServer } from './embedded-server.js';

const USER = 'revenueflow';
const DATABASE = 'revenueflow';
const READY_WITHIN_MS = 30_000;
const TRIES = 3;
const HELD_WAIT_MS = 500;

export interface EmbeddedPostgresOptions {
  /** Holds the cluster, its password and its log. */
  folder: string;
  settings?: Record<string, string>;
  port?: number;
}

/**
 * Starts a PostgreSQL in `folder`, on loopback and with a password. Data of the last start is reused; files that this
 * service did not create are left alone.
 * @throws AppError DATA_DIR_UNUSABLE or EMBEDDED_POSTGRES_FAILED; nothing that was in the folder has been changed then.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedServer> {
  const { folder } = options;
  const dataFolder = join(folder, 'data');
  const logFile = join(folder, 'server.log');
  const user = await serverUser();
  const binaries = await postgresBinaries(user !== null);
  await refuseForeign(folder, dataFolder, binaries);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const passwordFile = join(folder, 'password');
  const password = await passwordIn(passwordFile);
  if (await exists(dataFolder)) await endPostgresOrphan(dataFolder, (port) => urlOf(port, password, 'postgres'));
  else await createCluster(binaries, dataFolder, { name: USER, passwordFile, user, logFile });

  const child = await startOnFreePort(options, binaries, dataFolder, logFile, user, password);
  const url = urlOf(child.port, password, DATABASE);
  try {
    await createDatabase(urlOf(child.port, password, 'postgres'));
  } catch (cause) {
    await stopChild(child, POSTGRES_ENDING);
    throw new AppError('EMBEDDED_POSTGRES_FAILED', `The embedded PostgreSQL started but cannot be used. Its log: ${logFile}`, {
      cause,
    });
  }
  const stop = () => stopChild(child, POSTGRES_ENDING);
  return { url, pid: child.pid, version: binaries.version, dataFolder, logFile, exited: child.exited, stop };
}

const OURS = ['data', 'data.partial', 'password', 'password.new', 'server.log', 'server.log.old'];

async function refuseForeign(folder: string, dataFolder: string, binaries: PostgresBinaries): Promise<void> {
  const own = new OwnFolder(folder, OURS, 'DATABASE_URL');
  const entries = await own.entries();
  if (!entries.includes('data')) return;
  const version = await readFile(join(dataFolder, 'PG_VERSION'), 'utf8').catch(() => null);
  if (version === null) throw own.unusable('has a folder "data" that is not a PostgreSQL cluster');
  const major = binaries.version.split('.')[0];
  if (version.trim() !== major)
    throw own.unusable(`has a cluster of PostgreSQL ${version.trim()}, and this is PostgreSQL ${major}`);
  if (!entries.includes('password')) throw own.unusable('has a PostgreSQL cluster without the password file of this service');
}

/** Created beside its place and moved there, so that a kill -9 in between leaves nothing that looks like a cluster. */
async function createCluster(binaries: PostgresBinaries, dataFolder: string, owner: ClusterOwner): Promise<void> {
  const partial = `${dataFolder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  if (owner.user) await giveTo(owner.user, partial);
  const { args, spawn } = placeOf(partial, owner.user);
  try {
    await initialiseCluster(binaries.initdb, args, spawn, owner);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }); // it may be what has filled the disk
    throw error;
  }
  await rename(partial, dataFolder);
}

/**
 * The path of its folder for a server. Another user may have no access to the path (a checkout under a 0700 home).
 * But the server starts in that folder before it changes its user, and on Linux /proc/self/cwd names it without
 * traversing the path.
 */
function placeOf(folder: string, user: ServerUser | null): { args: string[]; spawn: SpawnOptions } {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  if (!user) return { args: ['-D', folder], spawn: { env } };
  const path = process.platform === 'linux' ? '/proc/self/cwd' : folder;
  return { args: ['-D', path], spawn: { env, cwd: folder, uid: user.uid, gid: user.gid } };
}

async function startOnFreePort(
  options: EmbeddedPostgresOptions,
  binaries: PostgresBinaries,
  dataFolder: string,
  logFile: string,
  user: ServerUser | null,
  password: string,
): Promise<Child & { port: number }> {
  const place = placeOf(dataFolder, user);
  if (user) await giveTo(user, dataFolder);
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', logging_collector: 'off', ...options.settings };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const child = await startChild(binaries.postgres, [...place.args, '-p', String(port), ...flags], logFile, place.spawn);
    const failure = async (why: string) =>
      new AppError(
        'EMBEDDED_POSTGRES_FAILED',
        `The embedded PostgreSQL could not be started: ${why}. Its data in ${dataFolder} was left as it is. ` +
          `The end of its log (${logFile}):\n${await tailOf(logFile, child.logStart)}`,
      );
    try {
      await untilReady(child, () => ping(urlOf(port, password, 'postgres')), READY_WITHIN_MS, failure);
      return { ...child, port };
    } catch (error) {
      await stopChild(child, POSTGRES_ENDING);
      const log = await tailOf(logFile, child.logStart);
      // The children of a killed server keep its shared memory for a moment.
      const stillHeld = log.includes('pre-existing shared memory block');
      const portTaken = log.includes('could not bind') && options.port === undefined;
      if (!(stillHeld || portTaken) || attempt === TRIES) throw error;
      if (stillHeld) await sleep(HELD_WAIT_MS);
    }
  }
}

async function createDatabase(adminUrl: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

function ping(url: string): Promise<void> {
  return withClient(url, async (client) => void (await client.query('SELECT 1')));
}

/** Where the embedded PostgreSQL of a running service listens; null where none runs on this folder. */
export async function runningEmbeddedPostgres(folder: string): Promise<string | null> {
  try {
    // Line 4 is the port: https://www.postgresql.org/docs/current/storage-file-layout.html
    const lines = (await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n');
    const password = (await readFile(join(folder, 'password'), 'utf8')).trim();
    return urlOf(Number(lines[3]), password, DATABASE);
  } catch {
    return null;
  }
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}
