import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { normaliseCampaignId, normaliseEmail, personKeyOf } from '../domain/lead-keys.js';
import { LEAD_STATES } from '../domain/lead-state.js';
import { IgnoredAttributes } from '../ledger/ignored-attributes.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import type { Config } from '../platform/config/config.js';
import { decodeCursor, encodeCursor } from '../platform/database/cursor-pagination.js';
import { parseQuery } from '../platform/http/parse-query.js';
import { CONFIG } from '../platform/platform.module.js';
import { journeyOf, summaryOf } from './lead-timeline.js';

export const filterSchema = z.object({
  state: z.enum(LEAD_STATES).optional(),
  campaign_id: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
});
export const searchSchema = filterSchema.extend({ email: z.string().optional() });

/** Where is this lead, and why this score: the operator's first question. */
@Controller('ops/leads')
export class OpsLeadsController {
  constructor(
    private readonly leads: LeadsRepository,
    private readonly flow: FlowControlRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  list(@Query() query: unknown) {
    return this.page(parseQuery(filterSchema, query));
  }

  /** A search by e-mail is a POST, so that the address does not end in the access logs. */
  @Post('search')
  @HttpCode(200)
  search(@Body() body: unknown) {
    return this.page(parseQuery(searchSchema, body));
  }

  @Get(':id')
  async journey(@Param('id') id: string) {
    const found = z.uuid().safeParse(id).success ? await this.leads.findLead(id) : null;
    if (!found) throw new AppError('NOT_FOUND', 'No lead has this id. It is the leadId that POST /leads answered.');
    const ignored = new IgnoredAttributes(this.config.CONTENT_IGNORE);
    const stages = await this.flow.stages();
    return journeyOf(found.lead, found.events, this.config.RETRY_ATTEMPTS, stages, ignored);
  }

  private async page(query: z.infer<typeof searchSchema>) {
    const { state, campaign_id, email, limit, cursor } = query;
    const filter = {
      ...(state ? { state } : {}),
      ...(campaign_id ? { campaignId: normaliseCampaignId(campaign_id) } : {}),
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
}
