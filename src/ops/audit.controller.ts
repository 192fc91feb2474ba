import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import { Access } from '../platform/http/access.js';
import { ApiOperation, apiSchema, ApiTag } from '../platform/http/api-operation.js';
import { nextCursorSchema, timeSchema, wholeNumber } from '../platform/http/field-schemas.js';

const querySchema = z.strictObject({
  who: z.string().min(1).max(200).optional().describe('The name of the token.'),
  act: z.string().min(1).max(200).optional(),
  limit: wholeNumber(1, 200).default(50),
  cursor: z
    .string()
    .regex(/^\d{1,18}$/, 'is not one that this service gave')
    .optional(),
});

const actPageSchema = apiSchema(
  'OperatorActPage',
  z.object({
    items: z.array(
      z.object({
        id: z.string(),
        at: timeSchema,
        who: z.string().describe('The name of the token.'),
        act: z.string(),
        detail: z.record(z.string(), z.unknown()),
      }),
    ),
    nextCursor: nextCursorSchema,
  }),
  {
    items: [{ id: '7', at: '2026-11-24T04:10:02.182Z', who: 'ann', act: 'pause', detail: { stage: 'crm-sync' } }],
    nextCursor: null,
  },
);

/** Who paused the queue: what operators did that concerns no single lead. */
@ApiTag('Audit')
@Controller('ops/audit')
export class AuditController {
  constructor(private readonly auditLog: AuditLogRepository) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listOperatorActs',
    summary: 'Lists what operators did, newest first',
    description: 'Acts on one lead are in its journey; these are the others: pauses, bulk replays, erasures.',
    answers: { 200: { means: 'A page.', body: actPageSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  async list(@Query({ schema: querySchema }) { limit, cursor, ...filter }: z.output<typeof querySchema>) {
    const acts = await this.auditLog.listActs(filter, limit, cursor ?? null);
    return {
      items: acts.map((act) => ({ ...act, at: act.at.toISOString() })),
      nextCursor: acts.length === limit ? acts.at(-1)!.id : null,
    };
  }
}
