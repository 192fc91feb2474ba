import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that accepts messages like Slack's incoming webhooks, and answers as a test sets. */
export async function startAlertSink() {
  const texts: string[] = [];
  const bodies: string[] = [];
  const sink = { url: '', texts, bodies, status: 200, refused: 0, stop };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (sink.status === 200) {
      bodies.push(body);
      texts.push((JSON.parse(body) as { text: string }).text);
    } else sink.refused++;
    response.writeHead(sink.status).end(sink.status === 200 ? 'ok' : 'no_service');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  sink.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/secret`;
  async function stop(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  return sink;
}

export type AlertSink = Awaited<ReturnType<typeof startAlertSink>>;
