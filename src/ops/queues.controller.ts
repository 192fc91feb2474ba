import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { whyOpen, type StageRow } from '../flow-control/stage-row.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

@Controller('ops/queues')
export class QueuesController {
  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly flow: FlowControlRepository,
  ) {}

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

  /** Workers stop taking leads of the stage within a second; those in hand are finished. It holds until it is resumed. */
  @Post(':name/pause')
  @HttpCode(200)
  async pause(@Param('name') name: string, @Req() request: FastifyRequest) {
    return this.answer(await this.flow.pause(stageOf(name), request.operator?.name ?? 'local'));
  }

  @Post(':name/resume')
  @HttpCode(200)
  async resume(@Param('name') name: string, @Req() request: FastifyRequest) {
    return this.answer(await this.flow.resume(stageOf(name), request.operator?.name ?? 'local'));
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
