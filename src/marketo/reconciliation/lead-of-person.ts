import { AppError } from '../../domain/app-error.js';
import { leadIdOf, personKeyOf } from '../../domain/lead-keys.js';
import type { IntakeNote, LeadInput } from '../../domain/lead.js';
import { parseLead } from '../../ingress/parse-lead.js';
import type { WebhookCall } from '../../ledger/marketo-calls.repository.js';
import type { MarketoPerson } from '../client/marketo-api.js';
import type { FieldMap } from '../field-map.js';

/** What the webhook would have sent. */
export interface LeadOfCall {
  id: string;
  personKey: string;
  input: LeadInput;
}

/** The fields of a person that the webhook's template sends. */
export function templateFields({ webhook }: FieldMap): string[] {
  return [...new Set(Object.values(webhook.fields).flat())].filter((name) => name !== 'id');
}

/**
 * Builds the body that the webhook's template makes of a person, and reads it as the endpoint does.
 * @returns a sentence where the endpoint would have refused it.
 */
export function leadOfPerson(
  { webhook }: FieldMap,
  person: MarketoPerson,
  campaignId: string,
  call: WebhookCall,
): LeadOfCall | { refusedFor: string } {
  const body: Record<string, unknown> = { campaign_id: campaignId };
  for (const [attribute, from] of Object.entries(webhook.fields)) {
    const parts = [from].flat().map((name) => person[name]);
    const said = parts.filter((part) => part !== null && part !== undefined && String(part).trim() !== '');
    if (said.length > 0) body[attribute] = said.length === 1 ? said[0] : said.map(String).join(' ');
  }
  const note: IntakeNote = {
    kind: 'reconciliation',
    path: '',
    message: `Source: reconciliation. Marketo called the webhook at ${call.at.toISOString()}, and the call was not found here.`,
  };
  try {
    const input = parseLead(body, [note]);
    return { id: leadIdOf(input.email, input.campaignId), personKey: personKeyOf(input.email), input };
  } catch (error) {
    if (!(error instanceof AppError) || error.class !== 'input') throw error;
    const fields = error.problems.map(({ path }) => path).join(', ');
    return { refusedFor: `The webhook would have been refused (${error.code}${fields === '' ? '' : `: ${fields}`}).` };
  }
}
