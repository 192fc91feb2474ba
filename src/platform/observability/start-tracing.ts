import type { Config } from '../config/config.js';

/**
 * Sends the traces to an OpenTelemetry collector (OTLP over HTTP). The SDK is loaded only here and only then.
 * @returns what sends the rest and ends it.
 */
export async function startTracing(config: Pick<Config, 'ROLE' | 'ENV'>, endpoint: string): Promise<() => Promise<void>> {
  const [{ NodeTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: 5000 });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'revenueflow',
      'service.instance.role': config.ROLE,
      'deployment.environment.name': config.ENV,
    }),
    spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: 4096, scheduledDelayMillis: 1000 })],
  });
  provider.register();
  return () => provider.shutdown();
}
