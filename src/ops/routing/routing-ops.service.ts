import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { IntakeNote, Lead, LeadInput } from '../../domain/lead.js';
import { bandOf, scoreByRules, type Ruleset } from '../../enrichment/score-by-rules.js';
import { parseLead } from '../../ingress/parse-lead.js';
import { LeadsRepository } from '../../ledger/leads.repository.js';
import { AssignmentsRepository, type Assignment } from '../../routing/assignments.repository.js';
import { ReassignmentsRepository } from '../../routing/reassignments.repository.js';
import type { Decision } from '../../routing/decide.js';
import { RoutingOverviewService, type LeadToSimulate } from '../../routing/routing-overview.service.js';
import type { TraceStep } from '../../routing/trace.js';
import { ActiveProfile } from '../../trials/active-profile.js';
import type {
  decisionsQuerySchema,
  reassignBodySchema,
  routingDryRunBodySchema,
  RoutingDryRun,
  LeadRouting,
  simulateBodySchema,
} from './routing.schemas.js';

const PAGE = 200;
const LISTED_DIFFERENCES = 50;

/** Routing for operators: decisions, simulations, dry runs. */
@Injectable()
export class RoutingOpsService {
  constructor(
    private readonly overviews: RoutingOverviewService,
    private readonly assignments: AssignmentsRepository,
    private readonly reassignments: ReassignmentsRepository,
    private readonly leads: LeadsRepository,
    private readonly profile: ActiveProfile,
  ) {}

  /** @throws AppError INVALID_LEAD as a webhook would get it. */
  async simulate({ lead, at, version }: z.output<typeof simulateBodySchema>, notes?: IntakeNote[]) {
    return shownDecision(await this.overviews.simulate(await this.factsOf(parseLead(lead, notes)), at, version));
  }

  async dryRun({ rules, version, limit }: z.output<typeof routingDryRunBodySchema>): Promise<RoutingDryRun> {
    const proposedRules = rules === undefined ? await this.overviews.rulesOf(version!) : this.overviews.parse(rules);
    const [leads, ruleset] = await Promise.all([this.newestLeads(limit), this.profile.rules()]);
    const compared = await this.overviews.compare(
      proposedRules,
      leads.map((lead) => factsOfLead(lead, ruleset)),
    );
    const owners = new Map<string, { current: number; proposed: number }>();
    const count = (owner: string, side: 'current' | 'proposed') => {
      const counts = owners.get(owner) ?? { current: 0, proposed: 0 };
      counts[side]++;
      owners.set(owner, counts);
    };
    const differences: RoutingDryRun['differences'] = [];
    compared.forEach(({ current, proposed }, index) => {
      count(nameOf(current), 'current');
      count(nameOf(proposed), 'proposed');
      if (nameOf(current) === nameOf(proposed)) return;
      differences.push({ leadId: leads[index]!.id, current: nameOf(current), proposed: nameOf(proposed), rule: proposed.rule });
    });
    return {
      leads: leads.length,
      changed: differences.length,
      owners: [...owners].map(([owner, counts]) => ({ owner, ...counts })).toSorted((a, b) => (a.owner < b.owner ? -1 : 1)),
      differences: differences.slice(0, LISTED_DIFFERENCES),
    };
  }

  async decisions({ limit, cursor, owner }: z.output<typeof decisionsQuerySchema>) {
    if (cursor !== undefined && !/^\d{1,18}$/u.test(cursor))
      throw new AppError('BAD_REQUEST', 'The cursor is not one of this list.');
    const ownerId = owner === undefined ? null : await this.overviews.ownerIdOf(owner);
    const rows = await this.assignments.page(limit, cursor ?? null, ownerId);
    return {
      items: await Promise.all(rows.map(async (row) => ({ id: row.id, leadId: row.leadId, ...(await this.shown(row)) }))),
      nextCursor: rows.length === limit ? rows.at(-1)!.id : null,
    };
  }

  /**
   * Has a worker change the owner.
   * @throws AppError NOT_FOUND where the rules have decided nothing about the lead, BAD_REQUEST where `to` is no owner.
   */
  async reassign({ leadId, to, reason }: z.output<typeof reassignBodySchema>, who: string): Promise<string> {
    if (to !== undefined) await this.overviews.requireOwner(to);
    const id = await this.reassignments.request({ leadId, to: to ?? null, reason, who, endReason: 'reassigned' });
    if (id === null)
      throw new AppError('NOT_FOUND', 'The routing rules have given this lead no owner, or a reassignment is open.');
    return id;
  }

  /** As the journey shows it. */
  async ofLead(leadId: string): Promise<LeadRouting> {
    if (!this.overviews.isOn) return null;
    const all = await Promise.all((await this.assignments.ofLead(leadId)).map((row) => this.shown(row)));
    const current = all.findLast(({ endedAt }) => endedAt === null) ?? all.at(-1);
    return current ? { ...current, earlier: all.filter((each) => each !== current) } : null;
  }

  /** The current owner of each of these leads by its name in the rules. */
  async ownersOf(leadIds: string[]): Promise<Map<string, string>> {
    if (!this.overviews.isOn) return new Map();
    const owners = await this.assignments.ownersOf(leadIds);
    return new Map([...owners].map(([id, { rep, ownerId }]) => [id, rep ?? ownerId]));
  }

  private async shown(row: Assignment) {
    const { ownerId, rep, rule, pool, trace, rulesVersion, band, decidedAt, writtenAt, endedAt, endReason } = row;
    return {
      owner: { rep, crmUserId: ownerId },
      rule,
      pool,
      steps: await this.overviews.readableTrace(trace, rulesVersion),
      rulesVersion,
      band,
      decidedAt: decidedAt.toISOString(),
      writtenAt: writtenAt?.toISOString() ?? null,
      endedAt: endedAt?.toISOString() ?? null,
      endReason,
    };
  }

  /** Scored ones, the oldest first. */
  private async newestLeads(limit: number): Promise<Lead[]> {
    const found: Lead[] = [];
    let cursor: Parameters<LeadsRepository['listLeads']>[2] = null;
    do {
      const page: Awaited<ReturnType<LeadsRepository['listLeads']>> = await this.leads.listLeads({}, PAGE, cursor);
      found.push(...page.items.filter(({ enrichment }) => enrichment !== null));
      cursor = page.next;
    } while (cursor && found.length < limit);
    return found.slice(0, limit).toReversed();
  }

  private async factsOf({ email, campaignId, attributes }: LeadInput): Promise<LeadToSimulate> {
    const ruleset = await this.profile.rules();
    const enrichment = scoreByRules({ email, attributes }, ruleset);
    return { email, campaignId, attributes, enrichment, band: bandOf(enrichment.fitScore, ruleset) };
  }
}

function factsOfLead({ email, campaignId, attributes, enrichment }: Lead, ruleset: Ruleset): LeadToSimulate {
  return { email, campaignId, attributes, enrichment: enrichment!, band: bandOf(enrichment!.fitScore, ruleset) };
}

const nameOf = ({ owner }: Decision) => (owner ? (owner.rep ?? owner.ownerId) : 'CRM');

function shownDecision({ owner, rule, pool, steps }: Decision & { steps: TraceStep[] }) {
  return { owner: owner && { rep: owner.rep, crmUserId: owner.ownerId }, rule, pool, steps };
}
