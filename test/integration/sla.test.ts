import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';
import { FULL } from '../support/full.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
let ledger: LedgerRepositories;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 5, timeoutMs: 120_000, name: 'test' });
  ledger = ledgerOn(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('TRUNCATE ledger.leads, ledger.events CASCADE'));

const enrichment = { fitScore: 80, intent: 'high', reasoning: 'A reason.', scoreSource: 'heuristic' } as Enrichment;

function accept(email: string, title = 'VP') {
  const key = { id: leadIdOf(email, 'c'), personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'c' };
  return ledger.intake.accept({ ...key, name: null, attributes: { title } });
}

async function bringToCrm({ leadId, epoch }: { leadId: string; epoch: number }): Promise<boolean> {
  const forScore = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
  const next = await ledger.results.checkpoint(forScore, enrichment);
  const forSync = (await ledger.claims.claimForSync(next))!;
  await ledger.results.markSynced(forSync, { provider: 'test', leadId: 'l', memberId: 'm' });
  return forSync.firstSync;
}

/** Leads that were received, scored and synced the given seconds ago. */
function insert(rows: [received: number, enriched: number | null, synced: number | null][], state: string) {
  return pool.query(
    `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, received_at, content_at,
       enriched_at, synced_at, first_enriched_at, first_synced_at, crm, died_at)
     SELECT gen_random_uuid(), sha256(received::text::bytea), 'e', 'e', 'c', $4, now() - received * interval '1 s',
       now() - received * interval '1 s', now() - enriched * interval '1 s', now() - synced * interval '1 s',
       now() - enriched * interval '1 s', now() - synced * interval '1 s',
       CASE WHEN synced IS NOT NULL THEN '{}'::jsonb END, CASE WHEN $4 = 'dead' THEN now() END
     FROM unnest($1::float[], $2::float[], $3::float[]) AS r (received, enriched, synced)`,
    [rows.map(([r]) => r), rows.map(([, e]) => e), rows.map(([, , s]) => s), state],
  );
}

describe('speed to lead', () => {
  it('ends with the first arrival: a revision that follows is no second lead', async () => {
    const first = await accept('ann@acme.com');
    expect(await bringToCrm(first)).toBe(true);
    const before = await pool.query('SELECT first_synced_at, first_enriched_at FROM ledger.leads');
    const second = await accept('ann@acme.com', 'CEO');
    expect(second.outcome).toBe('updated');
    expect(await bringToCrm(second)).toBe(false);
    expect((await pool.query('SELECT first_synced_at, first_enriched_at FROM ledger.leads')).rows).toEqual(before.rows);
    expect((await ledger.sla.arrivals(60, 300)).count).toBe(1);
  });

  it('does not take a lead that was in the CRM before it was measured for a first one', async () => {
    const first = await accept('old@acme.com');
    await bringToCrm(first);
    await pool.query('UPDATE ledger.leads SET first_synced_at = NULL, first_enriched_at = NULL');
    expect(await bringToCrm(await accept('old@acme.com', 'CEO'))).toBe(false);
    expect((await ledger.sla.arrivals(60, 300)).count).toBe(0);
  });

  it('has percentiles, clocks of both stages that add up, late ones and a histogram, of the window alone', async () => {
    await insert(
      [...Array.from({ length: 98 }, (): [number, number, number] => [101, 100.5, 100]), [1000, 600, 100], [500, 400, 100]],
      'synced',
    );
    await insert([[9000, 8000, 7300]], 'synced');
    const hour = await ledger.sla.arrivals(60, 300);
    expect([hour.count, hour.late]).toEqual([100, 2]);
    expect(hour.speedToLead.p50).toBeCloseTo(1, 3);
    expect(hour.speedToLead.max).toBeCloseTo(900, 3);
    expect(hour.stages.enrichment.max).toBeCloseTo(400, 3);
    expect(hour.stages['crm-sync'].max).toBeCloseTo(500, 3);
    expect(hour.histogram.filter(({ count }) => count > 0)).toEqual([
      { upTo: 2, count: 98 },
      { upTo: 900, count: 1 },
      { upTo: 3600, count: 1 },
    ]);
    expect((await ledger.sla.arrivals(180, 300)).count).toBe(101);
    expect((await ledger.sla.arrivals(1, 300)).speedToLead).toEqual({ p50: null, p95: null, p99: null, max: null });
  });

  it('counts as late what has not arrived, whether it waits or was dead-lettered', async () => {
    await insert(
      [
        [10, null, null],
        [400, null, null],
      ],
      'received',
    );
    await insert([[500, 400, null]], 'enriched');
    await insert([[9000, 8000, 7000]], 'enriched'); // a revision of a lead that is in the CRM
    await insert([[600, null, null]], 'dead');
    expect(await ledger.sla.overdue(60)).toEqual({ waiting: 2, dead: 1 });
    const [enrichment_, sync] = await ledger.sla.stageLoads();
    expect([enrichment_!.backlog, sync!.backlog]).toEqual([2, 2]);
    expect(sync!.oldestSeconds).toBeGreaterThan(8999);
  });

  it('has its pace from the audit trail of the last minute', async () => {
    for (let n = 0; n < 20; n++) await bringToCrm(await accept(`p${n}@acme.com`));
    await pool.query("UPDATE ledger.events SET at = at - interval '2 minutes' WHERE kind = 'synced'");
    const [scored, synced] = await ledger.sla.stageLoads();
    expect([scored!.perSecond, synced!.perSecond]).toEqual([2, 0]);
  });
});

describe('a report', () => {
  it('reads the rows of its window and those that wait, not the tables', async () => {
    // One lead per second, of which the last thousand wait.
    const leads = FULL ? 1_000_000 : 50_000;
    await pool.query(
      `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, received_at, content_at,
         enriched_at, synced_at, first_enriched_at, first_synced_at, crm)
       SELECT md5(n::text)::uuid, sha256(n::text::bytea), n || '@a.com', n || '@a.com', 'c',
         CASE WHEN n < 1000 THEN 'received' ELSE 'synced' END, at, at, synced, synced, synced, synced, CASE WHEN n >= 1000 THEN '{}'::jsonb END
       FROM (SELECT n, now() - n * interval '1 s' AS at, CASE WHEN n >= 1000 THEN now() - n * interval '1 s' + random() * interval '9 s' END AS synced
         FROM generate_series($1::int, 0, -1) n) l`,
      [leads - 1],
    );
    await pool.query(
      `INSERT INTO ledger.events (lead_id, seq, at, kind)
       SELECT id, 1, coalesce(synced_at, received_at), 'synced' FROM ledger.leads ORDER BY received_at`,
    );
    await pool.query('VACUUM ANALYZE ledger.leads, ledger.events');
    const before = await rowsRead();
    const arrived = await ledger.sla.arrivals(60, 300);
    await ledger.sla.overdue(60);
    const loads = await ledger.sla.stageLoads();
    await ledger.sla.oldestWithoutCrm();
    const after = await rowsRead();
    // The leads of the hour without the thousand that wait, and without the seconds of the inserts.
    expect(arrived.count).toBeGreaterThan(2000);
    expect(arrived.count).toBeLessThan(2700);
    expect(loads[0]!.backlog).toBe(1000);
    expect(after.byScan - before.byScan).toBe(0);
    expect(after.byIndex - before.byIndex).toBeGreaterThan(2000);
    expect(after.byIndex - before.byIndex).toBeLessThan(20_000);
  }, 300_000);
});

/** Rows of the two large tables that queries have read, by sequential scan and by index. */
async function rowsRead(): Promise<{ byScan: number; byIndex: number }> {
  // Each connection reports its statistics after a query; an idle one has reported already.
  await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_stat_force_next_flush(), pg_sleep(0.05)')));
  const { rows } = await pool.query<{ byScan: number; byIndex: number }>(
    `SELECT sum(seq_tup_read)::int AS "byScan",
       (SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes WHERE schemaname = 'ledger' AND relname IN ('leads', 'events')) AS "byIndex"
     FROM pg_stat_user_tables WHERE schemaname = 'ledger' AND relname IN ('leads', 'events')`,
  );
  return rows[0]!;
}
