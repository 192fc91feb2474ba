import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { withTimeout } from '../../src/platform/concurrency/with-timeout.js';
import { FULL } from './full.js';
import { PersonalData } from './personal-data.js';

/** Personal data that any process of a test file was sent; no other process may log it either. */
const personal = new PersonalData();
/** Files of one Vitest process share this module, so each clears it first. */
export const forgetPersonalData = (): void => personal.forget();
const MAIN = join(import.meta.dirname, '../../dist/main.js');
/**
 * Most processes of the tests end before what V8's optimising compiler costs pays off: it is a third of the time of a
 * start. The full suite runs the service as `npm start` does.
 */
const OPTIMISES = FULL ? [] : ['--no-opt'];
/** The service ends itself sooner, so one that takes longer is stuck. */
const STOPS_WITHIN_MS = 60_000;
/** Services that have not exited. */
const running = new Set<ChildProcess>();

/** Kills what a failed hook of a test file left running, which would slow down every later file. @returns how many. */
export function killLeftOverServices(): number {
  const children = [...running];
  running.clear();
  for (const child of children) child.kill('SIGKILL');
  return children.length;
}

// A worker of Vitest that ends by itself leaves none behind.
process.once('exit', killLeftOverServices);

/** The heap limit that `npm start` sets. */
export const HEAP_LIMIT = /--max-old-space-size=\d+/.exec(
  (createRequire(import.meta.url)('../../package.json') as { scripts: { start: string } }).scripts.start,
)![0];

/** The fields of the service's JSON answers that tests read. Which of them exist depends on the request. */
export interface Answer {
  status: string | number;
  code: string;
  detail: string;
  errors: { path: string; message: string }[];
  leadId: string;
  id: string;
  email: string;
  state: string;
  revision: number;
  attributes: Record<string, string>;
  fitScore: number;
  evidence: unknown[];
  crm: { leadId: string; memberId: string };
  timings: { receivedAt: string; enrichedAt: string; syncedAt: string };
  events: { seq: number; kind: string; detail: Record<string, unknown> }[];
  items: (Answer & { waiting: number; active: number; delayed: number; body: string })[];
  nextCursor: string | null;
}

export interface RunningProcess {
  url: string;
  child: ChildProcess;
  /** The output of the process so far. */
  output(): string;
  post(body: unknown, init?: { form?: boolean; headers?: Record<string, string> }): Promise<{ status: number; body: Answer }>;
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; body: Answer; text: string; headers: Headers }>;
  /** Sends SIGTERM. @returns the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL, which is like a crash of the machine. */
  kill(): Promise<void>;
}

/** Starts the compiled service in its own process on a free port, and resolves when it answers. `uid` needs root. */
export async function startProcess(env: Record<string, string>, uid?: number): Promise<RunningProcess> {
  const { child, output } = spawnService({ PORT: '0', ...env }, uid);
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const match = /URL +(http:\S+)/.exec(output());
      if (match) resolve(match[1]!);
    };
    child.stdout!.on('data', look);
    child.once('exit', (code) => reject(new Error(`The service exited with ${code} before it served:\n${output()}`)));
  });
  const exited = once(child, 'exit');
  return {
    url,
    child,
    output,
    async post(body, { form = false, headers = {} } = {}) {
      personal.remember(body);
      const text =
        typeof body === 'string'
          ? body
          : form
            ? new URLSearchParams(body as Record<string, string>).toString()
            : JSON.stringify(body);
      const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
      const answer = await fetch(`${url}/leads`, { method: 'POST', body: text, headers: { 'content-type': type, ...headers } });
      return { status: answer.status, body: (await answer.json()) as Answer };
    },
    async get(path, headers = {}) {
      const answer = await fetch(`${url}${path}`, { headers });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        text,
        body: (text.startsWith('{') ? JSON.parse(text) : {}) as Answer,
      };
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const inTime = await withTimeout(exited, STOPS_WITHIN_MS);
        if (!inTime) child.kill('SIGKILL');
        await exited;
        if (!inTime) throw new Error(`The service did not end within ${STOPS_WITHIN_MS / 1000} s of SIGTERM:\n${output()}`);
      }
      personal.mustNotBeIn(output());
      return child.exitCode;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
      personal.mustNotBeIn(output());
    },
  };
}

/** Runs the service until it exits by itself, for starts that must fail. */
export async function runToExit(env: Record<string, string>): Promise<{ code: number | null; output: string; stderr: string }> {
  const { child, output } = spawnService(env);
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output(), stderr };
}

function spawnService(env: Record<string, string>, uid?: number): { child: ChildProcess; output(): string } {
  // The service under test gets no variable of the developer's environment but these, and a free port.
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env;
  const child = spawn(process.execPath, [HEAP_LIMIT, ...OPTIMISES, MAIN], {
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), LOG_LEVEL: 'info', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}
