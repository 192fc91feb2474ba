import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Access, CurrentOperator, type Operator } from '../platform/http/access.js';
import { ApiOperation, ApiTag } from '../platform/http/api-operation.js';
import { queueControlSchema, queuesSchema } from './queues.schemas.js';
import { QueuesService } from './queues.service.js';

@ApiTag('Queues')
@Controller('ops/queues')
export class QueuesController {
  constructor(private readonly queues: QueuesService) {}

  @Access('viewer')
  @ApiOperation({
    id: 'listQueues',
    summary: 'Shows both queues: their jobs, whether they are paused, and their circuit breakers',
    answers: { 200: { means: 'Both queues.', body: queuesSchema } },
    problems: ['LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  })
  @Get()
  list() {
    return this.queues.list();
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
  pause(@Param('name') name: string, @CurrentOperator() by: Operator) {
    return this.queues.pause(name, by.name);
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
  resume(@Param('name') name: string, @CurrentOperator() by: Operator) {
    return this.queues.resume(name, by.name);
  }
}
