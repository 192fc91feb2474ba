import type { Queryable } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import { newTurn, ROUNDING, type Turn } from './pool-turn.js';
import type { CompiledRules } from './rules.js';

const TURNS = `
SELECT pool, rep, credit, assigned, expected, last_turn::float8 AS "lastTurn", weight, shares
FROM routing.turns WHERE pool = ANY($1)`;

const SAVE = `
WITH shared AS (
  INSERT INTO routing.pool_shares AS s (pool, shares) SELECT * FROM unnest($9::text[], $10::float8[])
  ON CONFLICT (pool) DO UPDATE SET shares = excluded.shares
)
INSERT INTO routing.pool_turns AS t (pool, rep, credit, assigned, expected, last_turn, weight, shares_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::int[], $5::float8[], $6::bigint[], $7::float8[], $8::float8[])
ON CONFLICT (pool, rep) DO UPDATE SET credit = excluded.credit, assigned = excluded.assigned, expected = excluded.expected,
  last_turn = excluded.last_turn, weight = excluded.weight, shares_at = excluded.shares_at`;

interface Read {
  credit: number;
  expected: number;
  lastTurn: number;
  /** With which the row is credited while nothing is written; 0 for a member who was absent. */
  weight: number;
}

interface Account {
  turns: Map<string, Turn>;
  /** As they were read. */
  read: Map<string, Read>;
  /** What a weight of 1 was ever credited with. */
  shares: number;
  added: number;
}

/**
 * The turns of pools as decisions change them. A lead credits each member who is there with its share. The sum of the
 * pool's shares and the weight in a member's row say the same, so only the other rows are written: of members who got a
 * lead, came, left, or have another weight now.
 */
export class PoolAccounts {
  private constructor(private readonly accounts: ReadonlyMap<string, Account>) {}

  static async read(on: Queryable, pools: string[]): Promise<PoolAccounts> {
    const accounts = new Map<string, Account>(
      pools.map((pool) => [pool, { turns: new Map(), read: new Map(), shares: 0, added: 0 }]),
    );
    if (pools.length === 0) return new PoolAccounts(accounts);
    const { rows } = await on.query<TurnRow>({ name: 'routing-turns', text: TURNS, values: [pools] });
    for (const { pool, rep, weight, shares, ...turn } of rows) {
      const account = accounts.get(pool)!;
      const { credit, expected, lastTurn } = turn;
      account.shares = shares;
      account.turns.set(rep, turn);
      account.read.set(rep, { credit, expected, lastTurn, weight });
    }
    return new PoolAccounts(accounts);
  }

  turnsOf(pool: string): Map<string, Turn> {
    return this.accounts.get(pool)!.turns;
  }

  /** The number of the last decision by one of the pools. */
  lastTurn(): number {
    const stamps = [...this.accounts.values()].flatMap(({ read }) => [...read.values()].map(({ lastTurn }) => lastTurn));
    return Math.max(0, ...stamps);
  }

  addShare(pool: string, share: number): void {
    this.accounts.get(pool)!.added += share;
  }

  async save(on: Queryable, rules: CompiledRules): Promise<void> {
    const asked = [...this.accounts].filter(([, { added }]) => added > 0);
    const changed = asked.flatMap(([pool, account]) => changedRows(pool, account, rules));
    const shares = asked.map(([pool, account]) => ({ pool, shares: account.shares + account.added }));
    const rows = columns(changed, ['pool', 'rep', 'credit', 'assigned', 'expected', 'lastTurn', 'weight', 'sharesAt']);
    const values = [...rows, ...columns(shares, ['pool', 'shares'])];
    await on.query({ name: 'routing-save-turns', text: SAVE, values });
  }
}

function changedRows(pool: string, { turns, read, shares, added }: Account, rules: CompiledRules) {
  const weights = new Map(rules.pools.get(pool)!.members.map(({ rep, weight }) => [rep, weight]));
  return [...turns].flatMap(([rep, turn]) => {
    const before = read.get(rep) ?? { ...newTurn(), weight: 0 };
    const credited = before.weight * added;
    const isAsCredited = Math.abs(turn.credit - before.credit - credited) < ROUNDING && turn.lastTurn === before.lastTurn;
    if (isAsCredited) return [];
    // Without a share of these leads the member is absent. When it is back, a later decision writes the row again.
    const weight = turn.expected > before.expected ? weights.get(rep)! : 0;
    return [{ pool, rep, ...turn, weight, sharesAt: shares + added }];
  });
}

type TurnRow = Turn & { pool: string; rep: string; weight: number; shares: number };
