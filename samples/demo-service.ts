import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DemoService {
  url: string;
  /** True where the demo started it, so that it has seen no lead yet. */
  fresh: boolean;
  stop(): Promise<void>;
}

interface ServiceRequest {
  url: string;
  keep: boolean;
  say(line: string): void;
  signal: AbortSignal;
  /** Settings of a service of our own; one that runs already has others, so it is not used. */
  env?: Record<string, string>;
}

const STARTED_WITHIN_MS = 90_000;

/**
 * The service started here gets its own stores. Otherwise it might have seen the samples before, and would write
 * invented people into the database or CRM of .env. An empty value means "the default" and overrides .env.
 */
const OWN_STORES = {
  ENV: 'MOCK',
  ROLE: 'all',
  HOST: '127.0.0.1',
  PORT: '0',
  DATABASE_URL: '',
  REDIS_URL: '',
  QUEUE_BACKEND: '',
  CRM_PROVIDER: 'postgres',
  CRM_SHADOW: '',
  CONTENT_IGNORE: '',
  MARKETO_BASE_URL: '',
};

/** The service that is ready at the URL, or one of our own where none answers there. */
export async function demoService(request: ServiceRequest): Promise<DemoService> {
  const { url, say } = request;
  if (request.env) return startService(request);
  const found = await probe(url);
  if (found === 'ready') {
    say(`Using the service at ${url}.`);
    return { url, fresh: false, stop: async () => {} };
  }
  if (found === 'not ready') {
    throw new Error(
      `The service at ${url} is not ready: see ${url}/health/ready. Wait until it answers 200, or name another --url.`,
    );
  }
  say(
    found === 'none' ? `No service answers at ${url}: starting one.` : `What answers at ${url} is something else: starting one.`,
  );
  return startService(request);
}

async function probe(url: string): Promise<'ready' | 'not ready' | 'something else' | 'none'> {
  let answer: Response;
  try {
    answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(3000) });
  } catch {
    return 'none';
  }
  const body = (await answer.json().catch(() => null)) as { dependencies?: unknown } | null;
  if (!body?.dependencies) return 'something else';
  return answer.ok ? 'ready' : 'not ready';
}

async function startService({ keep, say, signal, env = {} }: ServiceRequest): Promise<DemoService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'revenueflow-demo-'));
  const child = spawn(process.execPath, [join(import.meta.dirname, '../dist/main.js')], {
    env: { ...process.env, LOG_LEVEL: process.env['LOG_LEVEL'] || 'warn', ...OWN_STORES, ...env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    if (keep) say(`The data is in ${dataDir}.`);
    else await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const url = await urlOf(child, signal);
    say(`It serves at ${url}.`);
    return { url, fresh: true, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The URL that the service prints once it serves. */
function urlOf(child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string) => () => reject(new Error(`The service did not start: ${why}`));
    const timer = setTimeout(refuse(`it did not serve within ${STARTED_WITHIN_MS / 1000} s.`), STARTED_WITHIN_MS);
    timer.unref();
    let output = '';
    // The listener stays: an unread pipe would block the service once it is full.
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const url = /URL +(http:\S+)/.exec(output)?.[1];
      if (url) resolve(url);
    });
    child.once('exit', (code) => refuse(`it ended with exit code ${code}. What it said is above.`)());
    signal.addEventListener('abort', refuse('interrupted.'));
    if (signal.aborted) refuse('interrupted.')();
  });
}
