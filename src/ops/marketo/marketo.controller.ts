import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import {
  arrivalsSchema,
  backfillPageSchema,
  backfillSchema,
  marketoReportSchema,
  marketoRunSchema,
  marketoStageSchema,
  reconcileSchema,
} from './marketo.schemas.js';
import { MarketoService } from './marketo.service.js';

@ApiTag('Marketo')
@Controller('ops/marketo')
export class MarketoController {
  constructor(private readonly marketo: MarketoService) {}

  @Access('viewer')
  @ApiOperation({
    id: 'getMarketo',
    summary: 'Shows what is owed to Marketo, and which webhook calls of its log are in the ledger',
    answers: { 200: { means: 'The report.', body: marketoReportSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  report() {
    return this.marketo.report();
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getMarketoArrivals',
    summary: 'Shows what arrived in the last day, as far as it shows how the webhook is set up',
    answers: { 200: { means: 'Counts; no content of a lead.', body: arrivalsSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get('arrivals')
  arrivals() {
    return this.marketo.arrived();
  }

  @Access('operator')
  @ApiOperation({
    id: 'reconcileMarketo',
    summary: "Compares a window of Marketo's log with the ledger now",
    description: 'A worker executes the run; GET /ops/marketo/runs/{run} shows how far it is. It is audited.',
    answers: { 202: { means: 'The run is queued.', body: marketoRunSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('reconcile')
  @HttpCode(202)
  reconcile(@Body({ schema: reconcileSchema }) request: z.output<typeof reconcileSchema>, @CurrentOperator() by: Operator) {
    return this.marketo.reconcile(by.name, request);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getMarketoRun',
    summary: 'Shows one run of the comparison',
    answers: { 200: { means: 'The run.', body: marketoRunSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Get('runs/:run')
  run(@Param('run') id: string) {
    return this.marketo.run(id);
  }

  @Access('operator')
  @ApiOperation({
    id: 'backfillMarketo',
    summary: 'Owes the scores of a page of people that Marketo does not show; workers write them',
    answers: { 200: { means: 'What the page had.', body: backfillPageSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('backfill')
  @HttpCode(200)
  backfill(@Body({ schema: backfillSchema }) request: z.output<typeof backfillSchema>, @CurrentOperator() by: Operator) {
    return this.marketo.backfill(by.name, request);
  }

  @Access('operator')
  @ApiOperation({
    id: 'pauseMarketo',
    summary: 'Pauses a task that calls Marketo; it holds across restarts',
    answers: { 200: { means: 'Paused.', body: marketoStageSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':task/pause')
  @HttpCode(200)
  pause(@Param('task') name: string, @CurrentOperator() by: Operator) {
    return this.marketo.pause(name, by.name, 'pause');
  }

  @Access('operator')
  @ApiOperation({
    id: 'resumeMarketo',
    summary: 'Resumes a paused task',
    answers: { 200: { means: 'Resumed.', body: marketoStageSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':task/resume')
  @HttpCode(200)
  resume(@Param('task') name: string, @CurrentOperator() by: Operator) {
    return this.marketo.pause(name, by.name, 'resume');
  }
}
