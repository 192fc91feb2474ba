import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { listAiCosts } from '../flow-control/ai-spend.js';
import { parseQuery } from '../platform/http/parse-query.js';
import { Database } from '../platform/database/database.js';

export const costsSchema = z.object({ days: z.coerce.number().int().min(1).max(400).default(7) });

export type CostsReport = Awaited<ReturnType<CostsController['report']>>;

/** What the models have cost. */
@Controller('ops/costs')
export class CostsController {
  constructor(private readonly database: Database) {}

  @Get()
  async report(@Query() query: unknown) {
    const { days } = parseQuery(costsSchema, query);
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

/** To a millionth of a dollar: a lead costs some ten-thousandths. */
function rounded(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
