import { leadIdOf, personKeyOf } from '../../domain/lead-keys.js';
import type { LeadInput } from '../../domain/lead.js';
import { acknowledge, type Acknowledgement, type AcceptTools } from '../../ingress/accept-lead.js';
import type { WebhookCall } from '../../ledger/marketo-calls.repository.js';
import type { MarketoRepairsRepository } from '../../ledger/marketo-repairs.repository.js';

/** What became of a lead that a call was to bring; `erased`: the person was erased here after the call. */
export type RepairOutcome = Acknowledgement['status'] | 'erased';

/**
 * Takes a lead in as the webhook's endpoint does. The copy of the person that it was made of may be some moments old,
 * so an erasure of after the call wins.
 * @throws AppError as MarketoRepairsRepository.accept
 */
export async function acceptRepair(
  { repairs, publisher }: { repairs: MarketoRepairsRepository; publisher: AcceptTools['publisher'] },
  input: LeadInput,
  { marketoId, at }: WebhookCall,
): Promise<RepairOutcome> {
  const keys = { id: leadIdOf(input.email, input.campaignId), personKey: personKeyOf(input.email) };
  const answer = await repairs.accept({ ...input, ...keys, marketoId, calledAt: at });
  return answer === 'erased' ? 'erased' : acknowledge(publisher, answer).status;
}
