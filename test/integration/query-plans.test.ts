import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listStatement, ROWS_PER_PAGE, type LeadFilter } from '../../src/ledger/leads.repository.js';
import { BACKLOG, COUNT_OPEN, COUNT_STAGES } from '../../src/ledger/open-leads.repository.js';
import { COUNT_ARRIVALS, NEWEST_REJECTED, UNRESOLVED_TOKENS } from '../../src/ledger/marketo-arrivals.repository.js';
import { COLLECT } from '../../src/ledger/marketo-owed-sql.js';
import { LIST_ACTS } from '../../src/ledger/audit-log.repository.js';
import { GROUP_DEAD_LETTERS, LIST_DEAD_LETTERS } from '../../src/ledger/dead-letters.repository.js';
import {
  ARRIVALS,
  BY_CAMPAIGN,
  COUNT_DEAD,
  DEAD_WITHOUT_CRM,
  HAS_LEADS,
  PACE,
  PER_MINUTE,
} from '../../src/ledger/sla.repository.js';
import { KNOWN } from '../../src/routing/decisions.repository.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { loadThenIndex } from '../support/bulk-load.js';
import { freshDatabase } from '../support/database.js';
import { FULL } from '../support/full.js';
import { ledgerOn } from '../support/ledger.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;

/**
 * A tenth of the leads waits, as in an outage. One in a thousand is dead or discarded, and one campaign in a thousand
 * is rare.
 */
const ROWS = FULL ? 1_000_000 : 120_000;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 5, timeoutMs: 120_000, name: 'test' });
  const tables = ['ledger.leads', 'ledger.events', 'ledger.operator_acts', 'ledger.rejections', 'routing.assignments'];
  await loadThenIndex(pool, tables, async (client) => {
    await client.query(
      `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, name, attributes, state, received_at, content_at, crm, enrichment,
         first_synced_at, died_at, event_seq)
       SELECT gen_random_uuid(), sha256(n::text::bytea), 'e', 'e', CASE WHEN n % 1000 = 7 THEN 'rare' ELSE 'c' || n % 5 END, 'Person ' || n,
         jsonb_build_object('company', 'Company ' || n % 100, 'message', repeat('x', 200)), s.state, now() - n * interval '1 s', now() - n * interval '1 s',
         CASE WHEN s.state = 'synced' THEN '{}'::jsonb END,
         CASE WHEN s.state IN ('enriched', 'synced') THEN jsonb_build_object('fitScore', n % 101, 'intent', 'low') END,
         CASE WHEN s.state = 'synced' THEN now() - n * interval '1 s' END, CASE WHEN s.state = 'dead' THEN now() END, 1
       FROM generate_series(1, ${ROWS}) n,
         LATERAL (SELECT CASE WHEN n % 1000 = 1 THEN 'dead' WHEN n % 1000 = 2 THEN 'discarded' WHEN n % 20 = 3 THEN 'received'
           WHEN n % 20 = 5 THEN 'enriched' ELSE 'synced' END AS state) s`,
    );
    await client.query(
      "INSERT INTO ledger.events (lead_id, seq, kind, at) SELECT id, 1, 'synced', received_at FROM ledger.leads ORDER BY received_at",
    );
    await client.query(
      `INSERT INTO ledger.operator_acts (who, act) SELECT 'ann', CASE WHEN n % 100 = 1 THEN 'pause' ELSE 'replay' END
       FROM generate_series(1, 100000) n`,
    );
    // Half of the leads have an owner, one in a thousand of them a rare one, and `old` has the oldest hundredth.
    await client.query("INSERT INTO routing.rule_versions (who, hash, rules) VALUES ('ann', '', '{}')");
    await client.query(
      `INSERT INTO routing.assignments (lead_id, person_key, revision, owner_id, rule, rules_version, trace, received_at)
       SELECT id, person_key, 1, CASE WHEN place > ${ROWS / 2 - ROWS / 100} THEN 'old' WHEN place % 1000 = 7 THEN 'rare' ELSE 'o' || place % 5 END, 'r',
         (SELECT max(version) FROM routing.rule_versions), '[]', received_at
       FROM (SELECT id, person_key, received_at, row_number() OVER (ORDER BY received_at DESC) AS place FROM ledger.leads) l WHERE place <= ${ROWS / 2}`,
    );
    await client.query(
      `INSERT INTO ledger.rejections (received_at, content_type, body, code, detail, problems)
       SELECT now() - n * interval '1 minute', 'x', '{}', 'INVALID_BODY', '', '[]' FROM generate_series(1, 10000) n`,
    );
  });
  await pool.query(
    `INSERT INTO feedback.outcomes (person_key, kind, at, source)
     SELECT person_key, 'qualified', now(), 'test' FROM ledger.leads LIMIT ${ROWS / 4}`,
  );
  await pool.query('VACUUM ANALYZE feedback.outcomes');
}, 300_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
});

interface Node {
  'Node Type': string;
  'Index Name'?: string;
  Plans?: Node[];
}

/** The nodes of the plan from the root down, with the index of each scan. */
async function planOf(text: string, values: unknown[]): Promise<string[]> {
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`EXPLAIN (FORMAT JSON) ${text}`, values);
  const flat = (node: Node): string[] => [
    node['Node Type'] + (node['Index Name'] ? ` ${node['Index Name']}` : ''),
    ...(node['Plans'] ?? []).flatMap(flat),
  ];
  return flat(rows[0]!['QUERY PLAN'][0].Plan);
}

describe('what a scrape, an alert and a report read', () => {
  it.each([
    ['the backlog', BACKLOG, [300], 'Index Only Scan leads_waiting'],
    ['the open leads', COUNT_OPEN, [], 'Index Only Scan leads_waiting'],
    ['the leads of the stages', COUNT_STAGES, ['{}'], 'leads_'],
    ['the arrivals of an hour', ARRIVALS, [60, 300, [60, 300]], 'Index Only Scan leads_first_synced'],
    ['the dead of an hour', DEAD_WITHOUT_CRM, [60], 'leads_dead'],
    ['the dead', COUNT_DEAD, [], 'Index Only Scan leads_'],
    ['the pace', PACE, [], 'Bitmap Index Scan events_at'],
    ['what arrived of Marketo', COUNT_ARRIVALS, [], 'Index Scan leads_received'],
    ['tokens that were not replaced', UNRESOLVED_TOKENS, [], 'Index Scan events_pkey'],
    ['the newest rejections', NEWEST_REJECTED, [], 'Index Scan rejections_received'],
  ])('%s come from an index', async (_, text, values, scan) => {
    const plan = await planOf(text, values);
    expect(plan.join('\n')).toContain(scan);
    expect(plan.join('\n')).not.toContain('Seq Scan');
  });
});

it('what is owed to Marketo since the last look is found by the times of scores, owners and outcomes', async () => {
  const plan = (await planOf(COLLECT, ['2100-01-01T00:00:00Z', '2100-01-01T00:00:06Z'])).join('\n');
  for (const index of ['events_at', 'outcomes_seen', 'assignments_person', 'outcomes_person', 'leads_person'])
    expect(plan).toContain(index);
  // From PostgreSQL 18 on an index that begins with the owner serves too.
  expect(plan).toMatch(/assignments_(?:decided|open)/);
  expect(plan).not.toContain('Seq Scan');
});

interface ReadingNode {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}

/** Blocks of 8 kB that the query looks at. Time depends on the machine; this does not. */
async function blocksOf(text: string, values: unknown[]): Promise<number> {
  const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`;
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: ReadingNode }] }>(explain, values);
  const plan = rows[0]!['QUERY PLAN'][0].Plan;
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
}

describe('what a page of the console reads', () => {
  const none = [null, null, null, null, 50, null];

  // The bound of what concerns an hour is a few blocks per lead of that hour: here there are 3,600 of 120,000.
  it.each<[string, string, unknown[], string, number]>([
    ['arrivals and speed by minute', PER_MINUTE, [60], 'leads_first_synced', 12_000],
    ['campaigns of the hour', BY_CAMPAIGN, [60, 300], 'Index Only Scan leads_waiting', 12_000],
    ['whether there is a lead', HAS_LEADS, [], '', 10],
    ['dead letters', LIST_DEAD_LETTERS, none, 'leads_dead', 500],
    ['dead letters with a code', LIST_DEAD_LETTERS, [null, 'X', null, null, 50, 'Y'], 'leads_dead', 2000],
    ['causes of dead letters', GROUP_DEAD_LETTERS, [], 'leads_', 2000],
    ['acts of operators', LIST_ACTS, [null, null, null, 100], 'operator_acts_pkey', 50],
    ['acts of one kind', LIST_ACTS, [null, 'pause', null, 100], 'operator_acts_pkey', 500],
    ['later acts', LIST_ACTS, ['ann', null, '5000', 100], 'operator_acts_pkey', 50],
  ])('%s: not the whole table', async (_, text, values, index, blocks) => {
    const plan = (await planOf(text, values)).join('\n');
    expect(plan).toContain(index);
    if (index) expect(plan).not.toContain('Seq Scan');
    expect(await blocksOf(text, values)).toBeLessThan(blocks);
  });

  it('has acts in the order of their numbers, not of their digits', async () => {
    const { rows } = await pool.query<{ id: string }>(LIST_ACTS, [null, null, '101', 100]);
    expect(rows.map(({ id }) => Number(id))).toEqual(Array.from({ length: 100 }, (_, n) => 100 - n));
  });
});

describe('a page of leads', () => {
  const after = { receivedAt: new Date(Date.now() - 60_000_000).toISOString(), id: '00000000-0000-8000-8000-000000000001' };
  const hour = { from: new Date(Date.now() - 7_200_000).toISOString(), to: new Date(Date.now() - 3_600_000).toISOString() };

  it.each<[LeadFilter, string]>([
    [{}, 'leads_received'],
    [{ sort: 'oldest' }, 'leads_received'],
    [{ state: 'synced' }, 'leads_'],
    [{ state: 'discarded' }, 'leads_ended'],
    [{ state: 'dead' }, 'leads_ended'],
    [{ state: 'received' }, 'Index Only Scan leads_waiting'],
    [{ state: 'enriched', sort: 'oldest', ...hour }, 'Index Only Scan leads_waiting'],
    [{ state: 'received', open: { count: 1_000_000, since: new Date(0) } }, 'leads_received'],
    [{ state: 'received', open: { count: 1_000_000, since: null }, campaignId: 'rare' }, 'leads_'],
    [{ campaignId: 'rare' }, 'leads_campaign'],
    [{ campaignId: 'c1' }, 'leads_'],
    [{ campaignId: 'rare', state: 'discarded' }, 'leads_'],
    [{ personKey: 'ab'.repeat(32) }, 'leads_person'],
    [{ idPrefix: 'ab12' }, 'leads_pkey'],
    [{ idPrefix: 'ab12cd34-ab12', state: 'dead' }, 'leads_'],
    [hour, 'leads_received'],
    [{ ...hour, campaignId: 'rare' }, 'leads_campaign'],
    [{ minScore: 99 }, 'leads_received'],
    [{ intent: 'high' }, 'leads_received'],
    [{ q: 'person 77' }, 'leads_received'],
    [{ q: 'absent', campaignId: 'rare' }, 'leads_campaign'],
    [{ ownerId: 'rare' }, 'assignments_owned'],
    [{ ownerId: 'o1', sort: 'oldest' }, 'assignments_owned'],
    [{ ownerId: 'old', ...hour }, 'assignments_owned'],
    [{ ownerId: 'rare', q: 'absent' }, 'assignments_owned'],
  ])('with %j is read in the order of an index, from any cursor', async (filter, index) => {
    for (const cursor of [null, after]) {
      const { text, values, stoppedAt } = listStatement(filter, 50, cursor);
      for (const statement of [{ text, values }, ...(stoppedAt ? [stoppedAt] : [])]) {
        const plan = await planOf(statement.text, statement.values);
        expect(plan.join('\n')).toContain(index);
        expect(plan.join('\n')).not.toContain('Seq Scan');
      }
    }
  });

  it('finds what no index knows page by page, looking at a bounded number of rows each time', async () => {
    const { leads } = ledgerOn(pool);
    const pages: number[] = [];
    const found: (string | null)[] = [];
    let cursor: Parameters<typeof leads.listLeads>[2] = null;
    do {
      const page: Awaited<ReturnType<typeof leads.listLeads>> = await leads.listLeads({ q: 'PERSON 11999' }, 50, cursor);
      pages.push(page.items.length);
      found.push(...page.items.map(({ name }) => name));
      cursor = page.next;
    } while (cursor);
    // The newest of them is within the first page, the others follow after empty ones.
    expect([pages[0], pages.filter((found) => found > 0)]).toEqual([1, [1, 10]]);
    expect(pages).toHaveLength(Math.floor(ROWS / ROWS_PER_PAGE) + 1);
    expect(found.toSorted()).toEqual(['Person 11999', ...Array.from({ length: 10 }, (_, n) => `Person 11999${n}`)].toSorted());
  });

  it('takes the signs of a search for themselves', async () => {
    const { leads } = ledgerOn(pool);
    for (const q of ['%', '_', 'Person_1', '\\']) expect((await leads.listLeads({ q }, 50, null)).items).toEqual([]);
  });

  it('of an owner reads the leads of the owner alone, in the order of receipt', async () => {
    const { leads } = ledgerOn(pool);
    for (const ownerId of ['rare', 'old', 'o1']) {
      const { text, values } = listStatement({ ownerId }, 50, null);
      expect(await blocksOf(text, values)).toBeLessThan(600);
      const first = await leads.listLeads({ ownerId }, 30, null);
      const second = await leads.listLeads({ ownerId }, 30, first.next);
      const listed = [...first.items, ...second.items].map(({ id }) => id);
      const { rows } = await pool.query<{ id: string }>(
        `SELECT l.id FROM ledger.leads l JOIN routing.assignments a ON a.lead_id = l.id WHERE a.owner_id = $1
         ORDER BY l.received_at DESC, l.id DESC LIMIT 60`,
        [ownerId],
      );
      expect(listed).toEqual(rows.map(({ id }) => id));
    }
  });

  it('decides about owners by the decisions of these leads and persons alone', async () => {
    const leads = "SELECT id, encode(person_key, 'hex') AS key FROM ledger.leads LIMIT 200";
    const { rows } = await pool.query<{ id: string; key: string }>(leads);
    const values = [rows.map(({ id }) => id), rows.map(({ key }) => key)];
    expect(await blocksOf(KNOWN, values)).toBeLessThan(3000);
    // A table that grew fast has statistics of a small one: then PostgreSQL would rather read all of it.
    await pool.query("UPDATE pg_class SET reltuples = 1, relpages = 1 WHERE oid = 'routing.assignments'::regclass");
    expect(await blocksOf(KNOWN, values)).toBeLessThan(3000);
    await pool.query('ANALYZE routing.assignments');
  });

  it('filters by score and company', async () => {
    const { leads } = ledgerOn(pool);
    const { items } = await leads.listLeads({ minScore: 100, q: 'company 42' }, 50, null);
    expect(items.length).toBeGreaterThan(0);
    for (const item of items) expect([item.enrichment!.fitScore, item.attributes['company']]).toEqual([100, 'Company 42']);
  });
});
