import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Access } from '../../platform/http/access.js';
import { ApiOperation, ApiTag, FORM_TYPE, JSON_TYPE } from '../../platform/http/api-operation.js';
import { dryRunBodySchema, dryRunSchema, scoreBodySchema, scoreSchema, type DryRunRequest } from './score.schemas.js';
import { ScoreService } from './score.service.js';

/** What a lead would get, and what another scoring profile would change. Nothing is stored. */
@ApiTag('Scores')
@Controller('ops/score')
export class ScoreController {
  constructor(private readonly scores: ScoreService) {}

  @Access('viewer')
  @ApiOperation({
    id: 'scoreLead',
    summary: 'Shows the score that a lead would get, with its evidence',
    description:
      'The body is parsed as a webhook is. The score is that of the rules; no model is asked, and nothing is stored. ' +
      'With `profile` the score is that of this scoring profile.',
    body: scoreBodySchema,
    mediaTypes: [JSON_TYPE, FORM_TYPE],
    answers: { 200: { means: 'The score.', body: scoreSchema } },
    problems: ['INVALID_LEAD'],
  })
  @Post()
  @HttpCode(200)
  score(@Body({ schema: z.unknown() }) body: unknown, @Req() request: FastifyRequest) {
    return this.scores.preview(body, request.bodyNotes);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'tryScoringProfile',
    summary: 'Shows which leads another scoring profile would move to another band',
    description:
      'One page of the leads since a time, newest first. Both scores are those of the rules, on the leads as they are ' +
      'stored. Nothing is stored or sent.',
    answers: { 200: { means: 'The counts of this page.', body: dryRunSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Post('dry-run')
  @HttpCode(200)
  dryRun(@Body({ schema: dryRunBodySchema }) body: DryRunRequest) {
    return this.scores.dryRun(body);
  }
}
