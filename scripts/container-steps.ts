// Proves the Dockerfile where there is no container engine: carries out its steps in a scratch folder, makes the
// outcome read-only, and runs it as an unprivileged user, as api and as worker, against a PostgreSQL and a Redis of
// its own. A lead must get through, the health check must answer, and SIGTERM must end both within ten seconds. Then
// says how large the image's own layers are.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../src/platform/embedded/postgres.js';
import { findRedisServer, startEmbeddedRedis } from '../src/platform/embedded/redis.js';
import { buildFrom, type Built } from './container/build.js';
import { compressedBytes, makeReadOnly, makeWritable, packagesThatDoNotBelong } from './container/tree.js';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
/** As docker stop, and as ECS with its stop timeout above this. */
const STOP_WITHIN_MS = 10_000;
/** Who runs it where we are root: no file of the tree is theirs. */
const UNPRIVILEGED = 65_534;
/** node:24-slim, linux/amd64, compressed, by its page on Docker Hub: about 80 MB. */
const BASE_MB = 80;
const LIMIT_MB = 250;

const said = (line: string) => console.log(`== ${line}`);
const scratch = await mkdtemp(join(tmpdir(), 'revenueflow-container-'));
const undo: (() => unknown)[] = [() => rm(scratch, { recursive: true, force: true })];

interface Running {
  child: ChildProcess;
  output(): string;
}

function start(built: Built, argv: string[], env: Record<string, string>): Running {
  const readOnly = join(built.root, built.workdir);
  const child = spawn(argv[0] === 'node' ? process.execPath : argv[0]!, argv.slice(1), {
    cwd: readOnly,
    // No HOME and no temporary folder that could be written to, as on a read-only root filesystem.
    env: { PATH: process.env['PATH'] ?? '', HOME: readOnly, TMPDIR: readOnly, ...built.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}),
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

async function until<T>(what: string, look: () => Promise<T | null> | T | null, within = 30_000): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${within / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function serve(built: Built, env: Record<string, string>): Promise<Running & { url: string; port: string; role: string }> {
  const running = start(built, built.command, { ...env, PORT: '0' });
  undo.push(() => running.child.kill('SIGKILL'));
  const port = await until(`${env['ROLE']} serves`, () => {
    if (running.child.exitCode !== null) throw new Error(`${env['ROLE']} ended:\n${running.output()}`);
    return /URL +http:\S+:(\d+)/.exec(running.output())?.[1] ?? null;
  });
  return { ...running, port, url: `http://127.0.0.1:${port}`, role: env['ROLE']! };
}

async function postALead(url: string, secret: string, token: string): Promise<void> {
  const answer = await fetch(`${url}/leads`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ email: 'lead@enterprise.com', name: 'Alex Smith', campaign_id: 'container_steps' }),
  });
  if (answer.status !== 202) throw new Error(`POST /leads was answered ${answer.status}.`);
  const { leadId } = (await answer.json()) as { leadId: string };
  await until('The lead is synced', async () => {
    const journey = await fetch(`${url}/ops/leads/${leadId}`, { headers: { authorization: `Bearer ${token}` } });
    return ((await journey.json()) as { state: string }).state === 'synced' ? true : null;
  });
  said('POST /leads to the api: 202, and the worker brought the lead to synced');
}

try {
  said('the steps of the Dockerfile');
  const built = buildFrom(PROJECT, scratch, { VERSION: 'container-steps' });
  const tree = join(built.root, built.workdir);
  const strangers = packagesThatDoNotBelong(PROJECT, tree);
  if (strangers.length > 0) throw new Error(`These do not belong into the image: ${strangers.join(', ')}`);
  const layerMb = compressedBytes(built.root) / 1e6;
  makeReadOnly(scratch);
  undo.push(() => makeWritable(scratch));

  const postgres = await startEmbeddedPostgres({ folder: await store('postgres') });
  undo.push(() => postgres.stop());
  const binary = findRedisServer();
  const redis = binary ? await startEmbeddedRedis({ binary, folder: await store('redis') }) : null;
  if (redis) undo.push(() => redis.stop());
  else said('there is no redis-server on this machine: the queues are on PostgreSQL here');

  const secret = 'webhook-secret-of-container-steps-0001';
  const token = 'operator-token-of-container-steps-0001';
  // As on AWS: the password stands beside the URL, where a secret can be put.
  const databaseUrl = new URL(postgres.url);
  const { password } = databaseUrl;
  databaseUrl.password = '';
  const env = {
    ENV: 'MOCK',
    DATABASE_URL: databaseUrl.href,
    PGPASSWORD: password,
    ...(redis ? { REDIS_URL: redis.url } : { QUEUE_BACKEND: 'postgres' }),
    WEBHOOK_SECRETS: secret,
    OPS_TOKENS: `steps:operator:${token}`,
  };
  await only('migrate', start(built, ['node', 'dist/cli/main.js', 'migrate'], env));
  const services = await Promise.all(['api', 'worker'].map((role) => serve(built, { ...env, ROLE: role })));
  await postALead(services[0]!.url, secret, token);
  for (const { port, role } of services)
    await only(`health check of the ${role}`, start(built, built.healthcheck, { PORT: port }));
  for (const { child, role } of services) {
    const began = Date.now();
    child.kill('SIGTERM');
    const code = child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0];
    const ms = Date.now() - began;
    if (code !== 0 || ms > STOP_WITHIN_MS) throw new Error(`SIGTERM ended the ${role} with ${code} after ${ms} ms.`);
    said(`SIGTERM ended the ${role} in order after ${ms} ms, exit code 0`);
  }
  said(
    `the layers of ours: ${layerMb.toFixed(1)} MB compressed; with the base image (about ${BASE_MB} MB, as documented) below ${LIMIT_MB} MB`,
  );
  if (layerMb + BASE_MB > LIMIT_MB) throw new Error(`The image would exceed ${LIMIT_MB} MB.`);
} finally {
  for (const step of undo.toReversed()) await step();
}

async function store(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `revenueflow-${name}-`));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function only(what: string, { child, output }: Running): Promise<void> {
  const code = child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0];
  if (code !== 0) throw new Error(`${what}: exit code ${code}\n${output()}`);
  said(`${what}: exit code 0`);
}
