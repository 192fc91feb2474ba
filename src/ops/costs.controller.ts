import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { listAiCosts } from '../flow-control/ai-spend.js';
import { guarded } from '../ledger/database-errors.js';
import { parseQuery } from '../platform/http/parse-query.js';
import { LEDGER_POOL } from '../platform/platform.module.js';
import type { Pool } from '../platform/database/pool.js';

export const costsSchema = z.object({ days: z.coerce.number().int().min(1).max(400).default(7) });

export type CostsReport = Awaited<ReturnType<CostsController['report']>>;

/** What the models have cost. */
@Controller('ops/costs')
export class CostsController {
  constructor(@Inject(LEDGER_POOL) private readonly pool: Pool) {}

  @Get()
  async report(@Query() query: unknown) {
    const { days } = parseQuery(costsSchema, query);
    const costs = await guarded(listAiCosts(this.pool, days));
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
