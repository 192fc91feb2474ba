import { Controller, Get, Inject } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';
import { STAGES } from '../lead/state.js';
import type { QueueBackend } from '../queue/backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

@Controller('ops/queues')
export class QueuesController {
  constructor(@Inject(QUEUE_BACKEND) private readonly backend: QueueBackend) {}

  @Get()
  async list() {
    try {
      const items = STAGES.map(async (stage) => ({ name: stage, ...(await this.backend.queue(stage).counts()) }));
      return { backend: this.backend.kind, items: await Promise.all(items) };
    } catch (cause) {
      throw new AppError('QUEUE_UNAVAILABLE', 'The queue store does not answer. The leads are in the ledger.', { cause });
    }
  }
}
