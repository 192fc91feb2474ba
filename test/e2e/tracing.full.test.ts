import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startProcess, type RunningProcess } from '../support/service.js';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string }[];
}

/** A collector that receives OTLP as JSON over HTTP and keeps the spans. */
async function startCollector() {
  const spans: Span[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as {
        resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
      };
      spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    spans,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

describe('a trace', () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  const processes: RunningProcess[] = [];

  beforeEach(async () => {
    collector = await startCollector();
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const running of processes.splice(0)) await running.stop();
    await database.drop();
    await collector.stop();
  });
  const start = async (ROLE: string, more: Record<string, string> = {}) => {
    const env = { DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const running = await startProcess({ ...env, ROLE, ...more });
    processes.push(running);
    return running;
  };

  it('goes from the webhook through both stages to the CRM call, across processes', async () => {
    const api = await start('api');
    await start('worker');
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const { status, body } = await api.post(
      { email: 'ann@acme.com', campaign_id: 1, message: 'private words' },
      { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } },
    );
    expect(status).toBe(202);
    const names = ['POST /leads', 'enrich lead', 'ai.score', 'ledger.checkpoint', 'sync lead', 'crm.sync', 'ledger.mark-synced'];
    await eventually(() => {
      const inTrace = collector.spans.filter((span) => span.traceId === traceId);
      expect(inTrace.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    });
    const inTrace = collector.spans.filter((span) => span.traceId === traceId);
    const named = (name: string) => inTrace.find((span) => span.name === name)!;
    expect(named('POST /leads').parentSpanId).toBe('b7ad6b7169203331');
    for (const stage of ['enrich lead', 'sync lead']) expect(named(stage).parentSpanId).toBe(named('POST /leads').spanId);
    expect(named('crm.sync').parentSpanId).toBe(named('sync lead').spanId);
    expect(JSON.stringify(collector.spans)).not.toMatch(/ann@acme|private words/);
    // The stages' log lines contain the trace id.
    expect(processes[1]!.output()).toContain(`"traceId":"${traceId}"`);
    expect(processes[1]!.output()).toContain(`"leadId":"${body.leadId}"`);
  });

  it('loses no lead while the collector is down', async () => {
    const service = await start('all', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    const { body } = await service.post({ email: 'ann@acme.com', campaign_id: 1 });
    await eventually(async () => expect((await service.get(`/ops/leads/${body.leadId}`)).body.state).toBe('synced'));
    expect(await service.stop()).toBe(0);
  });
});
