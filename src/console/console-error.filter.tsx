import { Catch, Inject, Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../domain/app-error.js';
import { ERROR_CATALOG, type ErrorCode } from '../domain/error-catalog.js';
import { asAppError, problemOf } from '../platform/http/problem.js';
import type { Logger } from '../platform/observability/logger.js';
import { LOGGER } from '../platform/platform.module.js';
import { ConsoleViewer } from './console-viewer.js';
import { renderPage } from './layout.js';
import { HTML, PAGE_HEADERS } from './page-headers.js';
import { ErrorPage } from './pages/error.page.js';

const TITLES: Record<number, string> = {
  400: 'This cannot be done',
  403: 'Not permitted',
  404: 'Not found',
  413: 'Too large',
  503: 'A store does not answer',
};

/** The section of the runbook about what a page cannot read. */
const RUNBOOK: Partial<Record<ErrorCode, string>> = {
  LEDGER_UNAVAILABLE: 'postgresql-is-down',
  QUEUE_UNAVAILABLE: 'a-queue-does-not-move',
};

/** Where the catalogue names parts of a problem document, which the page is not. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  BAD_REQUEST: 'Go back and correct it.',
  NOT_FOUND: 'Check the address.',
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
    const page = await this.pageOf(error, request);
    // The error of a download is a page, not a file.
    void reply.removeHeader('content-disposition').headers(PAGE_HEADERS).code(problemOf(error).status).type(HTML).send(page);
  }

  /** Empty where the browser is led to the sign-in. */
  async pageOf(error: AppError, request: FastifyRequest): Promise<string> {
    const { status, detail, errors } = problemOf(error);
    if (status === 303) return '';
    if (status === 500) this.logger.error({ requestId: request.id, err: error }, 'A page of the console failed unexpectedly');
    // The answer of a form has no address that shows it again.
    const retryHref = status === 503 && request.method === 'GET' ? request.url : null;
    const remedy = retryHref
      ? 'This page is shown again once it does.'
      : (REMEDIES[error.code] ?? ERROR_CATALOG[error.code].remedy);
    const others = errors.filter(({ message }) => !detail.includes(message));
    const view = {
      title: TITLES[status] ?? 'This failed',
      code: error.code,
      detail: [detail, ...others.map(({ path, message }) => `${path}: ${message}`), remedy].join(' '),
      requestId: request.id,
      runbook: RUNBOOK[error.code] ?? null,
      retryHref,
    };
    return renderPage(<ErrorPage viewer={await this.viewer.of(request)} view={view} />);
  }
}
