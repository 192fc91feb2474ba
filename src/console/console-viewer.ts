import { createParamDecorator, Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RejectionsRepository } from '../ledger/rejections.repository.js';
import { SlaRepository } from '../ledger/sla.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { Sessions } from '../platform/http/session.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import type { Viewer } from './layout.js';
import { Reading } from './reading.js';

const COUNTS_KEPT_MS = 5000;

/** What every page of the console shows: who reads it, what they may do, and what waits for a person. */
@Injectable()
export class ConsoleViewer {
  private readonly sessions: Sessions;
  private readonly waiting: Reading<Viewer['waiting']>;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    sla: SlaRepository,
    rejections: RejectionsRepository,
  ) {
    this.sessions = new Sessions(config.OPS_TOKENS);
    this.waiting = new Reading<Viewer['waiting']>(clock, COUNTS_KEPT_MS, async () => {
      const [deadLetters, open] = await Promise.all([sla.countDead(), rejections.countOpenRejections()]);
      return { deadLetters, rejections: open };
    });
  }

  /** Never fails: a page must say what is wrong while PostgreSQL is down. */
  async of(request: FastifyRequest): Promise<Viewer> {
    // A refused request has a session and no operator.
    const operator = request.operator ?? (request.session && { name: request.session.name, role: request.session.role });
    return {
      env: this.config.ENV,
      operator: this.config.OPS_TOKENS ? (operator ?? null) : null,
      canAct: operator?.role === 'operator' && this.config.CONSOLE === 'on',
      formToken: this.formTokenOf(request),
      now: new Date(this.clock.now()),
      refreshes: request.method === 'GET',
      waiting: await this.waiting.read().catch(() => null),
    };
  }

  formTokenOf({ session }: FastifyRequest): string {
    return session?.formToken ?? this.sessions.openFormToken;
  }
}

/** The request itself, for the viewer of the page. */
export const PageRequest = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  context.switchToHttp().getRequest<FastifyRequest>(),
);
