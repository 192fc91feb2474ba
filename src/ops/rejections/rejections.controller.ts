import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { IntakeRepository } from '../../ledger/intake.repository.js';
import { RejectionsRepository, type Rejection } from '../../ledger/rejections.repository.js';
import { decodeCursor, encodeCursor } from '../../platform/database/cursor-pagination.js';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { IdParam } from '../../platform/http/id.pipe.js';
import { JobPublisher } from '../../queue/job-publisher.js';
import { correctionSchema } from '../dead-letters/dead-letters.schemas.js';
import {
  acknowledgedSchema,
  pageSchema,
  rejectionPageSchema,
  replayedRejectionsSchema,
  replayRejectionsSchema,
} from './rejections.schemas.js';
import { replayRejection } from './replay-rejection.js';

const NOT_FOUND = 'No rejection has this id. GET /ops/rejections lists them.';

/** Authenticated webhooks that were refused for their content. A process with ROLE=worker takes no webhooks and has none. */
@ApiTag('Rejections')
@Controller('ops/rejections')
export class RejectionsController {
  constructor(
    private readonly intake: IntakeRepository,
    private readonly publisher: JobPublisher,
    private readonly rejections: RejectionsRepository,
  ) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listRejections',
    summary: 'Lists webhooks that were answered 400, with their bodies, newest first',
    answers: { 200: { means: 'A page.', body: rejectionPageSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  async list(@Query({ schema: pageSchema }) { limit, cursor }: z.output<typeof pageSchema>) {
    const { items, next } = await this.rejections.listRejections(limit, cursor ? decodeCursor(cursor) : null);
    return { items: items.map(shown), nextCursor: next ? encodeCursor(next) : null };
  }

  @Access('operator')
  @ApiOperation({
    id: 'replayRejections',
    summary: 'Replays all open rejections as they are, oldest first',
    description: 'Useful after a change here that accepts what was refused. `"all": true` confirms that all are meant.',
    answers: { 202: { means: 'The result of each.', body: replayedRejectionsSchema } },
    problems: ['LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  })
  @Post('replay')
  @HttpCode(202)
  async replayMany(
    @Body({ schema: replayRejectionsSchema }) { limit }: z.output<typeof replayRejectionsSchema>,
    @CurrentOperator() by: Operator,
  ) {
    const items = [];
    for await (const rejection of this.rejections.openRejections(limit)) {
      try {
        items.push({ id: rejection.id, ...(await this.replay(rejection, {}, by)) });
      } catch (error) {
        if (!(error instanceof AppError) || error.class !== 'input') throw error;
        items.push({ id: rejection.id, status: 'rejected' as const, code: error.code, detail: error.message });
      }
    }
    return { items };
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
    @IdParam(NOT_FOUND) id: string,
    @Body({ schema: correctionSchema }) corrected: z.output<typeof correctionSchema>,
    @CurrentOperator() by: Operator,
  ) {
    const rejection = await this.rejections.findRejection(id);
    if (!rejection) throw new AppError('NOT_FOUND', NOT_FOUND);
    return this.replay(rejection, corrected, by);
  }

  private async replay(rejection: Rejection, corrected: Record<string, unknown>, by: Operator) {
    const answer = await replayRejection({ ledger: this.intake, publisher: this.publisher }, rejection, corrected);
    await this.rejections.markReplayed(rejection.id, answer.leadId, by.name);
    return answer;
  }
}

function shown({ body, ...rejection }: Rejection) {
  return { ...rejection, body: body.toString('utf8') };
}
