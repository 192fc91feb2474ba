import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { normaliseCampaignId, normaliseEmail, personKeyOf } from '../domain/lead-keys.js';
import { FirstTouchReportRepository } from '../first-touch/first-touch-report.repository.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { IgnoredAttributes } from '../ledger/ignored-attributes.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import { SlaRepository } from '../ledger/sla.repository.js';
import { RescoreRepository } from '../ledger/rescore.repository.js';
import { CalibrationService } from '../outcomes/calibration.service.js';
import { OutcomesService } from '../outcomes/outcomes.service.js';
import type { Config } from '../platform/config/config.js';
import { decodeCursor, encodeCursor } from '../platform/database/cursor-pagination.js';
import { CONFIG } from '../platform/platform.module.js';
import { RoutingOverviewService } from '../routing/routing-overview.service.js';
import { ActiveProfile } from '../trials/active-profile.js';
import { journeyOf, summaryOf } from './lead-timeline.js';
import { RoutingOpsService } from './routing/routing-ops.service.js';
import type { leadSearchSchema } from './leads.schemas.js';

export const NO_SUCH_LEAD = 'No lead has this id. It is the leadId that POST /leads answered.';

export const NOT_SYNCED = 'No lead in the CRM has this id, so there is no score to replace. Replay a dead letter instead.';

/** Reads leads for the API and the console. */
@Injectable()
export class LeadsService {
  constructor(
    private readonly leads: LeadsRepository,
    private readonly sla: SlaRepository,
    private readonly flow: FlowControlRepository,
    private readonly rescores: RescoreRepository,
    private readonly outcomes: OutcomesService,
    private readonly calibrations: CalibrationService,
    private readonly profile: ActiveProfile,
    private readonly routing: RoutingOpsService,
    private readonly owners: RoutingOverviewService,
    private readonly firstTouch: FirstTouchReportRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * A page of summaries. With a filter that has no index, a page may be short or empty although its cursor continues.
   * @throws AppError BAD_REQUEST where an owner is named and routing is off
   */
  async list(query: z.output<typeof leadSearchSchema>) {
    const { campaignId, campaign_id = campaignId, id, email, limit, cursor } = query;
    const { state, minScore, intent, owner, from, to, q, sort } = query;
    const filter = {
      ...defined({ state, minScore, intent, from, to, q, sort }),
      ...(state === 'received' || state === 'enriched' ? { open: await this.sla.openLeads(state) } : {}),
      ...(campaign_id ? { campaignId: normaliseCampaignId(campaign_id) } : {}),
      ...(id ? { idPrefix: id } : {}),
      ...(owner ? { ownerId: await this.owners.ownerIdOf(owner) } : {}),
      ...(email ? { personKey: personKeyOf(normaliseEmail(email)) } : {}),
    };
    const [{ items, next }, stages] = await Promise.all([
      this.leads.listLeads(filter, limit, cursor ? decodeCursor(cursor) : null),
      this.flow.stages(),
    ]);
    return {
      items: items.map((lead) => summaryOf(lead, this.config.RETRY_ATTEMPTS, stages)),
      nextCursor: next ? encodeCursor(next) : null,
    };
  }

  /** @throws AppError NOT_FOUND */
  async journey(id: string) {
    const found = await this.leads.findLead(id);
    if (!found) throw new AppError('NOT_FOUND', NO_SUCH_LEAD);
    const ignored = new IgnoredAttributes(this.config.CONTENT_IGNORE);
    const { lead, events } = found;
    const [stages, outcomes, probability, band, routing, firstTouch] = await Promise.all([
      this.flow.stages(),
      this.outcomes.ofPerson(lead.personKey),
      this.calibrations.probabilityOf(lead.enrichment),
      this.profile.bandOf(lead.enrichment?.fitScore ?? null),
      this.routing.ofLead(lead.id),
      this.config.ROUTING_RULES === undefined ? [] : this.firstTouch.ofLead(lead.id),
    ]);
    const trial = lead.enrichment?.trial ?? null;
    const journey = journeyOf(lead, events, this.config.RETRY_ATTEMPTS, stages, ignored);
    return { ...journey, ...band, trial, outcomes, probability, routing, firstTouch };
  }

  /**
   * Has a synced lead scored again when the scorer has capacity to spare; the CRM gets the new score.
   * @throws AppError NOT_FOUND where the lead is not in the CRM. A lead that waits is scored anyway, and a dead letter
   * can be replayed.
   */
  async rescore(id: string, by: string): Promise<void> {
    if (!(await this.rescores.requestRescore(id, by))) throw new AppError('NOT_FOUND', NOT_SYNCED);
  }
}

/** A lead's journey, as GET /ops/leads/:id answers it. */
export type Journey = Awaited<ReturnType<LeadsService['journey']>>;

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The properties that are not undefined. */
function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
