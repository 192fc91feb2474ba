import { newTurn, ROUNDING, type Turn } from './pool-turn.js';
import type { CompiledRules } from './rules.js';

/** A turn as the view `routing.turns` has it. */
export interface TurnRow extends Turn {
  pool: string;
  rep: string;
  weight: number;
  shares: number;
}

/** A row of `routing.pool_turns` as a decision leaves it. */
export interface ChangedTurn extends Turn {
  pool: string;
  rep: string;
  weight: number;
  sharesAt: number;
}

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
  private readonly accounts: ReadonlyMap<string, Account>;

  constructor(pools: readonly string[], rows: readonly TurnRow[]) {
    const accounts = new Map<string, Account>(
      pools.map((pool) => [pool, { turns: new Map(), read: new Map(), shares: 0, added: 0 }]),
    );
    for (const { pool, rep, weight, shares, credit, assigned, expected, lastTurn } of rows) {
      const account = accounts.get(pool)!;
      account.shares = shares;
      account.turns.set(rep, { credit, assigned, expected, lastTurn });
      account.read.set(rep, { credit, expected, lastTurn, weight });
    }
    this.accounts = accounts;
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

  changes(rules: CompiledRules): { turns: ChangedTurn[]; shares: { pool: string; shares: number }[] } {
    const asked = [...this.accounts].filter(([, { added }]) => added > 0);
    return {
      turns: asked.flatMap(([pool, account]) => changedRows(pool, account, rules)),
      shares: asked.map(([pool, account]) => ({ pool, shares: account.shares + account.added })),
    };
  }
}

function changedRows(pool: string, { turns, read, shares, added }: Account, rules: CompiledRules): ChangedTurn[] {
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
