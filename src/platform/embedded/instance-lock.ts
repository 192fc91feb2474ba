import { mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/app-error.js';

export interface InstanceLock {
  release(): Promise<void>;
}

const TRIES = 20;
const TAKEOVER_STALE_MS = 10_000;

/**
 * Makes sure that one instance at a time uses a data folder, which exists. The lock is a listening local socket: the system
 * closes it however the process ends, so a kill -9 leaves nothing that a reused process id could make look alive.
 * @throws AppError DATA_DIR_IN_USE
 */
export async function lockDataDir(dataDir: string, platform: NodeJS.Platform = process.platform): Promise<InstanceLock> {
  const address = await addressFor(dataDir, platform);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const server = await listen(address);
    if (server) return { release: () => close(server) };
    const owner = await ask(address);
    if (owner !== null) {
      throw new AppError(
        'DATA_DIR_IN_USE',
        `Another instance (process ${owner}) is running on the data folder ${dataDir}. Stop it, or start with another DATA_DIR and PORT.`,
      );
    }
    await removeStale(address);
    await sleep(20);
  }
  throw new AppError(
    'DATA_DIR_IN_USE',
    `The data folder ${dataDir} is being taken by other instances at this moment. Start again.`,
  );
}

/**
 * The folder's device and inode stand for it: whatever path leads there, and short enough for the name of a socket. Linux and
 * Windows have names outside the file system that end with their process; elsewhere a file stays behind after a kill -9.
 */
async function addressFor(folder: string, platform: NodeJS.Platform): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const name = `revenueflow-${dev}-${ino}`;
  if (platform === 'linux') return `\0${name}`;
  return platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

/**
 * Removes a socket file behind which nobody listens. One process at a time, and it looks again once it is alone: between two
 * that both found the file stale, the slower one would remove the socket on which the faster listens by then.
 */
async function removeStale(address: string): Promise<void> {
  const takeover = `${address}.takeover`;
  try {
    await mkdir(takeover);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const since = await stat(takeover).catch(() => null);
    if (since && Date.now() - since.mtimeMs > TAKEOVER_STALE_MS) await rmdir(takeover).catch(() => {});
    return;
  }
  try {
    if ((await ask(address)) === null) await rm(address, { force: true });
  } finally {
    await rmdir(takeover).catch(() => {});
  }
}

function listen(address: string): Promise<Server | null> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(String(process.pid));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(address, () => resolve(server.unref()));
  });
}

/** The process id that answers at the address, or null where nobody listens. A full queue or no answer is a frozen owner, not none. */
function ask(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(address);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(null);
    });
    socket.on('close', () => resolve(answer || 'of unknown id'));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
