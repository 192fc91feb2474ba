import type { DeadLetter } from '../../ledger/dead-letters.repository.js';

/**
 * The lead's fields as in POST /leads, replaced by the corrections. Answers name the campaign `campaignId`, so a
 * correction may too, unless the lead has an attribute of that name.
 */
export function correctedFields(
  letter: Pick<DeadLetter, 'emailRaw' | 'campaignId' | 'name' | 'attributes'>,
  correction: Record<string, unknown>,
): Record<string, unknown> {
  const { emailRaw, campaignId, name, attributes } = letter;
  return { email: emailRaw, campaign_id: campaignId, name, ...attributes, ...withCampaignId(correction, attributes) };
}

/** Renames `campaignId` to `campaign_id` where it can only mean that. */
export function withCampaignId(correction: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  if (!('campaignId' in correction) || 'campaign_id' in correction || 'campaignId' in own) return correction;
  const { campaignId, ...others } = correction;
  return { ...others, campaign_id: campaignId };
}
