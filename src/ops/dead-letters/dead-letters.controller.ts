import { Body, Controller, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import type { DeadLetter } from '../../ledger/dead-letters.repository.js';
import { decodeCursor, encodeCursor } from '../../platform/database/cursor-pagination.js';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { IdParam } from '../../platform/http/id.pipe.js';
import {
  correctedSchema,
  correctionSchema,
  deadLetterPageSchema,
  deadLetterSchema,
  deadLetterSummarySchema,
  discardedSchema,
  discardSchema,
  pageSchema,
  replayingManySchema,
  replayingSchema,
  replayManySchema,
} from './dead-letters.schemas.js';
import { DeadLetters, NOT_A_DEAD_LETTER } from './dead-letters.service.js';

/**
 * Lists, corrects, replays and discards dead letters. The audit trail has the name of the token that made each change.
 */
@ApiTag('Dead letters')
@Controller('ops/dead-letters')
export class DeadLettersController {
  constructor(private readonly deadLetters: DeadLetters) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listDeadLetters',
    summary: 'Lists dead letters, the latest first',
    answers: { 200: { means: 'A page.', body: deadLetterPageSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  async list(@Query({ schema: pageSchema }) { code, limit, cursor }: z.output<typeof pageSchema>) {
    const page = await this.deadLetters.list(code ? { code } : {}, limit, cursor ? decodeCursor(cursor) : null);
    return { items: page.items.map(shown), nextCursor: page.next ? encodeCursor(page.next) : null };
  }

  @Access('viewer')
  @ApiOperation({
    id: 'summariseDeadLetters',
    summary: 'Counts dead letters by stage, code, class and signature',
    answers: { 200: { means: 'The groups.', body: deadLetterSummarySchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get('summary')
  async summary() {
    const groups = await this.deadLetters.summary();
    return { total: groups.reduce((sum, { count }) => sum + count, 0), items: groups };
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getDeadLetter',
    summary: 'Shows a dead letter',
    answers: { 200: { means: 'The dead letter.', body: deadLetterSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Get(':id')
  async show(@IdParam(NOT_A_DEAD_LETTER) id: string) {
    return shown(await this.deadLetters.find(id));
  }

  @Access('operator')
  @ApiOperation({
    id: 'replayDeadLetters',
    summary: 'Replays dead letters: each continues with the stage that failed',
    description: 'Either `code` or `"all": true` says which. A call with neither is refused.',
    answers: { 202: { means: 'They are queued; `perSecond` spreads them.', body: replayingManySchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Post('replay')
  @HttpCode(202)
  async replayMany(
    @Body({ schema: replayManySchema }) { code, limit, perSecond }: z.output<typeof replayManySchema>,
    @CurrentOperator() by: Operator,
  ) {
    const leads = await this.deadLetters.replayMany(code, limit, perSecond ?? null, by.name);
    return { replaying: leads.length };
  }

  @Access('operator')
  @ApiOperation({
    id: 'replayDeadLetter',
    summary: 'Replays a dead letter: it continues with the stage that failed',
    answers: { 202: { means: 'It is queued.', body: replayingSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':id/replay')
  @HttpCode(202)
  async replay(@IdParam(NOT_A_DEAD_LETTER) id: string, @CurrentOperator() by: Operator) {
    await this.deadLetters.replay(id, by.name);
    return { status: 'replaying', leadId: id };
  }

  /**
   * E-mail and campaign make the lead's key, so correcting them accepts a new lead and discards the old one. Any other
   * correction leaves a dead letter until it is replayed.
   */
  @Access('operator')
  @ApiOperation({
    id: 'editDeadLetter',
    summary: 'Corrects fields of a dead letter',
    description:
      'The fields are checked as those of a webhook. The lead stays a dead letter until it is replayed, unless its key changes. ' +
      'Values that it has already change nothing.',
    answers: { 200: { means: 'Corrected, unchanged, or accepted as a new lead.', body: correctedSchema } },
    problems: ['INVALID_LEAD', 'NOT_FOUND', 'LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  })
  @Patch(':id')
  edit(
    @IdParam(NOT_A_DEAD_LETTER) id: string,
    @Body({ schema: correctionSchema }) correction: z.output<typeof correctionSchema>,
    @CurrentOperator() by: Operator,
  ) {
    return this.deadLetters.correct(id, correction, by.name);
  }

  @Access('operator')
  @ApiOperation({
    id: 'discardDeadLetter',
    summary: 'Discards a dead letter for good',
    answers: { 200: { means: 'Discarded.', body: discardedSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':id/discard')
  @HttpCode(200)
  async discard(
    @IdParam(NOT_A_DEAD_LETTER) id: string,
    @Body({ schema: discardSchema }) { reason }: z.output<typeof discardSchema>,
    @CurrentOperator() by: Operator,
  ) {
    await this.deadLetters.discard(id, reason, by.name);
    return { status: 'discarded', leadId: id };
  }
}

function shown({ personKey: _personKey, emailRaw: _emailRaw, at: _at, ...letter }: DeadLetter) {
  return letter;
}
