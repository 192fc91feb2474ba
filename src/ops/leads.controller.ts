import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Access, CurrentOperator, type Operator } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import { IdParam } from '../platform/http/id.pipe.js';
import type { summaryOf } from './lead-timeline.js';
import {
  journeySchema,
  leadFilterSchema,
  leadPageSchema,
  leadSearchSchema,
  LIST_FIELDS,
  rescoringSchema,
  type LeadField,
} from './leads.schemas.js';
import { LeadsService, NO_SUCH_LEAD, NOT_SYNCED } from './leads.service.js';

/** Where a lead is, and why it has its score. */
@ApiTag('Leads')
@Controller('ops/leads')
export class OpsLeadsController {
  constructor(private readonly leads: LeadsService) {}

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
  journey(@IdParam(NO_SUCH_LEAD) id: string) {
    return this.leads.journey(id);
  }

  @Access('operator')
  @ApiOperation({
    id: 'rescoreLead',
    summary: 'Has a synced lead scored again',
    description:
      'The scorer does it when it has capacity to spare, and the CRM gets the new score. The lead stays `synced` meanwhile.',
    answers: { 202: { means: 'The new score is requested.', body: rescoringSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':id/rescore')
  @HttpCode(202)
  async rescore(@IdParam(NOT_SYNCED) id: string, @CurrentOperator() by: Operator) {
    await this.leads.rescore(id, by.name);
    return { status: 'rescoring', leadId: id };
  }

  private async page(query: z.output<typeof leadSearchSchema>) {
    const { items, nextCursor } = await this.leads.list(query);
    const { fields = LIST_FIELDS } = query;
    return { items: items.map((summary) => pick(summary, fields)), nextCursor };
  }
}

function pick(summary: ReturnType<typeof summaryOf>, fields: LeadField[]): Partial<ReturnType<typeof summaryOf>> {
  const wanted = new Set<string>(['id', ...fields]);
  return Object.fromEntries(Object.entries(summary).filter(([name]) => wanted.has(name)));
}
