/** One lead on its way. */
export interface Lead {
  receivedAt: number;
  /** What the heuristic thinks of it: who goes first where not all can. */
  rank: number;
  scoredAt: number;
  attempts: number;
  firstScoringAt: number;
  /** It went on with a stand-in score. */
  standIn: boolean;
  /** It has been seen late, and gave way to those that can still be in time. */
  late: boolean;
  synced: boolean;
}

export function newLead(receivedAt: number, rank: number): Lead {
  return { receivedAt, rank, scoredAt: 0, attempts: 0, firstScoringAt: -1, standIn: false, late: false, synced: false };
}
