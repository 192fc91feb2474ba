import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { Clock } from '../../platform/clock.js';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { CLOCK } from '../../platform/platform.module.js';
import { TrialsService } from '../../trials/trials.service.js';
import {
  championSchema,
  promoteSchema,
  settingsOf,
  trialListSchema,
  trialReportSchema,
  trialRequestSchema,
  trialSchema,
  type TrialRequestBody,
} from './trials.schemas.js';

/** Another scorer, prompt or profile beside the one in use (docs/trials.md). */
@ApiTag('Trials')
@Controller('ops/trials')
export class TrialsController {
  constructor(
    private readonly trials: TrialsService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listTrials',
    summary: 'Lists the trials, the newest first, and the scorer in use',
    answers: { 200: { means: 'The trials.', body: trialListSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  async list() {
    const [champion, items] = await Promise.all([this.trials.champion(), this.trials.list()]);
    return { champion, items };
  }

  @Access('operator')
  @ApiOperation({
    id: 'startTrial',
    summary: 'Starts a trial: a backtest, a shadow, or a challenge on live leads',
    description:
      'A backtest scores leads of the ledger again. A shadow does so with a share of the live leads, after they reached the ' +
      'CRM. A challenge gives a share of the live leads the score of the challenger. Workers run a trial while no lead ' +
      'waits. A backtest and a shadow change no lead.',
    answers: { 201: { means: 'The trial has started.', body: trialSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post()
  @HttpCode(201)
  start(@Body({ schema: trialRequestSchema }) body: TrialRequestBody, @CurrentOperator() by: Operator) {
    const { kind, challenger, note } = body;
    return this.trials.start({ kind, challenger, note, settings: settingsOf(body, this.clock.now()) }, by.name);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getTrial',
    summary: 'Reports what a trial shows: agreement, band changes, cost, errors, outcomes, and the leads that move most',
    answers: { 200: { means: 'The report.', body: trialReportSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Get(':trial')
  report(@Param('trial') trial: string) {
    return this.trials.report(numberOf(trial));
  }

  @Access('operator')
  @ApiOperation({
    id: 'stopTrial',
    summary: 'Ends a trial; the champion scores all leads again',
    answers: { 200: { means: 'The report.', body: trialReportSchema } },
    problems: ['NOT_FOUND', 'BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':trial/stop')
  @HttpCode(200)
  async stop(@Param('trial') trial: string, @CurrentOperator() by: Operator) {
    await this.trials.stop(numberOf(trial), by.name);
    return this.trials.report(numberOf(trial));
  }

  @Access('operator')
  @ApiOperation({
    id: 'promoteTrial',
    summary: 'Puts the challenger of a trial into use for all leads from now on',
    description: 'Workers follow within seconds. Scores that were given before stay. POST /ops/trials/rollback returns.',
    answers: { 200: { means: 'The scorer in use.', body: championSchema } },
    problems: ['NOT_FOUND', 'BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':trial/promote')
  @HttpCode(200)
  promote(
    @Param('trial') trial: string,
    @Body({ schema: promoteSchema }) { force }: z.output<typeof promoteSchema>,
    @CurrentOperator() by: Operator,
  ) {
    return this.trials.promote(numberOf(trial), by.name, force);
  }

  @Access('operator')
  @ApiOperation({
    id: 'rollBackScorer',
    summary: 'Returns to the scorer that was in use before the last promotion',
    answers: { 200: { means: 'The scorer in use.', body: championSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('rollback')
  @HttpCode(200)
  rollBack(@CurrentOperator() by: Operator) {
    return this.trials.rollBack(by.name);
  }
}

const MAX_NUMBER = 2 ** 31 - 1;

/** @throws AppError NOT_FOUND */
function numberOf(text: string): number {
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Infinity;
  if (number > MAX_NUMBER) throw new AppError('NOT_FOUND', 'No trial has this number. GET /ops/trials lists them.');
  return number;
}
