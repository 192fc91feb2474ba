import { Inject, Injectable } from '@nestjs/common';
import type { OwnerChoice } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import { StatementBatcher } from '../ledger/statement-batcher.js';
import type { Clock } from '../platform/clock.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { CLOCK } from '../platform/platform.module.js';
import { ActiveRulesService } from './active-rules.service.js';
import { AssignmentsRepository, type Assignment } from './assignments.repository.js';
import { DecisionsRepository, type RoutedLead } from './decisions.repository.js';
import { MembersRepository } from './members.repository.js';
import { SeenOwnersRepository, type SeenOwner } from './seen-owners.repository.js';

/** Owners for leads that are about to be created in the CRM. */
@Injectable()
export class RoutingService {
  /** One batch at a time: decisions of all processes take turns anyway. */
  private readonly deciding = new StatementBatcher<RoutedLead, Assignment | null>({
    run: async (leads) => this.decisions.decide(await this.active.required(), leads, new Date(this.clock.now())),
    keyOf: ({ leadId }) => leadId,
    maxBatch: 200,
    parallel: 1,
  });
  private readonly seeing = new StatementBatcher<SeenOwner, void>({
    run: (seen) => this.seen.record(() => this.active.required(), seen),
    keyOf: ({ personKey }) => personKey,
    maxBatch: 200,
    parallel: 1,
  });

  constructor(
    private readonly active: ActiveRulesService,
    private readonly decisions: DecisionsRepository,
    private readonly assignments: AssignmentsRepository,
    private readonly members: MembersRepository,
    private readonly seen: SeenOwnersRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Whether the rules decide owners (ROUTING_RULES). */
  get isOn(): boolean {
    return this.active.isOn;
  }

  /** The lead's owner: decided now, or before. @throws AppError of the ledger */
  decide(lead: RoutedLead): Promise<Assignment | null> {
    return ioBoundary('routing.decide', lead.leadId, () => this.deciding.submit(lead));
  }

  choiceFor(lead: RoutedLead): OwnerChoice {
    return {
      choose: async () => (await this.decide(lead))?.ownerId ?? null,
      refused: async (ownerId, why) => {
        if (why === 'inactive') await this.members.markInactive(ownerId);
        const current = await this.assignments.current(lead.leadId);
        if (current?.ownerId === ownerId) await this.assignments.end(current.id, `owner-${why}`);
        return (await this.decide(lead))?.ownerId ?? null;
      },
    };
  }

  /** Records the owner that the CRM was seen with. @throws AppError of the ledger */
  async recordSeen(seen: SeenOwner): Promise<void> {
    try {
      await this.seeing.submit(seen);
    } catch (cause) {
      throw AppError.from(cause);
    }
  }
}
