import type { Queryable } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import type { World } from './availability.js';
import type { Member } from './members.repository.js';
import { ZoneClock } from './local-time.js';
import { PoolAccounts, type TurnRow } from './pool-accounts.js';
import type { CompiledRules } from './rules.js';

/** How far back a lead without an outcome counts as open, in days. */
const OPEN_DAYS = 30;

/** Of each owner at most as many as its cap, from the newest. */
const OPEN = `
SELECT o.owner_id AS "ownerId", (SELECT count(*) FROM (
    SELECT FROM routing.assignments a
    WHERE a.owner_id = o.owner_id AND a.ended_at IS NULL AND a.decided_at > now() - interval '${OPEN_DAYS} days'
      AND NOT EXISTS (SELECT FROM feedback.person_outcomes p WHERE p.person_key = a.person_key AND p.at >= a.decided_at)
    ORDER BY a.decided_at DESC LIMIT o.cap
  ) counted)::int AS open
FROM unnest($1::text[], $2::int[]) AS o (owner_id, cap)`;

/** The turns of pools, and what reps got on a day. A rep who is new in its pools has no turn. */
const TURNS_AND_DAYS = `
SELECT t.pool, rep, t.credit, t.assigned, t.expected, t.last_turn::float8 AS "lastTurn", t.weight, t.shares, d.today
FROM (SELECT * FROM routing.turns WHERE pool = ANY($1)) t FULL JOIN (
    SELECT rep, c.assigned AS today FROM unnest($2::text[], $3::date[]) AS w (rep, day) JOIN routing.daily_counts c USING (rep, day)
  ) d USING (rep)`;

/**
 * Parts of a statement that writes what decisions changed, with the parameters $1 to $13:
 * `changedColumns`.
 */
export const SAVE_CHANGES = `
saved_turns AS (
  INSERT INTO routing.pool_turns AS t (pool, rep, credit, assigned, expected, last_turn, weight, shares_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::int[], $5::float8[], $6::bigint[], $7::float8[], $8::float8[])
  ON CONFLICT (pool, rep) DO UPDATE SET credit = excluded.credit, assigned = excluded.assigned, expected = excluded.expected,
    last_turn = excluded.last_turn, weight = excluded.weight, shares_at = excluded.shares_at
), saved_shares AS (
  INSERT INTO routing.pool_shares AS s (pool, shares) SELECT * FROM unnest($9::text[], $10::float8[])
  ON CONFLICT (pool) DO UPDATE SET shares = excluded.shares
), saved_days AS (
  INSERT INTO routing.daily_counts AS c (rep, day, assigned) SELECT * FROM unnest($11::text[], $12::date[], $13::int[])
  ON CONFLICT (rep, day) DO UPDATE SET assigned = excluded.assigned
)`;

/** Parameters of SAVE_CHANGES that write nothing. */
export const NO_CHANGES: string[] = Array.from({ length: 13 }, () => '{}');

export interface LoadedWorld extends World {
  /** The parameters of SAVE_CHANGES: turns, shares of pools and counts of days that decisions changed. */
  changedColumns(): string[];
}

export interface WorldQuestion {
  rules: CompiledRules;
  pools: string[];
  members: ReadonlyMap<string, Pick<Member, 'active' | 'absent'>>;
  at: Date;
}

/** Reads what decisions about the pools need. Only inside of the transaction that decides may its changes be saved. */
export async function loadWorld(on: Queryable, { rules, pools, members, at }: WorldQuestion): Promise<LoadedWorld> {
  const reps = [...new Set(pools.flatMap((name) => rules.pools.get(name)!.members.map(({ rep }) => rep)))].map((id) =>
    rules.reps.get(id)!,
  );
  const capped = reps.filter(({ dailyCap }) => dailyCap !== undefined);
  const limited = reps.filter(({ openCap }) => openCap !== undefined);
  const days = localDays(at, capped);
  const { turns, today } = await readTurns(on, pools, days);
  const accounts = new PoolAccounts(pools, turns);
  const open = new Map<string, number>();
  if (limited.length > 0) {
    const values = [limited.map(({ ownerId }) => ownerId), limited.map(({ openCap }) => openCap)];
    const { rows } = await on.query<{ ownerId: string; open: number }>(OPEN, values);
    for (const row of rows) open.set(rules.repsByUser.get(row.ownerId)!.id, row.open);
  }
  let stamp = accounts.lastTurn();
  const given = new Set<string>();
  return {
    at,
    member: (ownerId) => members.get(ownerId),
    turnsOf: (pool) => accounts.turnsOf(pool),
    today: (rep) => today.get(rep) ?? 0,
    open: (rep) => open.get(rep) ?? 0,
    given({ pool, rep, share }) {
      given.add(rep);
      today.set(rep, (today.get(rep) ?? 0) + 1);
      open.set(rep, (open.get(rep) ?? 0) + 1);
      accounts.addShare(pool, share);
    },
    nextStamp: () => ++stamp,
    changedColumns() {
      const changed = accounts.changes(rules);
      const counted = capped.flatMap(({ id }) =>
        given.has(id) ? [{ rep: id, day: days.get(id)!, assigned: today.get(id)! }] : [],
      );
      return [
        ...columns(changed.turns, ['pool', 'rep', 'credit', 'assigned', 'expected', 'lastTurn', 'weight', 'sharesAt']),
        ...columns(changed.shares, ['pool', 'shares']),
        ...columns(counted, ['rep', 'day', 'assigned']),
      ];
    },
  };
}

/** The date of each rep in its time zone, `2026-11-27`. */
function localDays(at: Date, reps: { id: string; timeZone: string }[]): Map<string, string> {
  const dates = new Map<string, string>();
  const dateIn = (timeZone: string) => {
    const date = dates.get(timeZone) ?? new Date(ZoneClock.of(timeZone).wallTime(at.getTime())).toISOString().slice(0, 10);
    dates.set(timeZone, date);
    return date;
  };
  return new Map(reps.map(({ id, timeZone }) => [id, dateIn(timeZone)]));
}

async function readTurns(
  on: Queryable,
  pools: string[],
  days: ReadonlyMap<string, string>,
): Promise<{ turns: TurnRow[]; today: Map<string, number> }> {
  if (pools.length === 0) return { turns: [], today: new Map() };
  const values = [pools, [...days.keys()], [...days.values()]];
  const { rows } = await on.query<ReadRow>({ name: 'routing-turns', text: TURNS_AND_DAYS, values });
  return {
    turns: rows.filter((row): row is ReadRow & { pool: string } => row.pool !== null),
    today: new Map(rows.flatMap(({ rep, today }) => (today === null ? [] : [[rep, today]]))),
  };
}

type ReadRow = Omit<TurnRow, 'pool'> & { pool: string | null; today: number | null };
