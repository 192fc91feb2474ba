import type { Acceptance, WebhookCall } from '../../ledger/marketo-calls.repository.js';

/** How far the times of a call and of its receipt may lie apart: a call lasts for up to 30 s, and clocks differ. */
export const TOLERANCE_MS = 5 * 60_000;

export interface Match {
  call: WebhookCall;
  acceptance: Acceptance;
}

interface Pair extends Match {
  distance: number;
}

/**
 * Matches calls with commits of the same person, one to one: commits with the id of the call's own campaign first, then
 * the nearest in time.
 * @param admits whether a commit of this campaign_id can be of a call of the campaign.
 */
export function matchCalls(
  calls: readonly WebhookCall[],
  acceptances: readonly Acceptance[],
  admits: (campaignId: number | null, sentAs: string) => boolean,
): Match[] {
  const byPerson = grouped(acceptances);
  const pairs: Pair[] = [];
  for (const call of calls) {
    for (const acceptance of byPerson.get(call.marketoId) ?? []) {
      const distance = Math.abs(acceptance.at.getTime() - call.at.getTime());
      if (distance > TOLERANCE_MS || !admits(call.campaignId, acceptance.campaignId)) continue;
      pairs.push({ call, acceptance, distance });
    }
  }
  const isOwnId = ({ call, acceptance }: Pair) => acceptance.campaignId === String(call.campaignId);
  pairs.sort((a, b) => Number(isOwnId(b)) - Number(isOwnId(a)) || a.distance - b.distance || order(a.call.guid, b.call.guid));
  const [calling, accepted] = [new Set<string>(), new Set<string>()];
  return pairs.flatMap(({ call, acceptance }) => {
    const event = `${acceptance.leadId}.${acceptance.seq}`;
    if (calling.has(call.guid) || accepted.has(event)) return [];
    calling.add(call.guid);
    accepted.add(event);
    return [{ call, acceptance }];
  });
}

function grouped(acceptances: readonly Acceptance[]): Map<number, Acceptance[]> {
  const groups = new Map<number, Acceptance[]>();
  for (const one of acceptances) groups.set(one.marketoId, [...(groups.get(one.marketoId) ?? []), one]);
  return groups;
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
