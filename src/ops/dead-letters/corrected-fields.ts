import type { DeadLetter } from '../../ledger/dead-letters.repository.js';

/**
 * The fields of the lead, as POST /leads takes them, with the corrections in place of its own. Answers call the campaign
 * `campaignId`, so a correction may too, unless the lead has an attribute of that name.
 */
export function correctedFields(
  letter: Pick<DeadLetter, 'emailRaw' | 'campaignId' | 'name' | 'attributes'>,
  correction: Record<string, unknown>,
): Record<string, unknown> {
  const { emailRaw, campaignId, name, attributes } = letter;
  return { email: emailRaw, campaign_id: campaignId, name, ...attributes, ...withCampaignId(correction, attributes) };
}

/** `campaignId` as `campaign_id`, where it can only mean that. */
export function withCampaignId(correction: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  if (!('campaignId' in correction) || 'campaign_id' in correction || 'campaignId' in own) return correction;
  const { campaignId, ...others } = correction;
  return { ...others, campaign_id: campaignId };
}
