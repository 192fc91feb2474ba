import type { WebhookCall } from '../../ledger/marketo-calls.repository.js';

/**
 * So many people must agree before a campaign_id that is not the campaign's own id counts as what the template sends.
 */
const WITNESSES = 2;

/**
 * Which campaign_id the webhook's template sends for a campaign of Marketo. The template may send `{{campaign.id}}` or
 * a text of its own, and a wrong guess would make a second lead of a person. So it is taken from the field map, or
 * learned from calls that arrived.
 */
export class CampaignIds {
  private readonly learned = new Map<number, Set<string>>();
  /** Campaigns of which a call seems to have sent another text, without enough witnesses. */
  private readonly doubtful = new Set<number>();

  constructor(
    private readonly configured: Record<string, string>,
    known: { campaignId: number; sentAs: string }[],
  ) {
    for (const { campaignId, sentAs } of known) this.add(campaignId, sentAs);
  }

  /** What a lead of the campaign is made with; null where nothing says it for certain. */
  of(campaignId: number | null): string | null {
    if (campaignId === null) return null;
    const known = this.known(campaignId);
    if (known !== null || this.learned.has(campaignId) || this.doubtful.has(campaignId)) return known;
    // A new campaign: the template sends its id where it sends that of every other.
    const isOwnId = [...this.learned.keys()].every((id) => this.sendsOwnId(id));
    return this.learned.size > 0 && isOwnId ? String(campaignId) : null;
  }

  /** Whether a commit of this campaign_id can be of a call of the campaign. */
  admits(campaignId: number | null, sentAs: string): boolean {
    // A call whose campaign Marketo does not name may be of any.
    if (campaignId === null) return true;
    const known = this.known(campaignId);
    if (known !== null) return known === sentAs;
    // The id of another campaign, which that campaign is known to send, is of that campaign.
    return sentAs === String(campaignId) || !(/^\d{1,15}$/.test(sentAs) && this.sendsOwnId(Number(sentAs)));
  }

  /** @returns what these calls, which arrived with this campaign_id, show that was not known. */
  learnFrom(arrived: [call: WebhookCall, sentAs: string][]): { campaignId: number; sentAs: string }[] {
    const people = new Map<string, { campaignId: number; sentAs: string; ids: Set<number> }>();
    for (const [call, sentAs] of arrived) {
      if (call.campaignId === null) continue;
      const pair = { campaignId: call.campaignId, sentAs };
      const key = JSON.stringify(pair);
      const seen = people.get(key) ?? { ...pair, ids: new Set() };
      seen.ids.add(call.marketoId);
      people.set(key, seen);
    }
    const fresh = [...people.values()].filter(
      ({ campaignId, sentAs, ids }) =>
        (sentAs === String(campaignId) || ids.size >= WITNESSES) && !this.learned.get(campaignId)?.has(sentAs),
    );
    for (const { campaignId, sentAs } of fresh) this.add(campaignId, sentAs);
    for (const { campaignId, sentAs } of people.values()) {
      if (!this.learned.get(campaignId)?.has(sentAs)) this.doubtful.add(campaignId);
    }
    return fresh.map(({ campaignId, sentAs }) => ({ campaignId, sentAs }));
  }

  private known(campaignId: number): string | null {
    const seen = this.learned.get(campaignId);
    return this.configured[String(campaignId)] ?? (seen?.size === 1 ? [...seen][0]! : null);
  }

  private sendsOwnId(campaignId: number): boolean {
    return this.known(campaignId) === String(campaignId);
  }

  private add(campaignId: number, sentAs: string): void {
    this.learned.set(campaignId, (this.learned.get(campaignId) ?? new Set()).add(sentAs));
  }
}
