import { createHash } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../errors/app-error.js';

export interface InstanceLock {
  release(): Promise<void>;
}

/**
 * Makes sure that one instance at a time uses a data folder. The lock is a listening local socket: the system closes it
 * however the process ends, so a kill -9 leaves nothing that a reused process id could make look alive.
 * @throws AppError DATA_DIR_IN_USE
 */
export async function lockDataDir(dataDir: string): Promise<InstanceLock> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const address = addressFor(await realpath(dataDir));
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await listen(address);
    if (server) return { release: () => close(server) };
    const owner = await ask(address);
    if (owner !== null) {
      throw new AppError(
        'DATA_DIR_IN_USE',
        `Another instance (process ${owner}) is running on the data folder ${dataDir}. Stop it, or start with another DATA_DIR and PORT.`,
      );
    }
    await rm(address, { force: true }); // left behind by a process that was killed
  }
  throw new AppError(
    'DATA_DIR_IN_USE',
    `The data folder ${dataDir} is being taken by other instances at this moment. Start again.`,
  );
}

/** Socket paths are short (about 100 bytes), data folders may not be: the folder's hash stands for it. */
function addressFor(folder: string): string {
  const name = `revenueflow-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
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

/** The process id that answers at the address, or null where nobody does. */
function ask(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(address);
    socket.setTimeout(2000, () => socket.end());
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => resolve(null));
    socket.on('close', (failed) => resolve(failed ? null : answer || 'of unknown id'));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
