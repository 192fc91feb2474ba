import type { CrmSync } from '../crm/port.js';
import type { CrmSynced } from '../domain/lead.js';
import type { LeadClaimedForSync } from '../ledger/claims.repository.js';
import type { RoutingService } from '../routing/routing.service.js';
import type { ActiveProfile } from '../trials/active-profile.js';

/** The owner by the routing rules of a lead that is written to the CRM. Without rules nothing is asked or recorded. */
export class LeadOwners {
  constructor(
    private readonly routing: Pick<RoutingService, 'isOn' | 'choiceFor' | 'recordSeen'>,
    private readonly profile: Pick<ActiveProfile, 'bandOf'>,
  ) {}

  /** Only a record that is created gets an owner. The content decides that the CRM gets: the newest of the person. */
  async choiceFor({
    id: leadId,
    personKey,
    campaignId,
    revision,
    projection,
  }: LeadClaimedForSync): Promise<Pick<CrmSync, 'owner'>> {
    if (!this.routing.isOn) return {};
    const { lead, enrichment } = projection;
    const { email, attributes } = lead;
    const { band } = await this.profile.bandOf(enrichment.fitScore);
    return {
      owner: this.routing.choiceFor({ leadId, personKey, campaignId, revision, email, attributes, enrichment, band: band! }),
    };
  }

  async recordSeen(claim: LeadClaimedForSync, { id: ownerId, created }: NonNullable<CrmSynced['owner']>): Promise<void> {
    if (!this.routing.isOn) return;
    const { id: leadId, personKey, revision, projection } = claim;
    const { band } = await this.profile.bandOf(projection.enrichment.fitScore);
    await this.routing.recordSeen({ leadId, personKey, revision, band: band!, ownerId, created });
  }
}
