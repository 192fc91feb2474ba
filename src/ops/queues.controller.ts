import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { whyOpen, type StageRow } from '../flow-control/stage-row.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import { Access, CurrentOperator, type Operator } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { queueControlSchema, queuesSchema } from './queues.schemas.js';

@ApiTag('Queues')
@Controller('ops/queues')
export class QueuesController {
  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly flow: FlowControlRepository,
  ) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listQueues',
    summary: 'Shows both queues: their jobs, whether they are paused, and their circuit breakers',
    answers: { 200: { means: 'Both queues.', body: queuesSchema } },
    problems: ['LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  })
  @Get()
  async list() {
    const [rows, counts] = await Promise.all([
      this.flow.stages(),
      Promise.all(STAGES.map((stage) => this.backend.queue(stage).counts())).catch((cause: unknown) => {
        throw new AppError('QUEUE_UNAVAILABLE', 'The queue store does not answer. The leads are in the ledger.', { cause });
      }),
    ]);
    const items = STAGES.map((stage, index) => ({
      name: stage,
      ...counts[index]!,
      ...shown(rows.find((row) => row.stage === stage)!),
    }));
    return { backend: this.backend.kind, items };
  }

  @Access('operator')
  @ApiOperation({
    id: 'pauseQueue',
    summary: 'Pauses a stage: within a second workers start no more of its leads; running ones finish',
    description: 'The pause holds across restarts, deployments and a wiped Redis, until the stage is resumed.',
    answers: { 200: { means: 'Paused.', body: queueControlSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':name/pause')
  @HttpCode(200)
  async pause(@Param('name') name: string, @CurrentOperator() by: Operator) {
    return this.answer(await this.flow.pause(stageOf(name), by.name));
  }

  @Access('operator')
  @ApiOperation({
    id: 'resumeQueue',
    summary: 'Resumes a paused stage',
    answers: { 200: { means: 'Resumed.', body: queueControlSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post(':name/resume')
  @HttpCode(200)
  async resume(@Param('name') name: string, @CurrentOperator() by: Operator) {
    return this.answer(await this.flow.resume(stageOf(name), by.name));
  }

  private answer(row: StageRow | null) {
    return { name: row!.stage, ...shown(row!) };
  }
}

function stageOf(name: string): Stage {
  const stage = STAGES.find((candidate) => candidate === name);
  if (!stage) throw new AppError('NOT_FOUND', `There is no queue of this name. The queues are ${STAGES.join(' and ')}.`);
  return stage;
}

function shown(row: StageRow) {
  return {
    paused: row.pausedAt !== null,
    pausedBy: row.pausedBy,
    pausedAt: row.pausedAt,
    breaker: {
      state: row.breaker,
      reason: row.reason,
      code: row.code,
      problem: whyOpen(row),
      answer: row.answer,
      openedAt: row.openedAt,
      nextProbeAt: row.probeAt,
    },
    rateShare: Number(row.rateShare.toFixed(2)),
  };
}
