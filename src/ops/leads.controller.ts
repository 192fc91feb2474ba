import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { normaliseCampaignId, normaliseEmail, personKeyOf } from '../domain/lead-keys.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import type { Config } from '../platform/config/config.js';
import { decodeCursor, encodeCursor } from '../platform/database/cursor-pagination.js';
import { Access } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { CONFIG } from '../platform/platform.module.js';
import { journeyOf, summaryOf } from './lead-timeline.js';
import {
  journeySchema,
  leadFilterSchema,
  leadPageSchema,
  leadSearchSchema,
  LIST_FIELDS,
  type LeadField,
} from './leads.schemas.js';

const NOT_FOUND = 'No lead has this id. It is the leadId that POST /leads answered.';

/** Where is this lead, and why this score: the operator's first question. */
@ApiTag('Leads')
@Controller('ops/leads')
export class OpsLeadsController {
  constructor(
    private readonly leads: LeadsRepository,
    private readonly flow: FlowControlRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listLeads',
    summary: 'Lists leads, newest first',
    answers: { 200: { means: 'A page.', body: leadPageSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  list(@Query({ schema: leadFilterSchema }) query: z.output<typeof leadFilterSchema>) {
    return this.page(query);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'searchLeads',
    summary: 'Lists the leads of a person',
    description: 'A POST, so that the e-mail address does not appear in the access logs of a proxy.',
    answers: { 200: { means: 'A page.', body: leadPageSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Post('search')
  @HttpCode(200)
  search(@Body({ schema: leadSearchSchema }) body: z.output<typeof leadSearchSchema>) {
    return this.page(body);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getLead',
    summary: 'Shows the journey of a lead: its state, its score with the evidence, and its history',
    answers: { 200: { means: 'The journey.', body: journeySchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Get(':id')
  async journey(@IdParam(NOT_FOUND) id: string) {
    const found = await this.leads.findLead(id);
    if (!found) throw new AppError('NOT_FOUND', NOT_FOUND);
    return journeyOf(found.lead, found.events, this.config.RETRY_ATTEMPTS, await this.flow.stages());
  }

  private async page(query: z.output<typeof leadSearchSchema>) {
    const { state, campaignId, campaign_id = campaignId, id, email, limit, cursor, fields = LIST_FIELDS } = query;
    const filter = {
      ...(state ? { state } : {}),
      ...(campaign_id ? { campaignId: normaliseCampaignId(campaign_id) } : {}),
      ...(id ? { idPrefix: id } : {}),
      ...(email ? { personKey: personKeyOf(normaliseEmail(email)) } : {}),
    };
    const [{ items, next }, stages] = await Promise.all([
      this.leads.listLeads(filter, limit, cursor ? decodeCursor(cursor) : null),
      this.flow.stages(),
    ]);
    return {
      items: items.map((lead) => pick(summaryOf(lead, this.config.RETRY_ATTEMPTS, stages), fields)),
      nextCursor: next ? encodeCursor(next) : null,
    };
  }
}

function pick(summary: ReturnType<typeof summaryOf>, fields: LeadField[]): Partial<ReturnType<typeof summaryOf>> {
  const wanted = new Set<string>(['id', ...fields]);
  return Object.fromEntries(Object.entries(summary).filter(([name]) => wanted.has(name)));
}
