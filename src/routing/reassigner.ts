import type { CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { Lead } from '../domain/lead.js';
import type { LeadsRepository } from '../ledger/leads.repository.js';
import type { ActiveRulesService } from './active-rules.service.js';
import type { Assignment, AssignmentsRepository } from './assignments.repository.js';
import type { DecisionsRepository, RoutedLead } from './decisions.repository.js';
import type { MembersRepository } from './members.repository.js';
import type { DueReassignment, ReassignmentOutcome, ReassignmentsRepository } from './reassignments.repository.js';
import type { SeenOwnersRepository } from './seen-owners.repository.js';

export interface ReassignerTools {
  crm: Pick<CrmProvider, 'changeOwner'>;
  active: ActiveRulesService;
  assignments: AssignmentsRepository;
  decisions: DecisionsRepository;
  reassignments: ReassignmentsRepository;
  leads: Pick<LeadsRepository, 'findLead'>;
  members: Pick<MembersRepository, 'markInactive'>;
  seen: Pick<SeenOwnersRepository, 'record'>;
  now(): number;
}

/**
 * Changes owners in the CRM. Each step can be repeated: the decision is stored before the CRM is called, and the CRM is
 * changed only where it has the owner that the decision before had.
 */
export class Reassigner {
  constructor(private readonly tools: ReassignerTools) {}

  /** @returns how many requests were settled. @throws AppError of the CRM or of the ledger; the rest is tried again. */
  async run(limit: number, signal: AbortSignal): Promise<number> {
    const due = await this.tools.reassignments.claim(limit);
    for (const request of due) if (!signal.aborted) await this.settle(request, signal);
    return due.length;
  }

  private async settle(request: DueReassignment, signal: AbortSignal): Promise<void> {
    const { leads, assignments, reassignments, seen, active } = this.tools;
    const done = (outcome: ReassignmentOutcome, ownerId: string | null = null) =>
      reassignments.done(request.id, outcome, ownerId);
    const found = await leads.findLead(request.leadId);
    const past = await assignments.ofLead(request.leadId);
    const before = past.findLast(({ writtenAt }) => writtenAt !== null);
    if (!found) return;
    if (!before || !found.lead.crm) {
      const current = past.find(({ endedAt }) => endedAt === null);
      if (current) await assignments.end(current.id, request.endReason);
      return done('decided at the creation');
    }
    const rules = await active.required();
    const lead = routedLead(found.lead, before);
    const next = await this.nextOwner(request, lead, past, before);
    const confirm = (ownerId: string) => seen.record(rules, [{ ...lead, band: lead.band, ownerId, created: false }]);
    if (!next) {
      await confirm(before.ownerId);
      return done('no other owner', before.ownerId);
    }
    const change = await this.change(found.lead.crm.leadId, before.ownerId, next, signal);
    if (change.kind === 'gone') {
      await assignments.end(next.id, 'not-needed');
      return done('no lead in the CRM');
    }
    const ownerId = change.kind === 'changed' ? next.ownerId : change.ownerId;
    await confirm(ownerId);
    return done(change.kind === 'changed' ? 'reassigned' : 'sales took over', ownerId);
  }

  /** The decision that this request has made, in this run or in one that ended before it was settled. */
  private async nextOwner(
    request: DueReassignment,
    lead: RoutedLead,
    past: Assignment[],
    before: Assignment,
  ): Promise<Assignment | null> {
    const current = past.find(({ endedAt }) => endedAt === null);
    if (current && current.writtenAt === null && current.decidedAt >= request.requestedAt) return current;
    const { to, endReason, who } = request;
    const change = { from: before.ownerId, to, endReason, who };
    return this.tools.decisions.decideAgain(await this.tools.active.required(), lead, change, new Date(this.tools.now()));
  }

  private async change(crmId: string, from: string, next: Assignment, signal: AbortSignal) {
    try {
      return (await this.tools.crm.changeOwner?.(crmId, from, next.ownerId, signal)) ?? { kind: 'gone' as const };
    } catch (cause) {
      const error = AppError.from(cause);
      if (error.class !== 'permanent') throw error;
      // The CRM refuses this owner: the next run decides again, and passes it over.
      const inactive = (error.answer ?? '').includes('INACTIVE_OWNER_OR_USER');
      if (inactive) await this.tools.members.markInactive(next.ownerId);
      await this.tools.assignments.end(next.id, inactive ? 'owner-inactive' : 'owner-refused');
      throw error;
    }
  }
}

function routedLead(
  { id: leadId, personKey, revision, email, campaignId, attributes, enrichment }: Lead,
  before: Assignment,
): RoutedLead {
  return { leadId, personKey, revision, email, campaignId, attributes, enrichment: enrichment!, band: before.band ?? 'cold' };
}
