import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { askOps, OPERATORS, SECRET } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const AT_BOUNDARY = pathToFileURL(join(import.meta.dirname, '../chaos/at-boundary.mjs')).href;

/** Real processes, one of which is stopped just before it writes to the CRM, the worst moment for an erasure. */
describe.skipIf(process.platform === 'win32')('a person who is erased while a worker is about to write to the CRM', () => {
  const undo: (() => Promise<unknown>)[] = [];
  let sql: pg.Client;
  let url: string;
  let record: string;
  let api: RunningProcess;

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-erasure-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    record = join(folder, 'boundaries');
    const database = await freshDatabase();
    undo.push(() => database.drop());
    ({ url } = database);
    sql = new pg.Client({ connectionString: url });
    await sql.connect();
    undo.push(() => sql.end());
  });
  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  });

  async function start(env: Record<string, string>): Promise<RunningProcess> {
    const service = await startProcess({
      DATABASE_URL: url,
      QUEUE_BACKEND: 'postgres',
      SWEEP_INTERVAL_MS: '300',
      ...OPERATORS,
      ...env,
    });
    undo.push(() => service.stop());
    return service;
  }

  /** A worker that has claimed the lead and is stopped. */
  async function freezeOne(leaseMs: string, chaos: Record<string, string> = {}): Promise<RunningProcess> {
    api = await start({ ROLE: 'api', LEASE_MS: leaseMs });
    const hooked = {
      NODE_OPTIONS: `--import ${AT_BOUNDARY}`,
      CHAOS_RECORD: record,
      CHAOS_FREEZE_AT: 'crm.sync:before',
      ...chaos,
    };
    const frozen = await start({ ROLE: 'worker', LEASE_MS: leaseMs, ...hooked });
    undo.push(async () => frozen.child.kill('SIGCONT')); // a stopped process ends no other way
    await api.post({ email: 'ann@acme.com', campaign_id: 'c', name: 'Ann' }, { headers: { 'x-webhook-secret': SECRET } });
    await eventually(() => expect(existsSync(record) && readFileSync(record, 'utf8')).toMatch(/^crm\.sync:before$/m));
    await start({ ROLE: 'worker', LEASE_MS: leaseMs });
    return frozen;
  }

  const erase = async () =>
    (await askOps(api, 'POST', '/ops/people/erase', { email: 'ann@acme.com' })).body as unknown as { receipt: string };
  const statusOf = async ({ receipt }: { receipt: string }) =>
    (await askOps(api, 'GET', `/ops/people/erasures/${receipt}`)).body.status;
  const count = async (text: string) => (await sql.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${text}`)).rows[0]!.n;
  const nothingLeft = async () =>
    expect([await count('ledger.leads'), await count('ledger.events'), await count('mock_crm.leads')]).toEqual([0, 0, 0]);

  it('does not come back when the worker goes on long after the receipt is complete', async () => {
    const frozen = await freezeOne('1000');
    const receipt = await erase();
    await eventually(async () => expect(await statusOf(receipt)).toBe('done'));
    await nothingLeft();
    frozen.child.kill('SIGCONT');
    await eventually(async () => expect(await count("ledger.erasures WHERE who = 'late write' AND done_at IS NOT NULL")).toBe(1));
    await nothingLeft();
  });

  it('does not come back when the worker writes and then crashes', async () => {
    const frozen = await freezeOne('4000', { CHAOS_KILL_AT: 'crm.sync:after' });
    const receipt = await erase();
    expect(await statusOf(receipt)).toBe('pending');
    frozen.child.kill('SIGCONT');
    await eventually(() => expect(frozen.child.signalCode).toBe('SIGKILL'));
    expect(await count('mock_crm.leads')).toBe(1); // written again, and the worker that knew of it has crashed
    await eventually(async () => expect(await statusOf(receipt)).toBe('done'));
    await nothingLeft();
    expect(await count("ledger.erasures WHERE who = 'late write'")).toBe(0);
  });
});
