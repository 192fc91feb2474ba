/** The state of one lead. */
export interface Lead {
  receivedAt: number;
  /** Its rank by the heuristic: higher ranks get model slots first. */
  rank: number;
  scoredAt: number;
  attempts: number;
  firstScoringAt: number;
  /** It has a provisional score. */
  provisional: boolean;
  /** It was deprioritised as late. */
  late: boolean;
  synced: boolean;
}

export function newLead(receivedAt: number, rank: number): Lead {
  return { receivedAt, rank, scoredAt: 0, attempts: 0, firstScoringAt: -1, provisional: false, late: false, synced: false };
}
