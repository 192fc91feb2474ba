import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import type { Rejection } from '../../ledger/rejections.repository.js';
import { decodeCursor, encodeCursor } from '../../platform/database/cursor-pagination.js';
import { textOfKeptBody } from '../../platform/http/read-kept-body.js';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { IdParam } from '../../platform/http/id.pipe.js';
import { correctionSchema } from '../dead-letters/dead-letters.schemas.js';
import {
  acknowledgedSchema,
  pageSchema,
  rejectionPageSchema,
  replayedRejectionsSchema,
  replayQuerySchema,
  replayRejectionsSchema,
} from './rejections.schemas.js';
import { NO_SUCH_REJECTION, RejectionsService } from './rejections.service.js';

/**
 * Authenticated webhooks that were refused because of their content. A process with ROLE=worker takes no webhooks and
 * has none.
 */
@ApiTag('Rejections')
@Controller('ops/rejections')
export class RejectionsController {
  constructor(private readonly rejections: RejectionsService) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listRejections',
    summary: 'Lists webhooks that were refused for their content (400, 413, 415), with their bodies, newest first',
    answers: { 200: { means: 'A page.', body: rejectionPageSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  async list(@Query({ schema: pageSchema }) { limit, cursor }: z.output<typeof pageSchema>) {
    const { items, next } = await this.rejections.list(limit, cursor ? decodeCursor(cursor) : null);
    return { items: items.map(shown), nextCursor: next ? encodeCursor(next) : null };
  }

  @Access('operator')
  @ApiOperation({
    id: 'replayRejections',
    summary: 'Replays all open rejections, oldest first',
    description:
      'A body with exactly one possible repair is repaired; the others stay open. `"all": true` confirms that all are meant.',
    answers: { 202: { means: 'The result of each.', body: replayedRejectionsSchema } },
    problems: ['LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  })
  @Post('replay')
  @HttpCode(202)
  async replayMany(
    @Body({ schema: replayRejectionsSchema }) { limit, charset }: z.output<typeof replayRejectionsSchema>,
    @CurrentOperator() by: Operator,
  ) {
    return { items: await this.rejections.replayMany(limit, by.name, charset) };
  }

  @Access('operator')
  @ApiOperation({
    id: 'replayRejection',
    summary: 'Replays a rejection, with corrected fields in place of its own',
    answers: { 202: { means: 'It is a lead now.', body: acknowledgedSchema } },
    problems: ['INVALID_LEAD', 'NOT_FOUND', 'LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  })
  @Post(':id/replay')
  @HttpCode(202)
  async replayOne(
    @IdParam(NO_SUCH_REJECTION) id: string,
    @Query({ schema: replayQuerySchema }) { charset }: z.output<typeof replayQuerySchema>,
    @Body({ schema: correctionSchema }) corrected: z.output<typeof correctionSchema>,
    @CurrentOperator() by: Operator,
  ) {
    return this.rejections.replay(id, { corrected, charset }, by.name);
  }
}

function shown(rejection: Rejection) {
  return { ...rejection, body: textOfKeptBody(rejection) };
}
