import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';

/**
 * Creates a span for each webhook, as part of the sender's trace where it sent a `traceparent`. The request is handled
 * within the span.
 */
export function traceWebhooks(fastify: FastifyInstance): void {
  const tracer = trace.getTracer('revenueflow');
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST' || request.routeOptions.url !== '/leads') return done();
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = tracer.startSpan(
      'POST /leads',
      { kind: SpanKind.SERVER, attributes: { 'revenueflow.request_id': request.id } },
      parent,
    );
    reply.raw.once('close', () => {
      span.setAttribute('http.response.status_code', reply.statusCode);
      span.end();
    });
    context.with(trace.setSpan(parent, span), done);
  });
}
