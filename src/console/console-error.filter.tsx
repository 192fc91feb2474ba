import { Catch, Inject, Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CATALOG, type ErrorCode } from '../domain/error-catalog.js';
import { asAppError, problemOf } from '../platform/http/problem.js';
import type { Logger } from '../platform/observability/logger.js';
import { LOGGER } from '../platform/platform.module.js';
import { CONTENT_SECURITY_POLICY } from './content-security-policy.js';
import { ConsoleViewer } from './console-viewer.js';
import { renderPage } from './layout.js';
import { ErrorPage } from './pages/error.page.js';

const TITLES: Record<number, string> = {
  400: 'This cannot be done',
  403: 'Not permitted',
  404: 'Not found',
  503: 'A store does not answer',
};

/** The section of the runbook about what a page cannot read. */
const RUNBOOK: Partial<Record<ErrorCode, string>> = {
  LEDGER_UNAVAILABLE: 'postgresql-is-down',
  QUEUE_UNAVAILABLE: 'a-queue-does-not-move',
};

/** Shows an error of a page or a form as a page. */
@Catch()
@Injectable()
export class ConsoleErrorFilter implements ExceptionFilter {
  constructor(
    private readonly viewer: ConsoleViewer,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    const error = asAppError(thrown);
    const { status, detail, errors } = problemOf(error);
    if (status === 500) this.logger.error({ requestId: request.id, err: error }, 'A page of the console failed unexpectedly');
    // The answer of a form has no address that shows it again.
    const retryHref = status === 503 && request.method === 'GET' ? request.url : null;
    const remedy = retryHref ? 'This page is shown again once it does.' : ERROR_CATALOG[error.code].remedy;
    const view = {
      title: TITLES[status] ?? 'This failed',
      code: error.code,
      detail: [detail, ...errors.map(({ path, message }) => `${path}: ${message}`), remedy].join(' '),
      requestId: request.id,
      runbook: RUNBOOK[error.code] ?? null,
      retryHref,
    };
    const page = renderPage(<ErrorPage viewer={await this.viewer.of(request)} view={view} />);
    void reply
      .code(status)
      .type('text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .send(page);
  }
}
