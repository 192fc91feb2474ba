import { leadIdOf, personKeyOf } from '../domain/lead-keys.js';
import type { LeadInput } from '../domain/lead.js';
import type { AcceptedLead, LeadToAccept } from '../ledger/intake.repository.js';
import { currentTraceparent } from '../platform/observability/tracing.js';
import type { JobPublisher } from '../queue/job-publisher.js';

/** The answer to a webhook: flat and never empty, since Marketo's response mappings read it. */
export type Acknowledgement =
  | { status: 'accepted'; leadId: string; duplicate: false }
  | { status: 'updated'; leadId: string; duplicate: false; revision: number }
  | { status: 'duplicate'; leadId: string; duplicate: true };

export interface AcceptTools {
  /** The ledger, or the gate that has the spool beside it. */
  ledger: { accept(lead: LeadToAccept): Promise<AcceptedLead | 'spooled'> };
  publisher: Pick<JobPublisher, 'publish'>;
}

/**
 * Takes a lead: when this resolves, it is committed. The queue hears of it afterwards and in its own time; the answer
 * does not wait for that, and the sweeper makes up for an announcement that is lost.
 * @throws AppError LEDGER_UNAVAILABLE or LEDGER_OVERLOADED: the lead was not taken.
 */
export async function acceptLead(tools: AcceptTools, input: LeadInput): Promise<Acknowledgement> {
  const leadId = leadIdOf(input.email, input.campaignId);
  const answer = await tools.ledger.accept({
    ...input,
    id: leadId,
    personKey: personKeyOf(input.email),
    traceparent: currentTraceparent(),
  });
  // From the spool it will be announced when the ledger has it; its id is known already.
  return answer === 'spooled' ? { status: 'accepted', leadId, duplicate: false } : acknowledge(tools.publisher, answer);
}

/** Announces a lead that is committed, unless it was there before. */
export function acknowledge(
  publisher: AcceptTools['publisher'],
  { leadId, outcome, revision, epoch, jobId }: AcceptedLead,
): Acknowledgement {
  if (outcome === 'duplicate') return { status: 'duplicate', leadId, duplicate: true };
  publisher.publish('enrichment', { leadId, epoch, jobId });
  if (outcome === 'updated') return { status: 'updated', leadId, duplicate: false, revision };
  return { status: 'accepted', leadId, duplicate: false };
}
