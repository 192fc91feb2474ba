import { spawn } from 'node:child_process';
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

/** The service at the URL, or one of our own where none answers there. */
export async function demoService(url: string, keep: boolean, say: (line: string) => void): Promise<DemoService> {
  const answers = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2000) }).then(
    (answer) => answer.ok,
    () => false,
  );
  if (answers) {
    say(`Using the service at ${url}.`);
    return { url, fresh: false, stop: async () => {} };
  }
  say(`No service answers at ${url}: starting one.`);
  return startService(keep, say);
}

async function startService(keep: boolean, say: (line: string) => void): Promise<DemoService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'revenueflow-demo-'));
  const env = { ...process.env, PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'warn' };
  const child = spawn(process.execPath, [join(import.meta.dirname, '../dist/main.js')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
    if (keep) say(`The data is in ${dataDir}.`);
    else await rm(dataDir, { recursive: true, force: true });
  };
  // A Ctrl-C reaches the service through the terminal as well; we only wait for it and clean up.
  process.once('SIGINT', () => void stop().then(() => process.exit(130)));
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const match = /URL +(http:\S+)/.exec(output);
      if (match) resolve(match[1]!);
    });
    child.once('exit', (code) => reject(new Error(`The service exited with ${code} before it served. What it said is above.`)));
  });
  say(`It serves at ${url}.`);
  return { url, fresh: true, stop };
}
