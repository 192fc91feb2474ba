import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SalesforceFake } from '../support/fakes/salesforce/index.js';
import type { Told } from './load.js';
import type { World } from './world.js';

export interface Verdict {
  lost: number;
  doubled: number;
  /** Violated guarantees, one sentence each. */
  violations: string[];
}

const SETTLED_WITHIN_MS = 60_000;

/** Waits until no lead is unfinished, then checks the invariants of every trial. */
export async function judge(world: World, told: Told): Promise<Verdict> {
  const open = await settle(world);
  // Worlds are reused. Without statistics of the rows of earlier trials, the joins below may run as nested loops.
  await world.query('ANALYZE');
  const violations = open > 0 ? [`${open} leads were still open after ${SETTLED_WITHIN_MS / 1000} s`] : [];

  const acked = [...told.acked];
  const lost = await world.count(
    'SELECT count(*)::int AS n FROM unnest($1::uuid[]) a (id) LEFT JOIN ledger.leads l USING (id) WHERE l.id IS NULL',
    [acked],
  );
  if (lost > 0) violations.push(`${lost} acknowledged leads are not in the ledger`);

  const due = await world.count(
    `SELECT (count(DISTINCT person_key) + count(*))::int AS n FROM ledger.leads WHERE id <> ALL ($1)`,
    [[...world.doomed]],
  );
  const doubled = (await recordsInCrm(world)) - due;
  if (doubled !== 0) violations.push(`the CRM has ${doubled} records more than persons and leads (negative: fewer)`);

  const checks: [string, string, unknown[]][] = [
    [
      'requests answered 4xx have a row',
      'SELECT count(*)::int AS n FROM ledger.leads WHERE email = ANY ($1)',
      [[...told.refusedEmails]],
    ],
    [
      'leads have a gap in their audit trail',
      `SELECT count(*)::int AS n FROM ledger.leads l
       LEFT JOIN (SELECT lead_id, count(*) AS events, max(seq) AS last FROM ledger.events GROUP BY 1) e ON e.lead_id = l.id
       WHERE e.events IS DISTINCT FROM l.event_seq OR e.last IS DISTINCT FROM l.event_seq`,
      [],
    ],
    ...(world.org ? [] : [MOCK_SHOWS_NEWEST]),
    [
      'leads that had to be dead-lettered are not',
      "SELECT count(*)::int AS n FROM ledger.leads WHERE state <> 'dead' AND id = ANY ($1)",
      [[...world.doomed]],
    ],
    [
      'leads ended elsewhere than in the CRM',
      "SELECT count(*)::int AS n FROM ledger.leads WHERE state NOT IN ('synced', 'received', 'enriched') AND id <> ALL ($1)",
      [[...world.doomed]],
    ],
  ];
  if (world.org) {
    const stale = await staleInOrg(world, world.org);
    if (stale > 0) violations.push(`${stale} Leads in Salesforce are not their person's newest content`);
  }
  for (const [what, sql, values] of checks) {
    const found = await world.count(sql, values);
    if (found > 0) violations.push(`${found} ${what}`);
  }
  return { lost, doubled: Math.max(0, doubled), violations };
}

const MOCK_SHOWS_NEWEST: [string, string, unknown[]] = [
  "CRM leads are not their person's newest content",
  `SELECT count(*)::int AS n FROM mock_crm.leads c
   JOIN LATERAL (SELECT id, attributes FROM ledger.leads WHERE person_key = c.person_key AND state = 'synced'
                 ORDER BY content_at DESC, id DESC LIMIT 1) newest ON true
   WHERE c.attributes <> newest.attributes OR c.source_lead <> newest.id`,
  [],
];

/** Duplicate persons and memberships together. In a Salesforce org only the unique key prevents duplicates. */
async function recordsInCrm(world: World): Promise<number> {
  if (world.org) return world.org.leads().length + world.org.members().length;
  return world.count(
    'SELECT ((SELECT count(*) FROM mock_crm.leads) + (SELECT count(*) FROM mock_crm.campaign_members))::int AS n',
  );
}

/** Leads whose version is not that of the person's newest scored content. */
async function staleInOrg(world: World, org: SalesforceFake): Promise<number> {
  const { rows } = await world.query<{ key: string; version: string }>(
    `SELECT DISTINCT ON (person_key) encode(person_key, 'hex') AS key,
       (extract(epoch FROM content_at) * 1000000)::bigint + scorings AS version
     FROM ledger.leads WHERE state = 'synced' ORDER BY person_key, content_at DESC, id DESC`,
  );
  const newest = new Map(rows.map(({ key, version }) => [key, Number(version)]));
  return org.leads().filter((lead) => newest.get(String(lead['RF_Person_Key__c'])) !== lead['RF_Version__c']).length;
}

/** The number of leads that are still unfinished at the deadline. */
async function settle(world: World): Promise<number> {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  let open = Number.NaN;
  while (Date.now() < deadline) {
    const spool = await spoolSize(world);
    open = await world.count("SELECT count(*)::int AS n FROM ledger.leads WHERE state IN ('received', 'enriched')");
    if (open === 0 && spool === 0) return 0;
    await sleep(50);
  }
  return open;
}

async function spoolSize(world: World): Promise<number> {
  const client = new Redis(world.redis.url);
  try {
    return await client.xlen('{revenueflow}:spool');
  } finally {
    client.disconnect();
  }
}
