// Starts the built service on stores of its own, posts a lead, waits until it is synced, and stops the service. For
// Node versions on which the whole suite does not run: `node scripts/smoke.mjs`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist/main.js');
const folder = mkdtempSync(join(tmpdir(), 'revenueflow-smoke-'));
const { PATH, HOME } = process.env;
const service = spawn(process.execPath, ['--enable-source-maps', main], {
  env: { PATH, HOME, DATA_DIR: join(folder, 'data'), PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(service, 'exit');
let output = '';
service.stdout.on('data', (chunk) => (output += chunk));

async function until(what, look) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    if (service.exitCode !== null) break;
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what} failed. The service printed:\n${output}`);
}

try {
  const url = await until('The start', () => /URL +(http:\S+)/.exec(output)?.[1]);
  const answer = await fetch(`${url}/leads`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'lead@enterprise.com', campaign_id: 'smoke' }),
  });
  if (answer.status !== 202) throw new Error(`POST /leads was answered ${answer.status}.`);
  const { leadId } = await answer.json();
  await until('The sync', async () => (await (await fetch(`${url}/ops/leads/${leadId}`)).json()).state === 'synced');
  service.kill('SIGTERM');
  const [code] = await exited;
  if (code !== 0) throw new Error(`The service stopped with ${code}. It printed:\n${output}`);
  console.log(`Node ${process.version}: started, POST /leads 202, synced, stopped.`);
} finally {
  service.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
