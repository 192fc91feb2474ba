import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { FirstTouchReportRepository } from '../../first-touch/first-touch-report.repository.js';
import { Access } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { firstTouchQuerySchema, firstTouchReportSchema } from './first-touch.schemas.js';

/** How soon owners act on their leads (docs/first-touch.md). */
@ApiTag('Routing')
@Controller('ops/routing/first-touch')
export class FirstTouchController {
  constructor(private readonly reports: FirstTouchReportRepository) {}

  @Access('viewer')
  @ApiOperation({
    id: 'getFirstTouchReport',
    summary: 'Reports how soon owners act on their leads, by owner, pool, campaign or band',
    answers: { 200: { means: 'The report.', body: firstTouchReportSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Get()
  async report(@Query({ schema: firstTouchQuerySchema }) { days, by }: z.output<typeof firstTouchQuerySchema>) {
    return { days, by, ...(await this.reports.report(days, by)) };
  }
}
