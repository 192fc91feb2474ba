import { Controller, Get, Inject, Optional, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Config } from '../platform/config/config.js';
import type { Clock } from '../platform/clock.js';
import { Database } from '../platform/database/database.js';
import { ACK_READINESS, CLOCK, CONFIG, WORK_PROGRESS } from '../platform/platform.module.js';
import { Access } from '../platform/http/access.js';
import { ApiOperation, apiSchema, ApiTag } from '../platform/http/api-operation.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

type Status = 'up' | 'down';
const ANSWER_WITHIN_MS = 1500;
/** An outage of a store shorter than this does not make a worker unready: it would not help to replace it. */
const OUTAGE_GRACE_MS = 30_000;

const statusSchema = z.enum(['up', 'down']);
const liveSchema = apiSchema('Live', z.object({ status: z.literal('up') }), { status: 'up' });
const readySchema = apiSchema(
  'Ready',
  z.object({
    status: statusSchema,
    role: z.enum(['api', 'worker', 'all']),
    dependencies: z.object({
      postgres: statusSchema,
      queue: statusSchema,
      progress: statusSchema.optional().describe('Whether the worker’s stages get on with their work; an api has none.'),
    }),
  }),
  { status: 'up', role: 'all', dependencies: { postgres: 'up', queue: 'up', progress: 'up' } },
);

const READY_MEANS =
  'An api process is ready while it can acknowledge leads, through the ledger or the spool; a worker while it can make progress.';
const READY_ANSWERS = {
  200: { means: 'It is ready.', body: readySchema },
  503: { means: 'It is not; the body says what is down.', body: readySchema },
};

@ApiTag('Service')
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

  @Access('public')
  @ApiOperation({
    id: 'live',
    summary: 'Whether the process answers',
    answers: { 200: { means: 'It does.', body: liveSchema } },
  })
  @Get('live')
  live() {
    return { status: 'up' };
  }

  /** An alias of /health/ready. */
  @Access('public')
  @ApiOperation({ id: 'health', summary: 'The same as /health/ready', description: READY_MEANS, answers: READY_ANSWERS })
  @Get()
  health(@Res({ passthrough: true }) reply: FastifyReply) {
    return this.ready(reply);
  }

  /**
   * An api is ready while it can acknowledge, through the ledger or the spool. A worker is ready while its stores
   * answered within the last half minute, and it makes progress or an outage explains why not. A process that stops
   * closes its port first.
   */
  @Access('public')
  @ApiOperation({ id: 'ready', summary: 'Whether the process can do its work', description: READY_MEANS, answers: READY_ANSWERS })
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
    const ready = ack === null ? progress !== 'down' && now - this.wellAt < OUTAGE_GRACE_MS : well;
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
