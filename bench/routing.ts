import Table from 'cli-table3';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Database } from '../src/platform/database/database.js';
import { openPool } from '../src/platform/database/pool.js';
import { AccountsRepository } from '../src/routing/accounts.repository.js';
import { DecisionsRepository, type ActiveRules, type RoutedLead } from '../src/routing/decisions.repository.js';
import { MembersRepository } from '../src/routing/members.repository.js';
import { RuleVersionsRepository } from '../src/routing/rule-versions.repository.js';
import { readRoutingRules, type CompiledRules } from '../src/routing/rules.js';
import { drainOurs, speedAtFifty } from './drain.js';
import { machine, median, startStores, type Stores } from './support.js';

export interface RoutingOptions {
  leads: number;
  rounds: number;
  accounts: number;
  batches: number;
  say(line: string): void;
}

const RULES = 1000;
const MEMBERS = 200;
const BATCH = 100;
const SEED_STEP = 100_000;

interface Pair {
  drain: number;
  p95: number;
}

/**
 * Runs with and without routing take turns on the same stores, and each pair gives a ratio or a difference. Then
 * batches of decisions beside a mirror of many accounts.
 */
export async function benchRouting(options: RoutingOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'revenueflow-bench-routing-'));
  const path = join(folder, 'rules.json');
  await writeFile(path, JSON.stringify(rules()));
  const stores = await startStores();
  try {
    const off: Pair[] = [];
    const on: Pair[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      // The order changes, since the second of two runs meets a larger ledger.
      for (const routed of round % 2 === 0 ? [false, true] : [true, false]) {
        const run = await measure(stores, options.leads, `${routed ? 'on' : 'off'}${round}`, routed ? path : null);
        options.say(
          `round ${round}/${options.rounds}, routing ${routed ? 'on' : 'off'}: ${Math.round(run.drain)} leads/s, p95 ${run.p95} ms`,
        );
        if (round > 0) (routed ? on : off).push(run); // the first round warms the machine up
      }
    }
    await seedAccounts(stores, options.accounts, options.say);
    const decisionMs = await timeDecisions(stores, options);
    const middle = (runs: Pair[], key: keyof Pair) => median(runs.map((run) => run[key]));
    const eachPair = (of: (with_: Pair, without: Pair) => number) => median(on.map((run, index) => of(run, off[index]!)));
    return {
      bench: 'routing',
      machine: machine(),
      ...options,
      say: undefined,
      rules: RULES,
      members: MEMBERS,
      rows: (
        [
          [false, off],
          [true, on],
        ] as const
      ).map(([routed, runs]) => ({
        routed,
        leadsPerSecond: Math.round(middle(runs, 'drain')),
        p95Ms: middle(runs, 'p95'),
      })),
      drainRatio: Number(eachPair((run, other) => run.drain / other.drain).toFixed(3)),
      p95MoreMs: eachPair((run, other) => run.p95 - other.p95),
      decisionMs,
    };
  } finally {
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The last rule matches, so that each is tried; its pool has all members. */
function rules(): object {
  const members = Array.from({ length: MEMBERS }, (_, index) => `005${String(index).padStart(12, '0')}AAA`);
  const rule = (name: string, when: object) => ({ name, when, ['then' as string]: { pool: 'all' } });
  const others = Array.from({ length: RULES - 1 }, (_, index) =>
    rule(`rule ${index}`, {
      all: [
        { field: 'campaignId', eq: `campaign ${index}` },
        {
          any: [
            { field: 'attributes.country', in: ['DE', 'FR'] },
            { field: 'enrichment.fitScore', gte: index % 100 },
          ],
        },
      ],
    }),
  );
  return {
    reps: members.map((id) => ({ id, timeZone: 'Europe/Berlin', hours: { 'mon-sun': '00:00-24:00' }, dailyCap: 100_000 })),
    pools: [{ name: 'all', members: members.map((rep, index) => ({ rep, weight: 1 + (index % 3) })) }],
    rules: [...others, rule('the last', { field: 'email', known: true })],
    fallback: { pool: 'all' },
  };
}

async function measure(stores: Stores, leads: number, tag: string, path: string | null): Promise<Pair> {
  const env: Record<string, string> = path === null ? {} : { ROUTING_RULES: path };
  const { perSecond } = await drainOurs(stores, 'redis', leads, `drain${tag}`, env);
  const { p95 } = await speedAtFifty(stores, 'redis', `fifty${tag}`, env);
  return { drain: perSecond, p95 };
}

async function seedAccounts({ databaseUrl }: Stores, count: number, say: (line: string) => void): Promise<void> {
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  for (let from = 0; from < count; from += SEED_STEP) {
    const to = Math.min(from + SEED_STEP, count) - 1;
    await sql.query(
      `INSERT INTO routing.accounts (account_id, owner_id, name, created_at)
       SELECT '001' || n, '005' || lpad((n % $3)::text, 12, '0') || 'AAA', 'Account ' || n, now()
       FROM generate_series($1::int, $2::int) n`,
      [from, to, MEMBERS],
    );
    await sql.query(
      `INSERT INTO routing.account_domains (domain, account_id) SELECT 'account' || n || '.com', '001' || n
       FROM generate_series($1::int, $2::int) n`,
      [from, to],
    );
    say(`${to + 1} of ${count} accounts`);
  }
  await sql.query('VACUUM ANALYZE routing.accounts, routing.account_domains');
  await sql.end();
}

/** Milliseconds per lead in batches of 100, stored as well: the median and the 95th percentile. */
async function timeDecisions(stores: Stores, { accounts, batches }: RoutingOptions): Promise<Record<string, number[]>> {
  const pool = openPool({ url: stores.databaseUrl, max: 2, timeoutMs: 60_000, name: 'bench' });
  try {
    const database = new Database(pool);
    const decisions = new DecisionsRepository(database, new MembersRepository(database), new AccountsRepository(database));
    const version = (await new RuleVersionsRepository(database).activeVersion())!;
    const active: ActiveRules = { rules: compiled(), version };
    const times: Record<string, number[]> = { 'by a rule and a pool': [], 'by the matched account': [] };
    for (let batch = -5; batch < batches; batch++) {
      for (const kind of Object.keys(times)) {
        const matched = kind === 'by the matched account';
        const domain = (n: number) =>
          matched ? `account${((batch + 6) * 7919 + n * 104_729) % accounts}.com` : `new${batch}-${n}.com`;
        const leads = await acceptBatch(pool, `${kind} ${batch}`, domain);
        const began = performance.now();
        await decisions.decide(active, leads, new Date());
        if (batch >= 0) times[kind]!.push((performance.now() - began) / BATCH); // the first ones warm up
      }
    }
    const rounded = (ms: number) => Number(ms.toFixed(3));
    const p95 = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]!;
    return Object.fromEntries(Object.entries(times).map(([kind, values]) => [kind, [median(values), p95(values)].map(rounded)]));
  } finally {
    await pool.end();
  }
}

function compiled(): CompiledRules {
  const read = readRoutingRules(rules());
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.rules;
}

async function acceptBatch(pool: pg.Pool, tag: string, domain: (n: number) => string): Promise<RoutedLead[]> {
  const emails = Array.from({ length: BATCH }, (_, n) => `p@${domain(n)}`);
  const { rows } = await pool.query<{ leadId: string; personKey: string; email: string }>(
    `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, received_at, content_at)
     SELECT gen_random_uuid(), sha256(($2 || email)::bytea), email, email, 'bench', 'synced', now(), now()
     FROM unnest($1::text[]) email
     RETURNING id AS "leadId", encode(person_key, 'hex') AS "personKey", email`,
    [emails, tag],
  );
  const enrichment = { fitScore: 50, intent: 'high' as const };
  return rows.map((row) => ({
    ...row,
    revision: 1,
    campaignId: 'bench',
    attributes: { country: 'US' },
    enrichment,
    band: 'warm',
  }));
}

export function printRouting(result: Awaited<ReturnType<typeof benchRouting>>): void {
  const table = new Table({
    head: ['owners by rules', 'leads/s', 'speed to lead at 50/s, p95 ms'],
    style: { head: [], border: [] },
  });
  for (const { routed, leadsPerSecond, p95Ms } of result.rows) table.push([routed ? 'on' : 'off', leadsPerSecond, p95Ms]);
  const { rules: count, members, accounts, leads, rounds } = result;
  console.log(`\n${result.machine}\n${count} rules, ${members} members; ${leads} leads a drain, medians of ${rounds} pairs`);
  console.log(`${table.toString()}\ndrain with / without: ${result.drainRatio}; p95 with - without: ${result.p95MoreMs} ms`);
  for (const [kind, [p50, p95]] of Object.entries(result.decisionMs))
    console.log(`a decision ${kind}, in batches of ${BATCH}, ${accounts} accounts: ${p50} ms a lead (p95 ${p95} ms)`);
}
