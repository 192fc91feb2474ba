import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EndedSessionsRepository } from '../ledger/ended-sessions.repository.js';
import { signInFirst } from '../platform/http/operator-auth.js';

/** Refuses a cookie whose operator signed out, so that a copy of it opens nothing. */
@Injectable()
export class ConsoleSessionGuard implements CanActivate {
  constructor(private readonly sessions: EndedSessionsRepository) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    if (!request.session) return true;
    const hasEnded = await this.sessions.hasEnded(request.session.id).catch((error: unknown) => {
      // While PostgreSQL is down there is nothing to read, and the runbook must open. A form is refused.
      if (request.method !== 'GET') throw error;
      return false;
    });
    if (hasEnded) throw signInFirst(request, reply);
    return true;
  }
}
