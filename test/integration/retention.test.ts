import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { FlowControlRepository } from '../../src/flow-control/flow-control.repository.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { openQueueBackend } from '../../src/queue/queue.module.js';
import type { QueueBackend } from '../../src/queue/queue-backend.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ledgerOn } from '../support/ledger.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 5, timeoutMs: 30_000, name: 'test' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() =>
  pool.query(
    'TRUNCATE ledger.leads, ledger.events, ledger.rejections, ledger.operator_acts, flow.ai_costs, flow.workers CASCADE',
  ),
);

/** A new repository per call, because each pauses after a run. */
async function prune(retentionDays?: number): Promise<number> {
  const { database, retention } = ledgerOn(pool, { retentionDays });
  await new FlowControlRepository(database, 'test').prune(retentionDays);
  return retention.prune();
}

/** Inserts `count` leads with three events each, received and last changed the given days ago. */
async function insert(count: number, state: string, receivedDays: number, touchedDays: number): Promise<void> {
  await pool.query(
    `WITH l AS (
       INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, received_at, content_at, touched_at, event_seq)
       SELECT gen_random_uuid(), sha256(n::text::bytea), 'e', 'e', 'c', $2, now() - $3 * interval '1 day', now() - $3 * interval '1 day',
         now() - $4 * interval '1 day', 3
       FROM generate_series(1, $1::int) n RETURNING id
     ) INSERT INTO ledger.events (lead_id, seq, kind) SELECT id, seq, 'x' FROM l, generate_series(1, 3) seq`,
    [count, state, receivedDays, touchedDays],
  );
}

async function left(): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; n: number }>(
    'SELECT state, count(*)::int AS n FROM ledger.leads GROUP BY state',
  );
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

describe('retention', () => {
  it('ends leads to which nothing happens any more, with their events, and no open lead ever', async () => {
    for (const state of ['received', 'enriched', 'synced', 'dead', 'discarded']) await insert(10, state, 100, 91);
    await insert(10, 'synced', 89, 89);
    await insert(10, 'synced', 400, 5); // received long ago, revised last week
    expect(await prune(90)).toBe(30);
    expect(await left()).toEqual({ received: 10, enriched: 10, synced: 20 });
    const { rows } = await pool.query(
      'SELECT count(*)::int AS n FROM ledger.events WHERE lead_id NOT IN (SELECT id FROM ledger.leads)',
    );
    expect(rows).toEqual([{ n: 0 }]);
    expect((await pool.query('SELECT count(*)::int AS n FROM ledger.events')).rows).toEqual([{ n: 120 }]);
  });

  it('removes batches, and skips rows that another statement has locked', async () => {
    await insert(6000, 'synced', 100, 100);
    const writer = await pool.connect();
    await writer.query('BEGIN');
    await writer.query('UPDATE ledger.leads SET touched_at = now() WHERE id IN (SELECT id FROM ledger.leads LIMIT 10)');
    expect(await prune(90)).toBe(5000);
    expect(await prune(90)).toBe(990);
    await writer.query('COMMIT');
    writer.release();
    expect(await prune(90)).toBe(0);
    expect(await left()).toEqual({ synced: 10 });
  });

  it('without RETENTION_DAYS removes only old refused requests and workers', async () => {
    await insert(10, 'synced', 4000, 4000);
    await pool.query(
      `INSERT INTO ledger.rejections (received_at, content_type, body, code, detail, problems)
       SELECT now() - d * interval '1 day', 'application/json', '', 'INVALID_BODY', '', '[]' FROM unnest(ARRAY[5, 20, 31]) d`,
    );
    await pool.query(
      "INSERT INTO ledger.operator_acts (at, who, act) VALUES (now() - interval '9 years', 'ann', 'pause'), (now(), 'ann', 'resume')",
    );
    await pool.query(
      "INSERT INTO flow.ai_costs SELECT day, 'p', 'm', 1, 1, 1, 0 FROM unnest(ARRAY['2020-01-01', now()::date]::date[]) day",
    );
    await pool.query("INSERT INTO flow.workers VALUES ('gone', now() - interval '2 days'), ('alive', now())");
    const count = async (table: string) =>
      (await pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`)).rows[0]!.n;
    const counts = async () =>
      Promise.all(['ledger.leads', 'ledger.rejections', 'ledger.operator_acts', 'flow.ai_costs', 'flow.workers'].map(count));
    expect(await prune()).toBe(0);
    expect(await counts()).toEqual([10, 2, 2, 2, 1]);
    expect(await prune(10)).toBe(10);
    expect(await counts()).toEqual([0, 1, 1, 1, 1]);
  });

  it('takes a lead that is sent again after that for a new one', async () => {
    const ledger = ledgerOn(pool);
    const lead = { email: 'a@a.com', emailRaw: 'a@a.com', campaignId: 'c', name: null, attributes: {} };
    const send = () => ledger.intake.accept({ ...lead, id: '00000000-0000-8000-8000-000000000001', personKey: '00'.repeat(32) });
    await send();
    await pool.query(
      "UPDATE ledger.leads SET state = 'synced', received_at = now() - interval '9 days', touched_at = received_at - interval '9 days'",
    );
    expect(await prune(5)).toBe(1);
    expect(await send()).toMatchObject({ outcome: 'accepted', revision: 1 });
  });

  it('forgets finished jobs of BullMQ’s tables after a day', async () => {
    const config = loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
    const backend: QueueBackend = await openQueueBackend(
      config,
      { databaseUrl: database.url, redisUrl: null },
      pino({ level: 'silent' }),
    );
    const queue = backend.queue('crm-sync');
    const jobs = ['1', '2'].map((n) => ({ leadId: `00000000-0000-8000-8000-00000000000${n}`, epoch: 1, jobId: `job-${n}` }));
    await queue.enqueue(jobs);
    const worker = await backend.startWorker('crm-sync', () => Promise.reject(new Error('a mistake of ours')), {
      name: 'test',
      concurrency: 1,
      leaseMs: 5000,
      lateAfterMs: 1e6,
    });
    await eventually(async () => expect((await queue.counts()).failed).toBe(2));
    await queue.clean();
    expect((await queue.counts()).failed).toBe(2);
    await pool.query("UPDATE bullmq.job SET finished_at_ms = finished_at_ms - 25 * 3600 * 1000 WHERE id = 'job-1'");
    await queue.clean();
    expect((await queue.counts()).failed).toBe(1);
    await worker.close(1000);
    await backend.close();
  });
});
