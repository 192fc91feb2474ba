import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, RunningProcess } from './service.js';

export const SECRET = 's'.repeat(40);
export const TOKEN = 't'.repeat(40);
export const OPERATORS = { WEBHOOK_SECRETS: SECRET, OPS_TOKENS: `ann:operator:${TOKEN},bob:viewer:${'v'.repeat(40)}` };

export const CLI = join(import.meta.dirname, '../../dist/cli/main.js');

/** Runs `npm run ops -- …` against a service, as Ann. */
export function ops(service: RunningProcess, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, OPS_TOKENS: `ann:operator:${TOKEN}`, WEBHOOK_SECRETS: SECRET, REVENUEFLOW_URL: service.url };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

/** One request to the operations endpoints; Ann's unless another token is given. */
export async function askOps(service: RunningProcess, method: string, path: string, body?: unknown, token = TOKEN) {
  const answer = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer & Record<string, unknown> };
}
