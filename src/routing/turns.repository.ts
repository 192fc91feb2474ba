import type { Queryable } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import type { World } from './availability.js';
import type { Member } from './members.repository.js';
import { ZoneClock } from './local-time.js';
import { PoolAccounts } from './pool-accounts.js';
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

const DAYS = `
SELECT c.rep, c.assigned FROM unnest($1::text[], $2::date[]) AS w (rep, day) JOIN routing.daily_counts c USING (rep, day)`;

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
  const capped = reps.filter(({ dailyCap }) => dailyCap !== undefined);
  const limited = reps.filter(({ openCap }) => openCap !== undefined);
  const days = new Map(capped.map(({ id, timeZone }) => [id, localDay(at, timeZone)]));
  const accounts = await PoolAccounts.read(on, pools);
  const today = await readDays(on, days);
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
    async save(to) {
      if (given.size === 0) return;
      await accounts.save(to, rules);
      const counted = capped.flatMap(({ id }) =>
        given.has(id) ? [{ rep: id, day: days.get(id)!, assigned: today.get(id)! }] : [],
      );
      if (counted.length > 0)
        await to.query({ name: 'routing-days', text: SAVE_DAYS, values: columns(counted, ['rep', 'day', 'assigned']) });
    },
  };
}

/** The date in a time zone, `2026-11-27`. */
function localDay(at: Date, timeZone: string): string {
  return new Date(ZoneClock.of(timeZone).wallTime(at.getTime())).toISOString().slice(0, 10);
}

async function readDays(on: Queryable, days: ReadonlyMap<string, string>): Promise<Map<string, number>> {
  if (days.size === 0) return new Map();
  const values = [[...days.keys()], [...days.values()]];
  const { rows } = await on.query<{ rep: string; assigned: number }>({ name: 'routing-today', text: DAYS, values });
  return new Map(rows.map(({ rep, assigned }) => [rep, assigned]));
}
