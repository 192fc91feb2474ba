import { Controller, Get, Inject, Optional, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Config } from '../platform/config/config.js';
import type { Clock } from '../platform/clock.js';
import { Database } from '../platform/database/database.js';
import { ACK_READINESS, CLOCK, CONFIG, WORK_PROGRESS } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

type Status = 'up' | 'down';
const ANSWER_WITHIN_MS = 1500;
/** A worker rides out an outage of a store, and nobody should replace it for a short one: nothing would be better after that. */
const RIDDEN_OUT_MS = 30_000;

@Controller('health')
export class HealthController {
  private wellAt = -Infinity;

  constructor(
    private readonly database: Database,
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Optional() @Inject(ACK_READINESS) private readonly canAck?: () => Promise<boolean>,
    @Optional() @Inject(WORK_PROGRESS) private readonly moving?: () => boolean,
  ) {}

  @Get('live')
  live() {
    return { status: 'up' };
  }

  /**
   * An api is ready while it can acknowledge, by the ledger or by the spool; a worker while it can make progress, or could half a minute ago, and
   * not where it consumes nothing for no reason that it could wait out. One that stops closes its port first.
   */
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const [postgres, queue, ack] = await Promise.all([
      statusOf(this.database.ping()),
      statusOf(this.backend.ping()),
      this.canAck ? statusOf(this.canAck().then((can) => (can ? undefined : Promise.reject()))) : null,
    ]);
    const well = ack === null ? postgres === 'up' && queue === 'up' : ack === 'up';
    const now = this.clock.now();
    if (well) this.wellAt = now;
    const progress = this.moving && (this.moving() ? 'up' : 'down');
    const ready = ack === null ? progress !== 'down' && now - this.wellAt < RIDDEN_OUT_MS : well;
    void reply.code(ready ? 200 : 503);
    return {
      status: ready ? 'up' : 'down',
      role: this.config.ROLE,
      dependencies: { postgres, queue, ...(progress ? { progress } : {}) },
    };
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
