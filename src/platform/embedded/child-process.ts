import { spawn, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '../concurrency/with-timeout.js';

const MAX_LOG_BYTES = 10 * 1024 * 1024;

export interface Child {
  pid: number;
  /** The offset in the log at which this start begins. */
  logStart: number;
  exited: Promise<number | null>;
  running(): boolean;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a server whose output goes to `logFile`. It gets its own process group, so that Ctrl-C in the terminal reaches
 * only this process, which stops the server after its own work is done.
 */
export async function startChild(binary: string, args: string[], logFile: string, options: SpawnOptions = {}): Promise<Child> {
  const logStart = await keepLogBounded(logFile);
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(binary, args, { ...options, detached: true, stdio: ['ignore', log, log] });
    const exited = new Promise<number | null>((resolve, reject) => {
      child.once('exit', (code) => resolve(code));
      child.once('error', reject);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return {
      pid: child.pid!,
      logStart,
      exited,
      running: () => child.exitCode === null && child.signalCode === null,
      kill: (signal) => void child.kill(signal),
    };
  } finally {
    closeSync(log);
  }
}

/** The signals that stop a server, each with the time to wait before the next one. */
export type Ending = readonly (readonly [NodeJS.Signals, number])[];

/** Stops the server; a frozen one reacts to the last signal only. */
export async function stopChild(child: Child, ending: Ending): Promise<void> {
  for (const [signal, ms] of ending) {
    if (!child.running()) return;
    child.kill(signal);
    await withTimeout(child.exited, ms);
  }
}

/** The same for a server that an earlier start left behind. */
export async function endOrphan(pid: number, ending: Ending): Promise<void> {
  for (const [signal, ms] of ending) {
    if (!lives(pid)) return;
    process.kill(pid, signal);
    await untilGone(pid, ms);
  }
}

/** Polls until `ready` gives a value. @throws the error of `onFailure` if the server exits first or takes too long. */
export async function untilReady<T>(
  child: Child,
  ready: () => Promise<T>,
  withinMs: number,
  onFailure: (why: string) => Promise<Error>,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await ready();
    } catch {
      if (!child.running()) throw await onFailure('it ended at once');
      if (Date.now() > deadline) throw await onFailure(`it did not answer within ${withinMs / 1000} s`);
      await sleep(20);
    }
  }
}

/** A free port. Another process may take it before the caller listens, so callers retry. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The password in `file`, created on the first start and readable by this user only. */
export async function passwordIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const password = randomBytes(24).toString('base64url');
  const handle = await open(`${file}.new`, 'w', 0o600);
  await handle.writeFile(password);
  await handle.sync();
  await handle.close();
  await rename(`${file}.new`, file);
  return password;
}

/** The last lines that the server wrote, for an error message. */
export async function tailOf(logFile: string, from: number, lines = 6): Promise<string> {
  const log = await readFile(logFile).catch(() => Buffer.alloc(0));
  return log.subarray(from).toString().trimEnd().split('\n').slice(-lines).join('\n');
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Whether a process with this id is alive; true also for another user's process. A zombie counts as dead: in a
 * container without an init it stays forever.
 */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    // The state follows the name, which is in parentheses and may contain some: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
  } catch {
    return true; // no /proc on this system
  }
}

/** Whether the process runs the program in the folder; null if the system does not say. */
export async function worksIn(pid: number, program: RegExp, folder: string): Promise<boolean | null> {
  try {
    if (!program.test((await readFile(`/proc/${pid}/comm`, 'utf8')).trim())) return false;
    const [theirs, ours] = await Promise.all([stat(`/proc/${pid}/cwd`, { bigint: true }), stat(folder, { bigint: true })]);
    return theirs.dev === ours.dev && theirs.ino === ours.ino;
  } catch {
    return null;
  }
}

/** @returns false if the process is still alive after `withinMs`. */
export async function untilGone(pid: number, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(20)) {
    if (!lives(pid)) return true;
  }
  return !lives(pid);
}

/** @returns the size of the log now. */
async function keepLogBounded(logFile: string): Promise<number> {
  const size = await stat(logFile).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size > MAX_LOG_BYTES) {
    await rm(`${logFile}.old`, { force: true });
    await rename(logFile, `${logFile}.old`);
  }
  if (size > 0 && size <= MAX_LOG_BYTES) return size;
  await writeFile(logFile, '', { mode: 0o600 });
  return 0;
}
