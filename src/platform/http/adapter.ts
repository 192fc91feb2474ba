import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import type { IntakeNote } from '../../domain/lead.js';
import { recordMethods } from './allowed-methods.js';
import { parseBody, parseWebhookBody } from './parse-body.js';
import { refuseFieldsInAddress } from './fields-in-address.js';
import { asAppError, problemOf } from './problem.js';
import { BODY_LIMIT_BYTES, LARGE_BODY_LIMIT_BYTES, readBody } from './read-body.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as received, decompressed and not parsed; only the first part of a body that is too large. */
    rawBody?: Buffer;
    /** The Content-Type as received; see `admitAnyContentType`. */
    sentContentType?: string | undefined;
    /** Findings of the body parser. */
    bodyNotes?: IntakeNote[];
  }
}

/** A webhook has some hundred bytes, so a slower request is an attack or a broken connection. */
const REQUEST_WITHIN_MS = 10_000;

/** Request ids that are accepted from a proxy: short and safe in a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export interface HttpOptions {
  /** Whose X-Forwarded-* headers are trusted: false, the number of proxies, or their addresses. */
  trustProxy?: false | number | string[];
}

/**
 * Fastify with limits for a public endpoint, and with our own body parsers, whose errors name the fault in a Marketo
 * template. Create the Nest application with `bodyParser: false`.
 */
export function createHttpAdapter({ trustProxy = false }: HttpOptions = {}): FastifyAdapter {
  const adapter = new FastifyAdapter({
    // Fastify also accepts a number, but the adapter's types do not.
    trustProxy: typeof trustProxy === 'number' ? (_address, hop) => hop < trustProxy : trustProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    rewriteUrl: ({ url = '/' }) => url.replace(AFTER_WEBHOOK, '$1'),
    requestTimeout: REQUEST_WITHIN_MS,
    connectionTimeout: 30_000,
    keepAliveTimeout: 65_000, // longer than the idle timeout of a load balancer (60 s), which must close first
    http: { headersTimeout: REQUEST_WITHIN_MS, connectionsCheckingInterval: 1000, maxHeaderSize: 16 * 1024 },
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const problem = problemOf(asAppError(error), request.id);
      void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
    },
  });
  const fastify = adapter.getInstance();
  recordMethods(fastify);
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    if (carriesLead(request)) admitAnyContentType(request);
    done();
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', parse);
  return adapter;
}

const WEBHOOK_ROUTE = '/leads';
/**
 * What a template leaves behind the path: an encoded slash or space, copied punctuation, path parameters. Each text has
 * one reading only, since this runs before authentication: with two, a URL of semicolons would occupy the process.
 */
const AFTER_WEBHOOK = /^(\/+leads)(?:[/.,"'>)]|%2f|%20|%09|%0[ad]|%22|%3e)*(?:;[^?#/]*\/*)?(?=[?#]|$)/i;
/** The webhook, and the preview of its score: their bodies are read alike. */
const LEAD_ROUTES = new Set([WEBHOOK_ROUTE, '/ops/score']);
const carriesLead = (request: FastifyRequest) => LEAD_ROUTES.has(request.routeOptions.url ?? '');
const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/** Fastify refuses a header such as `json` before it reads the body, so the request could not be stored. */
function admitAnyContentType(request: FastifyRequest): void {
  const { headers } = request.raw;
  request.sentContentType = headers['content-type'];
  if (headers['content-type'] !== undefined && !MEDIA_TYPE.test(headers['content-type'])) {
    headers['content-type'] = 'application/octet-stream';
  }
}

async function parse(request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
  const limit = request.routeOptions.config.largeBody ? LARGE_BODY_LIMIT_BYTES : BODY_LIMIT_BYTES;
  const { bytes, problem } = await readBody(payload, request.headers, limit);
  request.rawBody = bytes;
  if (problem) throw problem;
  const isWebhook = request.routeOptions.url === WEBHOOK_ROUTE;
  if (isWebhook && bytes.length === 0) refuseFieldsInAddress(request.url);
  const { value, notes } = carriesLead(request)
    ? parseWebhookBody(bytes, request.sentContentType)
    : parseBody(bytes, request.headers['content-type']);
  request.bodyNotes = notes;
  return value;
}

/**
 * Data that is not HTTP, too large or too slow never becomes a request. It is answered with a problem, and the
 * connection is closed.
 */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(unreadable(error.code));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function unreadable(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new AppError('HEADERS_TOO_LARGE', 'The headers are larger than 16 KiB. Nothing was stored.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError(
      'REQUEST_TIMEOUT',
      'The request did not arrive completely within 10 seconds. Nothing was stored. Send it again.',
    );
  }
  return new AppError('BAD_REQUEST', 'This is not an HTTP/1.1 request that can be read. Nothing was stored.');
}
