import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { listAiCosts } from '../flow-control/ai-spend.js';
import { Access } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import { Database } from '../platform/database/database.js';
import { costsReportSchema, costsWindowSchema } from './reports.schemas.js';

export type CostsReport = Awaited<ReturnType<CostsController['report']>>;

/** Costs of model calls. */
@ApiTag('Queues')
@Controller('ops/costs')
export class CostsController {
  constructor(private readonly database: Database) {}

  @Access('viewer')
  @ApiOperation({
    id: 'getCosts',
    summary: 'Reports the estimated cost of model calls, by day',
    answers: { 200: { means: 'A row for each day, provider and model; the newest day first.', body: costsReportSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Get()
  async report(@Query({ schema: costsWindowSchema }) { days }: z.output<typeof costsWindowSchema>) {
    const costs = await listAiCosts(this.database, days);
    return {
      days,
      items: costs.map((cost) => ({
        ...cost,
        costUsd: rounded(cost.costUsd),
        costUsdPerLead: rounded(cost.costUsd / Math.max(cost.scorings, 1)),
      })),
    };
  }
}

/** Six decimals, since one score costs about $0.0001. */
function rounded(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
