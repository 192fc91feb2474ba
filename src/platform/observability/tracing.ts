import { propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, context, trace, type Attributes } from '@opentelemetry/api';
import { AppError } from '../../domain/app-error.js';

export interface Traced {
  name: string;
  /** A W3C traceparent to continue; null or undefined: the current trace, or a new one. */
  parent?: string | null | undefined;
  kind?: SpanKind;
  attributes?: Attributes;
}

/** Runs `act` as a span. Without an SDK (OTEL_EXPORTER_OTLP_ENDPOINT is unset) it just runs it. */
export function traced<T>(
  { name, parent, kind = SpanKind.INTERNAL, attributes = {} }: Traced,
  act: () => Promise<T>,
): Promise<T> {
  const from = parent ? propagation.extract(ROOT_CONTEXT, { traceparent: parent }) : context.active();
  return trace.getTracer('revenueflow').startActiveSpan(name, { kind, attributes }, from, async (span) => {
    try {
      return await act();
    } catch (error) {
      // Messages of foreign errors quote values, so only the code is recorded.
      span.setStatus({ code: SpanStatusCode.ERROR, message: AppError.from(error).code });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The current trace, to be passed on; null without tracing. */
export function currentTraceparent(): string | null {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? null;
}

/** For log lines; undefined without tracing. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}

export function isTracing(): boolean {
  return trace.getActiveSpan() !== undefined;
}

export { SpanKind };
