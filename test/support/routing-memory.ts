import type { World } from '../../src/routing/availability.js';
import type { Turn } from '../../src/routing/pool-turn.js';

/** What the CRM and the ledger say. */
export interface MemoryState {
  at?: string;
  inactive?: string[];
  absent?: Record<string, { from: string; to: string }[]>;
  open?: Record<string, number>;
}

/** The world of decisions in memory. */
export function memoryWorld({ at = '2026-11-27T12:00:00Z', inactive = [], absent = {}, open = {} }: MemoryState = {}): World & {
  at: Date;
} {
  const turns = new Map<string, Map<string, Turn>>();
  const today = new Map<string, number>();
  let stamp = 0;
  return {
    at: new Date(at),
    member: (ownerId) => ({ active: !inactive.includes(ownerId), absent: absent[ownerId] ?? [] }),
    turnsOf(pool) {
      const found = turns.get(pool) ?? new Map<string, Turn>();
      turns.set(pool, found);
      return found;
    },
    today: (rep) => today.get(rep) ?? 0,
    open: (rep) => open[rep] ?? 0,
    given: (rep) => void today.set(rep, (today.get(rep) ?? 0) + 1),
    nextStamp: () => ++stamp,
  };
}
