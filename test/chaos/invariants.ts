import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Told } from './load.js';
import type { World } from './world.js';

export interface Verdict {
  lost: number;
  doubled: number;
  /** Broken promises of any kind, a sentence each. */
  violations: string[];
}

const SETTLED_WITHIN_MS = 60_000;

/** Waits until nothing is under way any more, then checks what must hold after every trial. */
export async function judge(world: World, told: Told): Promise<Verdict> {
  const open = await settle(world);
  const violations = open > 0 ? [`${open} leads were still open after ${SETTLED_WITHIN_MS / 1000} s`] : [];

  const acked = [...told.acked];
  const lost = await world.count(
    'SELECT count(*)::int AS n FROM unnest($1::uuid[]) a (id) LEFT JOIN ledger.leads l USING (id) WHERE l.id IS NULL',
    [acked],
  );
  if (lost > 0) violations.push(`${lost} acknowledged leads are not in the ledger`);

  const doubled = await world.count(
    `SELECT (SELECT count(*) FROM mock_crm.leads)::int - (SELECT count(DISTINCT person_key) FROM ledger.leads WHERE id <> ALL ($1))::int
          + (SELECT count(*) FROM mock_crm.campaign_members)::int - (SELECT count(*) FROM ledger.leads WHERE id <> ALL ($1))::int AS n`,
    [[...world.doomed]],
  );
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
    [
      "CRM leads are not their person's newest content",
      `SELECT count(*)::int AS n FROM mock_crm.leads c
       JOIN LATERAL (SELECT id, attributes FROM ledger.leads WHERE person_key = c.person_key AND state = 'synced'
                     ORDER BY content_at DESC, id DESC LIMIT 1) newest ON true
       WHERE c.attributes <> newest.attributes OR c.source_lead <> newest.id`,
      [],
    ],
    [
      'leads that had to be given up are not dead letters',
      "SELECT count(*)::int AS n FROM ledger.leads WHERE state <> 'dead' AND id = ANY ($1)",
      [[...world.doomed]],
    ],
    [
      'leads ended elsewhere than in the CRM',
      "SELECT count(*)::int AS n FROM ledger.leads WHERE state NOT IN ('synced', 'received', 'enriched') AND id <> ALL ($1)",
      [[...world.doomed]],
    ],
  ];
  for (const [what, sql, values] of checks) {
    const found = await world.count(sql, values);
    if (found > 0) violations.push(`${found} ${what}`);
  }
  return { lost, doubled: Math.max(0, doubled), violations };
}

/** Gives the number of leads that are still open when patience ends. */
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
