import autocannon from 'autocannon';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Posts leads of distinct persons in one campaign, at most at a rate: each connection waits for the answer before. */
export function postLeads(url: string, rate: number, seconds: number, campaign: string) {
  const body = JSON.stringify({
    email: `[<id>]@${campaign}.com`.replaceAll('/', ''),
    name: 'Alex Smith',
    campaign_id: campaign,
    title: 'VP Sales',
  });
  return autocannon({
    url: `${url}/leads`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    idReplacement: true,
    connections: Math.min(64, Math.max(4, rate / 20)),
    overallRate: rate,
    duration: seconds,
  });
}

/**
 * Posts leads of distinct persons as independent people do: at random times of a mean rate, whether or not earlier ones
 * are answered.
 */
export async function postAtRandomTimes(url: string, rate: number, seconds: number, campaign: string): Promise<void> {
  let at = 0;
  await Promise.all(
    Array.from({ length: rate * seconds }, async (_, n) => {
      at -= (Math.log(1 - Math.random()) * 1000) / rate;
      await sleep(at);
      const body = { email: `p${n}@${campaign}.com`, name: 'Alex Smith', campaign_id: campaign, title: 'VP Sales' };
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/leads`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`POST /leads: ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    }),
  );
}

/** Leads that are not in the CRM yet. The count reads each of them, so use `allSynced` to wait for the end. */
export async function openLeads(sql: pg.Client): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM ledger.leads WHERE state IN ('received', 'enriched')",
  );
  return rows[0]!.n;
}

const POLL_MS = 100;

/**
 * Waits until no lead is unfinished, or for the given time. It queries rarely and for one lead only, to cost little.
 */
export async function allSynced(sql: pg.Client, withinMs = Infinity): Promise<void> {
  const deadline = Date.now() + withinMs;
  const open = "SELECT EXISTS (SELECT FROM ledger.leads WHERE state IN ('received', 'enriched')) AS open";
  while ((await sql.query<{ open: boolean }>(open)).rows[0]!.open && Date.now() < deadline) await sleep(POLL_MS);
}

export interface SpeedToLead {
  leads: number;
  p50: number;
  p95: number;
  p99: number;
}

/** From the webhook's receipt to the CRM, in milliseconds. */
export async function speedToLead(sql: pg.Client, campaign: string): Promise<SpeedToLead> {
  const percentiles = [50, 95, 99].map(
    (p) =>
      `round((extract(epoch FROM percentile_cont(${p / 100}) WITHIN GROUP (ORDER BY synced_at - content_at)) * 1000)::numeric)::int AS p${p}`,
  );
  const { rows } = await sql.query<SpeedToLead>(
    `SELECT count(*)::int AS leads, ${percentiles.join(', ')} FROM ledger.leads WHERE campaign_id = $1`,
    [campaign],
  );
  return rows[0]!;
}
