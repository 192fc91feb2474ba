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
 * Ensures that one instance at a time uses an existing data folder. The lock is a listening local socket, which the
 * system closes however the process ends. So after a kill -9 no reused process id can look like the owner.
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
    `The data folder ${dataDir} is being locked by other instances at this moment. Start again.`,
  );
}

/**
 * The name contains the folder's device and inode: the same for every path to it, and short enough for a socket. On
 * Linux and Windows the name disappears with its process; elsewhere a file remains after a kill -9.
 */
async function addressFor(folder: string, platform: NodeJS.Platform): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const name = `revenueflow-${dev}-${ino}`;
  if (platform === 'linux') return `\0${name}`;
  return platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

/**
 * Removes a stale socket file. One process at a time, and it checks again under the lock: if two processes found the
 * file stale, the slower one would remove the socket on which the faster one listens by then.
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

/**
 * The process id that answers at the address, or null if none listens. A full queue or no answer means a frozen
 * owner.
 */
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
