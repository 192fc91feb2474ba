import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { lives } from '../../src/platform/embedded/child-process.js';
import { freshDatabase, hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { copyCluster } from '../support/own-postgres.js';
import { runToExit, startProcess, type RunningProcess } from '../support/service.js';

const UNPRIVILEGED_UID = 65534;
const LEAD = { email: 'lead@enterprise.com', name: 'Alex Smith', campaign_id: 'launch_2024' };

let folder: string;
const running: RunningProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-start-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(env: Record<string, string>): Promise<RunningProcess> {
  const service = await startProcess(env);
  running.push(service);
  return service;
}

async function syncedLead(service: RunningProcess): Promise<{ id: string; revision: number }> {
  const { leadId } = (await service.post(LEAD)).body;
  return eventually(async () => {
    const { body } = await service.get(`/ops/leads/${leadId}`);
    expect(body.state).toBe('synced');
    return body;
  });
}

/** PATH without redis-server: a machine with Node alone. */
function nodeAlone(): Record<string, string> {
  return { PATH: join(process.execPath, '..', 'nowhere') };
}

describe('npm start on a machine with Node alone', () => {
  it('keeps its data for the next start, also after a kill -9', async () => {
    const env = { DATA_DIR: join(folder, 'data'), ...nodeAlone() };
    const first = await start(env);
    expect(first.output()).toContain('BullMQ on PostgreSQL (no redis-server was found');
    const { id } = await syncedLead(first);
    expect(await first.stop()).toBe(0);

    const second = await start(env);
    expect((await second.get(`/ops/leads/${id}`)).body.state).toBe('synced');
    const orphan = Number((await readFile(join(env.DATA_DIR, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
    await second.kill();
    expect(lives(orphan)).toBe(true);

    const third = await start(env);
    expect(lives(orphan)).toBe(false);
    expect((await third.post(LEAD)).body.status).toBe('duplicate');
    expect(await third.stop()).toBe(0);
  });

  it.skipIf(!hasRedis())('starts the redis-server that it finds, and ends the one that a kill -9 left behind', async () => {
    const env = { DATA_DIR: join(folder, 'data') };
    await copyCluster(join(env.DATA_DIR, 'postgres'));
    const first = await start(env);
    expect(first.output()).toMatch(/BullMQ on Redis [\d.]+, started here/);
    await syncedLead(first);
    const { pid } = JSON.parse(await readFile(join(env.DATA_DIR, 'redis/server.json'), 'utf8')) as { pid: number };
    await first.kill();
    const second = await start(env);
    expect(lives(pid)).toBe(false);
    expect((await second.post(LEAD)).body.status).toBe('duplicate');
  });

  it('runs twice at once on different ports and data folders, and refuses the same folder', async () => {
    const startIn = async (name: string) => {
      const DATA_DIR = join(folder, name);
      await copyCluster(join(DATA_DIR, 'postgres'));
      return start({ DATA_DIR, ...nodeAlone() });
    };
    const [a, b] = await Promise.all(['a', 'b'].map(startIn));
    expect((await a!.post(LEAD)).body.status).toBe('accepted');
    expect((await b!.post(LEAD)).body.status).toBe('accepted');
    const refused = await runToExit({ DATA_DIR: join(folder, 'a'), PORT: '0', ...nodeAlone() });
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(new RegExp(`Another instance \\(process ${a!.child.pid}\\).*DATA_DIR`));
    expect((await a!.post(LEAD)).body.status).toBe('duplicate');
  });

  it('works in any folder, from any folder: as root, PostgreSQL is another user who cannot enter it', async () => {
    const closed = join(folder, 'a folder with spaces and ünïcode');
    await mkdir(closed, { mode: 0o700 });
    const service = await start({ DATA_DIR: join(closed, 'data'), ...nodeAlone() });
    await syncedLead(service);
    expect(existsSync(join(closed, 'data/postgres/data/PG_VERSION'))).toBe(true);
  });
});

/** Whether all users may reach a path. What is below a private directory only its owner can run. */
async function isOpen(file: string): Promise<boolean> {
  for (let path = dirname(file); path !== dirname(path); path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false;
  }
  return true;
}

const anyoneCanRunIt = (await isOpen(import.meta.filename)) && (await isOpen(process.execPath));

describe.skipIf(process.getuid?.() !== 0 || !anyoneCanRunIt)('as root, lending the service to an ordinary user', () => {
  it('runs as well', async () => {
    await chown(folder, UNPRIVILEGED_UID, UNPRIVILEGED_UID);
    const service = await startProcess({ DATA_DIR: join(folder, 'data'), ...nodeAlone() }, UNPRIVILEGED_UID);
    running.push(service);
    await syncedLead(service);
    expect((await stat(join(folder, 'data/postgres/data'))).uid).toBe(UNPRIVILEGED_UID);
  });
});

describe('a start that cannot be', () => {
  it('says that the port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await copyCluster(join(folder, 'data/postgres'));
    const { code, stderr } = await runToExit({ DATA_DIR: join(folder, 'data'), PORT: String(port), ...nodeAlone() });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toBe(`Port ${port} on 127.0.0.1 is in use. Stop what listens there, or start with another PORT.\n`);
  });

  it('leaves a foreign folder as it was', async () => {
    await mkdir(join(folder, 'postgres'), { recursive: true });
    await writeFile(join(folder, 'postgres/thesis.txt'), 'ten years of work');
    const { code, output } = await runToExit({ DATA_DIR: folder, ...nodeAlone() });
    expect(code).toBe(78);
    expect(output).toMatch(/did not create \(thesis\.txt\)\. Nothing in it was changed/);
    expect(await readFile(join(folder, 'postgres/thesis.txt'), 'utf8')).toBe('ten years of work');
    expect(existsSync(join(folder, 'postgres/data'))).toBe(false);
  });

  it('says that a file is in the way of the data folder', async () => {
    await writeFile(join(folder, 'notes'), 'mine');
    for (const [place, what] of [
      ['notes', 'in its place'],
      ['notes/data', 'in its path'],
    ] as const) {
      const { code, stderr } = await runToExit({ DATA_DIR: join(folder, place), PORT: '0', ...nodeAlone() });
      expect(code).toBe(78);
      expect(stderr).toBe(
        `The data folder ${join(folder, place)} cannot be made: a file is ${what}. What was in it is as it was. ` +
          'Fix that and start again, or point DATA_DIR at another folder.\n',
      );
    }
    expect(await readFile(join(folder, 'notes'), 'utf8')).toBe('mine');
  });

  it.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
    'as root, says that the disk is full, at first and later',
    async () => {
      const small = join(folder, 'small');
      await mkdir(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', small]);
      try {
        const env = { DATA_DIR: small, PORT: '0', ...nodeAlone() };
        const first = await runToExit(env);
        expect([first.code, first.stderr]).toEqual([
          78,
          expect.stringMatching(/^The data folder \S+ is on a disk that is full\./),
        ]);
        expect(existsSync(join(small, 'postgres/data'))).toBe(false);
        execFileSync('mount', ['-o', 'remount,size=200m', small]);
        const service = await start(env);
        await syncedLead(service);
        await service.stop();
        await writeFile(join(small, 'filling'), Buffer.alloc(200_000_000)).catch(() => {});
        const later = await runToExit(env);
        expect([later.code, later.output]).toEqual([78, expect.stringContaining('is on a disk that is full')]);
        await rm(join(small, 'filling'));
        execFileSync('mount', ['-o', 'remount,size=200m', small]);
        const again = await start(env);
        expect((await again.post(LEAD)).body.status).toBe('duplicate');
        await again.stop();
      } finally {
        execFileSync('umount', ['-l', small]);
      }
    },
  );

  it('leaves a corrupt cluster as it is, and quotes the log', async () => {
    const env = { DATA_DIR: folder, ...nodeAlone() };
    await copyCluster(join(folder, 'postgres'));
    const control = join(folder, 'postgres/data/global/pg_control');
    await writeFile(control, 'garbage');
    const { code, output } = await runToExit(env);
    expect(code).toBe(1);
    expect(output).toMatch(/could not be started.*was left as it is/s);
    expect(output).toMatch(/pg_control/);
    expect(await readFile(control, 'utf8')).toBe('garbage');
  });

  it('names each wrong variable, exits with 78 and starts nothing', async () => {
    const { code, output } = await runToExit({ DATA_DIR: folder, PORT: 'many', AI_PROVIDER: 'oracle', WEBHOOK_SECRETS: 'short' });
    expect(code).toBe(78);
    expect(output.trim().split('\n')).toHaveLength(2);
    expect(output).toMatch(/PORT must be a whole number/);
    expect(output).not.toMatch(/many|short\b(?!er)/);
    expect(existsSync(join(folder, 'postgres'))).toBe(false);
  });

  it('says that a given database does not answer', async () => {
    const { code, output } = await runToExit({ DATABASE_URL: 'postgres://u:hidden@127.0.0.1:1/x', QUEUE_BACKEND: 'postgres' });
    expect(code).toBe(1);
    expect(output).toMatch(/PostgreSQL does not answer.*DATABASE_URL/);
    expect(output).not.toContain('hidden');
  });
});

describe('with stores of its own', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());
  const secret = 's'.repeat(40);
  const token = 't'.repeat(40);

  it('starts nothing, and api and worker share the work', async () => {
    const env = { DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', DATA_DIR: join(folder, 'unused') };
    const api = await start({ ...env, ROLE: 'api' });
    expect(api.output()).toContain('none: this role scores nothing');
    const { leadId } = (await api.post(LEAD)).body;
    expect((await api.get(`/ops/leads/${leadId}`)).body.state).toBe('received');
    const worker = await start({ ...env, ROLE: 'worker' });
    await eventually(async () => expect((await api.get(`/ops/leads/${leadId}`)).body.state).toBe('synced'));
    expect((await worker.post(LEAD)).status).toBe(404);
    expect((await worker.get('/health/ready')).body).toMatchObject({ status: 'up', role: 'worker' });
    expect(existsSync(env.DATA_DIR)).toBe(false);
  });

  it('asks for its secrets', async () => {
    const service = await start({
      DATABASE_URL: database.url,
      QUEUE_BACKEND: 'postgres',
      WEBHOOK_SECRETS: `${'old'.repeat(12)},${secret}`,
      OPS_TOKENS: `ann:viewer:${token}`,
    });
    const lead = { ...LEAD, campaign_id: 'secrets' };
    expect((await service.post(lead)).status).toBe(401);
    expect((await service.post(lead, { headers: { 'x-webhook-secret': 'wrong' } })).body).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect((await service.post(lead, { headers: { 'x-webhook-secret': 'old'.repeat(12) } })).status).toBe(202);
    expect((await service.post(lead, { headers: { authorization: `Bearer ${secret}` } })).status).toBe(200);
    expect((await service.get('/ops/leads')).status).toBe(401);
    expect((await service.get('/metrics')).status).toBe(401);
    expect((await service.get('/ops/leads', { authorization: `Bearer ${secret}` })).status).toBe(401);
    expect((await service.get('/ops/leads', { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await service.get('/health/ready')).status).toBe(200);
    expect(service.output()).not.toContain(secret);
  });
});
