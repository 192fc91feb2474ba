import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import { routeSchemas } from './schema.pipe.js';

/**
 * Refuses query parameters and body fields of operations that take none. The schemas of the others refuse unknown
 * names. An ignored filter would widen the call to leads that it was not meant for.
 */
@Injectable()
export class StrictRequestGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!/^\/ops(?:\/|$)/.test(request.routeOptions.url ?? '')) return true;
    const { body, query } = routeSchemas(context.getClass(), context.getHandler().name);
    if (!query) refuseFields(request.query, 'query parameter');
    if (!body) refuseFields(request.body, 'body field');
    return true;
  }
}

function refuseFields(given: unknown, noun: string): void {
  const names = Object.keys(given ?? {}).slice(0, 50);
  if (names.length === 0) return;
  const message = `is not known here: this call takes no ${noun}`;
  const problems = names.map((name) => ({ path: name.slice(0, 100), message }));
  throw new AppError('BAD_REQUEST', `The request is not valid; nothing was changed. This call takes no ${noun}.`, { problems });
}
