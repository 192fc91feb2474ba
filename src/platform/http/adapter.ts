import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { parseFormBody, parseJsonBody } from './parse-body.js';

export const BODY_LIMIT_BYTES = 64 * 1024;

/** Ids that a proxy may hand on: short and plain, so that they can stand in a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Fastify with the limits that an endpoint on the internet needs, and with our own parsers: their errors name what is wrong
 * with a Marketo template. Create the Nest application with `bodyParser: false`.
 */
export function createHttpAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 65_000, // longer than the idle timeout of a load balancer (60 s), which must be the one to hang up
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: 200 },
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(/^application\/(?:[\w.+-]+\+)?json(?:;|$)/, { parseAs: 'buffer' }, (_request, body, done) =>
    parseWith(parseJsonBody, body as Buffer, done),
  );
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_request, body, done) =>
    parseWith(parseFormBody, body as Buffer, done),
  );
  return adapter;
}

function parseWith(parse: (body: Buffer) => unknown, body: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  let parsed: unknown;
  try {
    parsed = parse(body);
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, parsed);
}
