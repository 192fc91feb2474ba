import type { CrmSync } from '../crm/port.js';
import type { CrmSynced } from '../domain/lead.js';
import { bandOf, type Ruleset } from '../enrichment/score-by-rules.js';
import type { LeadClaimedForSync } from '../ledger/claims.repository.js';
import type { RoutingService } from '../routing/routing.service.js';

/** The owner by the routing rules of a lead that is written to the CRM. Without rules nothing is asked or recorded. */
export class LeadOwners {
  constructor(
    private readonly routing: Pick<RoutingService, 'isOn' | 'choiceFor' | 'recordSeen'>,
    private readonly ruleset: Ruleset,
  ) {}

  /** Only a record that is created gets an owner. The content decides that the CRM gets: the newest of the person. */
  choiceFor({ id: leadId, personKey, campaignId, revision, projection }: LeadClaimedForSync): Pick<CrmSync, 'owner'> {
    if (!this.routing.isOn) return {};
    const { lead, enrichment } = projection;
    const { email, attributes } = lead;
    const band = bandOf(enrichment.fitScore, this.ruleset);
    return {
      owner: this.routing.choiceFor({ leadId, personKey, campaignId, revision, email, attributes, enrichment, band }),
    };
  }

  async recordSeen(claim: LeadClaimedForSync, { id: ownerId, created }: NonNullable<CrmSynced['owner']>): Promise<void> {
    if (!this.routing.isOn) return;
    const { id: leadId, personKey, revision, projection } = claim;
    const band = bandOf(projection.enrichment.fitScore, this.ruleset);
    await this.routing.recordSeen({ leadId, personKey, revision, band, ownerId, created });
  }
}
