import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { runCli } from '../../src/cli/run-cli.js';
import type { Answer, RunningProcess } from './service.js';

export const SECRET = 's'.repeat(40);
export const TOKEN = 't'.repeat(40);
export const OPERATORS = { WEBHOOK_SECRETS: SECRET, OPS_TOKENS: `ann:operator:${TOKEN},bob:viewer:${'v'.repeat(40)}` };

export const CLI = join(import.meta.dirname, '../../dist/cli/main.js');

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the CLI against a service with Ann's token. */
export function ops(service: RunningProcess, ...args: string[]): Promise<Ended> {
  return cli({ REVENUEFLOW_TOKEN: TOKEN, WEBHOOK_SECRETS: SECRET, REVENUEFLOW_URL: service.url }, ...args);
}

/**
 * Runs the CLI in this process, with this environment only and without a terminal. To start a process for each of the
 * hundreds of commands that the tests run takes minutes; `spawnCli` is for what only a process shows.
 */
export async function cli(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  const [stdout, stderr] = [new Captured(), new Captured()];
  const code = await runCli(args, { env, stdin: Readable.from([]), stdout, stderr });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Captured extends Writable {
  text = '';

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the compiled CLI in its own process, with this environment only and without a terminal. */
export function spawnCli(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env;
  const options = { env: { PATH, HOME, TZ: 'UTC', ...env }, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

/** Sends a request to the operations API, with Ann's token unless another is given. */
export async function askOps(service: RunningProcess, method: string, path: string, body?: unknown, token = TOKEN) {
  const answer = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer & Record<string, unknown> };
}
