import type { CrmProvider, OwnerChange } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { Lead } from '../domain/lead.js';
import type { NoticesRepository } from '../flow-control/notices.repository.js';
import type { LeadsRepository } from '../ledger/leads.repository.js';
import type { ActiveRulesService } from './active-rules.service.js';
import type { AssignmentsRepository } from './assignments.repository.js';
import type { DecisionsRepository, RoutedLead } from './decisions.repository.js';
import type { MembersRepository } from './members.repository.js';
import type { DueReassignment, ReassignmentOutcome, ReassignmentsRepository } from './reassignments.repository.js';
import type { SeenOwnersRepository } from './seen-owners.repository.js';

export interface ReassignerTools {
  crm: Pick<CrmProvider, 'changeOwner'>;
  active: Pick<ActiveRulesService, 'required'>;
  assignments: Pick<AssignmentsRepository, 'end'>;
  decisions: Pick<DecisionsRepository, 'decideAgain'>;
  reassignments: Pick<ReassignmentsRepository, 'claim' | 'done'>;
  leads: Pick<LeadsRepository, 'findLead'>;
  members: Pick<MembersRepository, 'markInactive'>;
  seen: Pick<SeenOwnersRepository, 'record'>;
  operators: Pick<NoticesRepository, 'record'>;
  now(): number;
}

/** With these the next request would fail as well. */
const CONCERN_ALL = new Set(['dependency-down', 'rate-limited', 'configuration']);

/**
 * Changes owners in the CRM. Each step can be repeated: the decision is stored before the CRM is called, and the CRM is
 * changed only where it has the owner of the request, and the rules gave the lead this owner.
 */
export class Reassigner {
  constructor(private readonly tools: ReassignerTools) {}

  /**
   * A request that fails alone does not keep the others waiting.
   * @returns how many requests were claimed.
   * @throws AppError of the CRM or of the ledger: the first one that was met; what failed is tried again.
   */
  async run(limit: number, signal: AbortSignal): Promise<number> {
    const due = await this.tools.reassignments.claim(limit);
    const failures: AppError[] = [];
    for (const request of due) {
      if (signal.aborted || failures.some((error) => CONCERN_ALL.has(error.class))) break;
      try {
        const { outcome, ownerId } = await this.settle(request, signal);
        await this.tools.reassignments.done(request.id, outcome, ownerId);
      } catch (cause) {
        failures.push(AppError.from(cause));
      }
    }
    if (failures[0]) throw failures[0];
    return due.length;
  }

  private async settle(
    request: DueReassignment,
    signal: AbortSignal,
  ): Promise<{ outcome: ReassignmentOutcome; ownerId: string | null }> {
    const { leads, decisions, assignments, members, seen, active } = this.tools;
    const { from } = request;
    const found = await leads.findLead(request.leadId);
    if (!found) return { outcome: 'no lead in the CRM', ownerId: null };
    if (!request.byRules) return { outcome: 'sales took over', ownerId: from };
    const rules = await active.required();
    const lead = routedLead(found.lead, request.band);
    const confirm = (ownerId: string) => seen.record(async () => rules, [{ ...lead, ownerId, created: false }]);
    for (let refusals = 0; ; refusals++) {
      const next = await decisions.decideAgain(rules, lead, request, new Date(this.tools.now()));
      if (!next) {
        if (refusals > 0) await confirm(from);
        await this.tools.operators.record({ kind: 'no-other-owner', subject: from, reason: request.reason });
        return { outcome: 'no other owner', ownerId: from };
      }
      // The creation writes the owner that is decided now.
      if (!found.lead.crm) return { outcome: 'decided at the creation', ownerId: next.ownerId };
      const change = await this.change(found.lead.crm.leadId, from, next.ownerId, signal);
      if (change.kind === 'changed') {
        await confirm(next.ownerId);
        return { outcome: 'reassigned', ownerId: next.ownerId };
      }
      if (change.kind === 'other-owner') {
        await confirm(change.ownerId);
        return { outcome: 'sales took over', ownerId: change.ownerId };
      }
      if (change.kind === 'gone') {
        await assignments.end(next.id, 'not-needed');
        return { outcome: 'no lead in the CRM', ownerId: null };
      }
      if (change.why === 'inactive') await members.markInactive(next.ownerId);
      await assignments.end(next.id, `owner-${change.why}`);
      if (request.to === null) continue;
      await confirm(from);
      return { outcome: 'refused by the CRM', ownerId: from };
    }
  }

  private async change(leadId: string, from: string, to: string, signal: AbortSignal): Promise<OwnerChange> {
    try {
      return (await this.tools.crm.changeOwner?.(leadId, from, to, signal)) ?? { kind: 'gone' };
    } catch (cause) {
      const error = AppError.from(cause);
      // A rule of the org, for example: it would refuse the same again.
      if (error.class === 'permanent') return { kind: 'refused', why: 'refused' };
      throw error;
    }
  }
}

function routedLead(
  { id: leadId, personKey, revision, email, campaignId, attributes, enrichment }: Lead,
  band: string | null,
): RoutedLead {
  return { leadId, personKey, revision, email, campaignId, attributes, enrichment: enrichment!, band: band ?? 'cold' };
}
