import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import type { Config } from '../platform/config/config.js';
import { sameToken } from '../platform/http/session.js';
import { CONFIG } from '../platform/platform.module.js';
import { ConsoleViewer } from './console-viewer.js';

/**
 * Admits a form of the console only with the token that its page carried: a browser without Sec-Fetch-Site could send
 * it for another site. With CONSOLE=read-only no form is admitted.
 */
@Injectable()
export class ConsoleFormsGuard implements CanActivate {
  constructor(
    private readonly viewer: ConsoleViewer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method === 'GET' || request.method === 'HEAD') return true;
    const { formToken } = (request.body ?? {}) as { formToken?: unknown };
    if (!sameToken(formToken, this.viewer.formTokenOf(request))) {
      throw new AppError('CROSS_SITE', 'The form is not from this session of the console. Reload the page and try again.');
    }
    if (this.config.CONSOLE === 'read-only' && request.routeOptions.config.access === 'operator') {
      throw new AppError(
        'FORBIDDEN',
        'CONSOLE=read-only: the console shows everything and changes nothing. Use the CLI or the API.',
      );
    }
    return true;
  }
}
