import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { IntakeRepository } from '../../ledger/intake.repository.js';
import { RejectionsRepository, type Rejection } from '../../ledger/rejections.repository.js';
import { decodeCursor, encodeCursor } from '../../platform/database/cursor-pagination.js';
import { parseQuery } from '../../platform/http/parse-query.js';
import { textOfKeptBody } from '../../platform/http/read-kept-body.js';
import { JobPublisher } from '../../queue/job-publisher.js';
import { replayRejection, type ReplayChanges } from './replay-rejection.js';

export const pageSchema = z.object({ limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().optional() });
const charset = z.string().max(40).optional();
export const manySchema = z.object({ limit: z.number().int().min(1).max(1000).default(1000), charset });
export const replayQuerySchema = z.object({ charset });

@Controller('ops/rejections')
export class RejectionsController {
  constructor(
    private readonly intake: IntakeRepository,
    private readonly publisher: JobPublisher,
    private readonly rejections: RejectionsRepository,
  ) {}

  @Get()
  async list(@Query() query: unknown) {
    const { limit, cursor } = parseQuery(pageSchema, query);
    const { items, next } = await this.rejections.listRejections(limit, cursor ? decodeCursor(cursor) : null);
    return { items: items.map(shown), nextCursor: next ? encodeCursor(next) : null };
  }

  /** Replays those that are still open, oldest first. What has exactly one correction is corrected; the rest stays open. */
  @Post('replay')
  @HttpCode(200)
  async replayMany(@Body() body: unknown, @Req() request: FastifyRequest) {
    const { limit, ...options } = parseQuery(manySchema, body ?? {});
    const items = [];
    for (const rejection of await this.rejections.openRejections(limit)) {
      try {
        items.push({ id: rejection.id, ...(await this.replay(rejection, { corrected: {}, ...options }, request)) });
      } catch (error) {
        if (!(error instanceof AppError) || error.class !== 'input') throw error;
        items.push({ id: rejection.id, status: 'rejected' as const, code: error.code, detail: error.message });
      }
    }
    return { items };
  }

  /** The body's fields take the place of the request's own. */
  @Post(':id/replay')
  @HttpCode(202)
  async replayOne(@Param('id') id: string, @Query() query: unknown, @Body() body: unknown, @Req() request: FastifyRequest) {
    const options = parseQuery(replayQuerySchema, query);
    const rejection = z.uuid().safeParse(id).success ? await this.rejections.findRejection(id) : null;
    if (!rejection) throw new AppError('NOT_FOUND', 'No rejection has this id. GET /ops/rejections lists them.');
    const corrected = parseQuery(z.record(z.string(), z.unknown()), body ?? {});
    return this.replay(rejection, { corrected, ...options }, request);
  }

  private async replay(rejection: Rejection, changes: ReplayChanges, request: FastifyRequest) {
    const answer = await replayRejection({ ledger: this.intake, publisher: this.publisher }, rejection, changes);
    await this.rejections.markReplayed(rejection.id, answer.leadId, request.operator?.name ?? 'local');
    return answer;
  }
}

function shown(rejection: Rejection) {
  return { ...rejection, body: textOfKeptBody(rejection) };
}
