import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { probabilityOf } from '../../outcomes/calibration/calibrator.js';
import { CalibrationService } from '../../outcomes/calibration.service.js';
import type { Calibration } from '../../outcomes/calibrations.repository.js';
import { OutcomesService } from '../../outcomes/outcomes.service.js';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import {
  calibrationActSchema,
  calibrationsSchema,
  outcomeAnswerSchema,
  outcomeInputSchema,
  outcomesReportSchema,
  reportQuerySchema,
} from './outcomes.schemas.js';

/** Of the curve that an operator looks at before an activation. */
const CURVE_SCORES = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/** What became of leads, and what that says about their scores (docs/outcomes.md). */
@ApiTag('Outcomes')
@Controller('ops/outcomes')
export class OutcomesController {
  constructor(
    private readonly outcomes: OutcomesService,
    private readonly calibrations: CalibrationService,
  ) {}

  @Access('operator')
  @ApiOperation({
    id: 'reportOutcome',
    summary: 'Stores an outcome from another system',
    description: 'It can be repeated: the same source, id, person, kind and time are one outcome.',
    answers: { 200: { means: 'Stored now, or stored before.', body: outcomeAnswerSchema } },
    problems: ['BAD_REQUEST', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post()
  @HttpCode(200)
  async report(@Body({ schema: outcomeInputSchema }) body: z.output<typeof outcomeInputSchema>, @CurrentOperator() by: Operator) {
    return { status: (await this.outcomes.report(body, by.name)) ? 'recorded' : 'duplicate' };
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getOutcomesReport',
    summary: 'Reports what scores were worth: conversion by band and decile, AUC, Brier score, reliability, drift',
    answers: { 200: { means: 'The report.', body: outcomesReportSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Get('report')
  reportOn(@Query({ schema: reportQuerySchema }) query: z.output<typeof reportQuerySchema>) {
    return this.outcomes.reportOn(query);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'listCalibrations',
    summary: 'Lists the calibrations, the newest first',
    answers: { 200: { means: 'The calibrations.', body: calibrationsSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get('calibration')
  async list() {
    const items = await this.calibrations.list();
    return { active: items.find(({ active }) => active)?.version ?? null, items: items.map(shown) };
  }

  @Access('operator')
  @ApiOperation({
    id: 'calibrate',
    summary: 'Fits a calibration, activates one, or returns to the one before',
    description: 'A calibration gives a score the probability of conversion. It never changes a score.',
    answers: { 200: { means: 'The calibrations after the act.', body: calibrationsSchema } },
    problems: ['BAD_REQUEST', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post('calibration')
  @HttpCode(200)
  async calibrate(
    @Body({ schema: calibrationActSchema }) body: z.output<typeof calibrationActSchema>,
    @CurrentOperator() by: Operator,
  ) {
    if (body.act === 'fit') await this.calibrations.fit(by.name, body.target, body.horizonDays);
    else if (body.act === 'activate') await this.calibrations.activate(by.name, body.version);
    else await this.calibrations.rollBack(by.name);
    return this.list();
  }
}

function shown({ calibrator, fitted, ...calibration }: Calibration) {
  return {
    ...calibration,
    method: calibrator.method,
    ...fitted,
    curve: CURVE_SCORES.map((score) => ({ score, probability: Number(probabilityOf(calibrator, score).toFixed(4)) })),
  };
}
