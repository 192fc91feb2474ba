import { Controller, Get, Inject, Optional, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Ledger } from '../ledger/ledger.js';
import type { Config } from '../platform/config/config.js';
import { ACK_READINESS, CONFIG } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

type Status = 'up' | 'down';
const ANSWER_WITHIN_MS = 1500;

@Controller('health')
export class HealthController {
  constructor(
    private readonly ledger: Ledger,
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    @Inject(CONFIG) private readonly config: Config,
    @Optional() @Inject(ACK_READINESS) private readonly canAck?: () => Promise<boolean>,
  ) {}

  @Get('live')
  live() {
    return { status: 'up' };
  }

  /** An api is ready while it can acknowledge, by the ledger or by the spool; a worker while it can make progress. */
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const [postgres, queue, ack] = await Promise.all([
      statusOf(this.ledger.ping()),
      statusOf(this.backend.ping()),
      this.canAck ? statusOf(this.canAck().then((can) => (can ? undefined : Promise.reject()))) : null,
    ]);
    const ready = ack === null ? postgres === 'up' && queue === 'up' : ack === 'up';
    void reply.code(ready ? 200 : 503);
    return { status: ready ? 'up' : 'down', role: this.config.ROLE, dependencies: { postgres, queue } };
  }
}

async function statusOf(answer: Promise<unknown>): Promise<Status> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, ANSWER_WITHIN_MS);
  });
  try {
    await Promise.race([answer, timeout]);
    return 'up';
  } catch {
    return 'down';
  } finally {
    clearTimeout(timer);
  }
}
