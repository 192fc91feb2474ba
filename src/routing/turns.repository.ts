import type { Queryable } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import type { World } from './availability.js';
import type { Member } from './members.repository.js';
import type { Turn } from './pool-turn.js';
import type { CompiledRules } from './rules.js';

/** How far back a lead without an outcome counts as open, in days. */
const OPEN_DAYS = 30;

const TURNS = `SELECT pool, rep, credit, assigned, expected, last_turn::float8 AS "lastTurn" FROM routing.pool_turns
  WHERE pool = ANY($1)`;

/** Of each owner at most as many as its cap, from the newest. */
const OPEN = `
SELECT o.owner_id AS "ownerId", (SELECT count(*) FROM (
    SELECT FROM routing.assignments a
    WHERE a.owner_id = o.owner_id AND a.ended_at IS NULL AND a.decided_at > now() - interval '${OPEN_DAYS} days'
      AND NOT EXISTS (SELECT FROM feedback.person_outcomes p WHERE p.person_key = a.person_key AND p.at >= a.decided_at)
    ORDER BY a.decided_at DESC LIMIT o.cap
  ) counted)::int AS open
FROM unnest($1::text[], $2::int[]) AS o (owner_id, cap)`;

const SAVE_TURNS = `
INSERT INTO routing.pool_turns AS t (pool, rep, credit, assigned, expected, last_turn)
SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::int[], $5::float8[], $6::bigint[])
ON CONFLICT (pool, rep) DO UPDATE SET credit = excluded.credit, assigned = excluded.assigned, expected = excluded.expected,
  last_turn = excluded.last_turn`;

const SAVE_DAYS = `
INSERT INTO routing.daily_counts AS c (rep, day, assigned)
SELECT * FROM unnest($1::text[], $2::date[], $3::int[])
ON CONFLICT (rep, day) DO UPDATE SET assigned = excluded.assigned`;

export interface LoadedWorld extends World {
  /** Writes the turns and counts that decisions changed. */
  save(on: Queryable): Promise<void>;
}

export interface WorldQuestion {
  rules: CompiledRules;
  pools: string[];
  members: ReadonlyMap<string, Pick<Member, 'active' | 'absent'>>;
  at: Date;
}

/** Reads what decisions about the pools need. Only inside of the transaction that decides may it be saved. */
export async function loadWorld(on: Queryable, { rules, pools, members, at }: WorldQuestion): Promise<LoadedWorld> {
  const reps = [...new Set(pools.flatMap((name) => rules.pools.get(name)!.members.map(({ rep }) => rep)))].map((id) =>
    rules.reps.get(id)!,
  );
  const days = new Map(reps.map(({ id, timeZone }) => [id, localDay(at, timeZone)]));
  const capped = reps.filter(({ dailyCap }) => dailyCap !== undefined);
  const limited = reps.filter(({ openCap }) => openCap !== undefined);
  const turns = await readTurns(on, pools);
  const today = await readDays(
    on,
    capped.map(({ id }) => ({ rep: id, day: days.get(id)! })),
  );
  const open = new Map<string, number>();
  if (limited.length > 0) {
    const values = [limited.map(({ ownerId }) => ownerId), limited.map(({ openCap }) => openCap)];
    const { rows } = await on.query<{ ownerId: string; open: number }>(OPEN, values);
    for (const row of rows) open.set(rules.repsByUser.get(row.ownerId)!.id, row.open);
  }
  let stamp = Math.max(0, ...[...turns.values()].flatMap((pool) => [...pool.values()].map(({ lastTurn }) => lastTurn)));
  const given = new Set<string>();
  return {
    at,
    member: (ownerId) => members.get(ownerId),
    turnsOf: (pool) => turns.get(pool)!,
    today: (rep) => today.get(rep) ?? 0,
    open: (rep) => open.get(rep) ?? 0,
    given(rep) {
      given.add(rep);
      today.set(rep, (today.get(rep) ?? 0) + 1);
      open.set(rep, (open.get(rep) ?? 0) + 1);
    },
    nextStamp: () => ++stamp,
    async save(to) {
      if (given.size === 0) return;
      const changed = [...turns].flatMap(([pool, ofPool]) => [...ofPool].map(([rep, turn]) => ({ pool, rep, ...turn })));
      const values = columns(changed, ['pool', 'rep', 'credit', 'assigned', 'expected', 'lastTurn']);
      await to.query({ name: 'routing-turns', text: SAVE_TURNS, values });
      const counted = capped.flatMap(({ id }) =>
        given.has(id) ? [{ rep: id, day: days.get(id)!, assigned: today.get(id)! }] : [],
      );
      if (counted.length > 0) await to.query(SAVE_DAYS, columns(counted, ['rep', 'day', 'assigned']));
    },
  };
}

/** The date in a time zone, `2026-11-27`. */
export function localDay(at: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at);
}

async function readTurns(on: Queryable, pools: string[]): Promise<Map<string, Map<string, Turn>>> {
  const turns = new Map<string, Map<string, Turn>>(pools.map((pool) => [pool, new Map<string, Turn>()]));
  if (pools.length === 0) return turns;
  const { rows } = await on.query<Turn & { pool: string; rep: string }>({ name: 'routing-pools', text: TURNS, values: [pools] });
  for (const { pool, rep, ...turn } of rows) turns.get(pool)!.set(rep, turn);
  return turns;
}

async function readDays(on: Queryable, wanted: { rep: string; day: string }[]): Promise<Map<string, number>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await on.query<{ rep: string; assigned: number }>(
    `SELECT c.rep, c.assigned FROM unnest($1::text[], $2::date[]) AS w (rep, day) JOIN routing.daily_counts c USING (rep, day)`,
    columns(wanted, ['rep', 'day']),
  );
  return new Map(rows.map(({ rep, assigned }) => [rep, assigned]));
}
