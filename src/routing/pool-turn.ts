/** What a pool owes a member. */
export interface Turn {
  /** Leads that the member is owed; negative where it had a lead before its share was due. */
  credit: number;
  /** Leads since the turn began. */
  assigned: number;
  /** The share of the pool's leads that was the member's while it was there. */
  expected: number;
  /** The decision that chose the member last; 0 where none has. */
  lastTurn: number;
}

export interface Candidate {
  rep: string;
  weight: number;
  priority: number;
  turn: Turn;
}

/** Sums of shares are not exact in binary fractions. */
export const ROUNDING = 1e-9;

export const newTurn = (): Turn => ({ credit: 0, assigned: 0, expected: 0, lastTurn: 0 });

/**
 * Chooses who of the candidates gets the next lead, and keeps the account. Each candidate is credited with its share of
 * the lead; the one chosen is debited with the lead. Of those with enough credit the one is chosen whose share would be
 * overdue first (R. Tijdeman, The chairman assignment problem, 1980). While the same candidates are there, none of them
 * is ever a whole lead from its share, which choosing the greatest credit alone does not ensure. Ties: the greater
 * credit, the higher priority, the least recently chosen, the name.
 *
 * An absent member is no candidate, so that its credit stays; a new one begins at 0, the average of the pool.
 * @param candidates at least one, each with a positive weight; their turns are changed.
 * @param creditors who is credited; where it has more than the candidates, the absent ones catch up later.
 * @param stamp the number of the decision, greater than all before.
 */
export function takeTurn(candidates: Candidate[], creditors: Candidate[], stamp: number): Candidate {
  const total = creditors.reduce((sum, { weight }) => sum + weight, 0);
  for (const { weight, turn } of creditors) {
    turn.credit += weight / total;
    turn.expected += weight / total;
  }
  const chosen = dueFirst(candidates, creditors.length, total);
  chosen.turn.credit -= 1;
  chosen.turn.assigned += 1;
  chosen.turn.lastTurn = stamp;
  return chosen;
}

/** The member whom a next lead would go to; nothing changes. */
export function peekTurn(candidates: Candidate[], creditors: Candidate[]): Candidate {
  const copies = new Map(creditors.map((each) => [each, { ...each, turn: { ...each.turn } }]));
  const chosen = takeTurn(
    candidates.map((each) => copies.get(each)!),
    [...copies.values()],
    Number.MAX_SAFE_INTEGER,
  );
  return candidates.find(({ rep }) => rep === chosen.rep)!;
}

function dueFirst(candidates: Candidate[], count: number, total: number): Candidate {
  const least = count > 1 ? 1 / (2 * count - 2) : 0;
  const withCredit = candidates.filter(({ turn }) => turn.credit >= least - ROUNDING);
  // After absences all of those who are there may be ahead of their share.
  if (withCredit.length === 0) return candidates.reduce((best, each) => (byCredit(each, best) < 0 ? each : best));
  const overdueIn = ({ turn, weight }: Candidate) =>
    Math.max(0, Math.ceil(((1 - least - turn.credit) * total) / weight - ROUNDING));
  const due = withCredit.map((candidate) => ({ candidate, leads: overdueIn(candidate) }));
  return due.reduce((best, each) => ((each.leads - best.leads || byCredit(each.candidate, best.candidate)) < 0 ? each : best))
    .candidate;
}

function byCredit(a: Candidate, b: Candidate): number {
  const difference = b.turn.credit - a.turn.credit;
  if (Math.abs(difference) > ROUNDING) return difference;
  return b.priority - a.priority || a.turn.lastTurn - b.turn.lastTurn || (a.rep < b.rep ? -1 : 1);
}
