import { leadIdOf, personKeyOf } from '../lead/keys.js';
import type { LeadInput } from '../lead/lead.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Announcer } from '../queue/announcer.js';

/** The answer to a webhook: flat and never empty, since Marketo's response mappings read it. */
export type Acknowledgement =
  | { status: 'accepted'; leadId: string; duplicate: false }
  | { status: 'updated'; leadId: string; duplicate: false; revision: number }
  | { status: 'duplicate'; leadId: string; duplicate: true };

export interface AcceptTools {
  ledger: Pick<Ledger, 'accept'>;
  announcer: Pick<Announcer, 'announce'>;
}

/**
 * Takes a lead: when this resolves, it is committed. The queue hears of it afterwards and in its own time; the answer does
 * not wait for that, and the sweeper makes up for an announcement that is lost.
 * @throws AppError LEDGER_UNAVAILABLE or LEDGER_OVERLOADED: the lead was not taken.
 */
export async function acceptLead(tools: AcceptTools, input: LeadInput): Promise<Acknowledgement> {
  const leadId = leadIdOf(input.email, input.campaignId);
  const { outcome, revision, epoch } = await tools.ledger.accept({ ...input, id: leadId, personKey: personKeyOf(input.email) });
  if (outcome === 'duplicate') return { status: 'duplicate', leadId, duplicate: true };
  tools.announcer.announce('enrichment', { leadId, epoch });
  if (outcome === 'updated') return { status: 'updated', leadId, duplicate: false, revision };
  return { status: 'accepted', leadId, duplicate: false };
}
