import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import { ERROR_CATALOG, type ErrorCode } from '../../domain/error-catalog.js';
import type { Logger } from '../observability/logger.js';

export const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_BODY: 400,
  INVALID_LEAD: 400,
  BAD_REQUEST: 400,
  SIGN_IN_FIRST: 303,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  REQUEST_TIMEOUT: 408,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_FAILED_AUTHENTICATIONS: 429,
  HEADERS_TOO_LARGE: 431,
  LEDGER_UNAVAILABLE: 503,
  LEDGER_OVERLOADED: 503,
  QUEUE_UNAVAILABLE: 503,
};

const TITLES: Record<number, string> = {
  303: 'See Other',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const RETRY_AFTER_SECONDS = 5;

/** An error as a problem (RFC 9457). `requestId` is the id of its log line. */
export function problemOf(error: AppError, requestId?: string) {
  const status = STATUS[error.code] ?? 500;
  return {
    type: `urn:revenueflow:error:${error.code}`,
    title: TITLES[status]!,
    status,
    code: error.code,
    detail: status === 500 ? ERROR_CATALOG.UNEXPECTED.meaning : error.message,
    errors: error.problems,
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** Maps errors of Fastify and Nest to AppErrors. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown } | null)?.statusCode;
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  if (status === 404)
    return new AppError('NOT_FOUND', 'There is nothing at this address. GET / lists the addresses; webhooks go to POST /leads.', {
      cause: error,
    });
  if (status === 413)
    return new AppError('BODY_TOO_LARGE', 'The body is larger than 64 KiB. Nothing was stored. Send fewer fields.');
  if (status === 415) {
    return new AppError(
      'UNSUPPORTED_MEDIA_TYPE',
      'The Content-Type must be application/json or application/x-www-form-urlencoded. Nothing was stored.',
    );
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new AppError('BAD_REQUEST', `The request cannot be read${code === '' ? '' : ` (${code})`}. Nothing was stored.`, {
      cause: error,
    });
  }
  return AppError.from(error);
}

/** Turns every error of every endpoint into a problem. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = asAppError(thrown);
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    const problem = problemOf(error, request.id);
    if (problem.status === 500) this.logger.error({ requestId: request.id, err: error }, 'A request failed unexpectedly');
    if (problem.status === 503 || problem.status === 429) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    if (problem.status === 401 && !reply.hasHeader('www-authenticate')) void reply.header('www-authenticate', 'Bearer');
    void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}
