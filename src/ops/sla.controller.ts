import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Access } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import { slaReportSchema, slaWindowSchema } from './reports.schemas.js';
import { SlaService } from './sla.service.js';

@ApiTag('Queues')
@Controller('ops/sla')
export class SlaController {
  constructor(private readonly sla: SlaService) {}

  /** For the last `minutes` (1 to 1440, default 60). All times are in seconds; null means unknown. */
  @Access('viewer')
  @ApiOperation({
    id: 'getSla',
    summary: 'Reports speed to lead, SLA breaches, the backlog and a forecast',
    answers: { 200: { means: 'The report.', body: slaReportSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Get()
  report(@Query({ schema: slaWindowSchema }) { minutes }: z.output<typeof slaWindowSchema>) {
    return this.sla.report(minutes);
  }
}
