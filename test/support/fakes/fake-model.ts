import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sensibleBrain, type Brain, type Judgement } from './brain.js';
import type { Fault } from './faults.js';

/** A request as received. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface WireAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** The API of one vendor. */
export interface Dialect {
  name: string;
  /** Null where the path is not part of the API. */
  accepts(request: Received): { instructions: string; prompt: string } | WireAnswer;
  answer(judgement: Judgement, request: Received, stop?: 'truncated'): WireAnswer;
  fail(fault: Fault, request: Received): WireAnswer;
}

/**
 * A model behind real HTTP. Without a script its brain answers. `next` sets the faults of the coming requests, one
 * each; `always` sets the fault of every request without a `next`; `sometimes` draws faults at random.
 */
export class FakeModel {
  readonly received: Received[] = [];
  brain: Brain = sensibleBrain;
  /** The delay before each answer, in milliseconds. */
  latencyMs = 0;
  private readonly queue: (Fault | null)[] = [];
  private standing: (() => Fault | null) | null = null;

  private constructor(
    private readonly dialect: Dialect,
    private readonly server: Server,
  ) {}

  static async start(dialect: Dialect, port = 0): Promise<FakeModel> {
    const server = createServer();
    const fake = new FakeModel(dialect, server);
    server.on('request', (request, response) => void fake.serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // In a container the callers are outside of it.
      server.listen(port, process.env['FAKES_HOST'] ?? '127.0.0.1', resolve);
    });
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  next(...faults: (Fault | null)[]): void {
    this.queue.push(...faults);
  }

  always(fault: Fault | null): void {
    this.standing = fault ? () => fault : null;
  }

  sometimes(share: number, faults: readonly Fault[], random: () => number = Math.random): void {
    this.standing = () => (random() < share ? faults[Math.floor(random() * faults.length)]! : null);
  }

  /** Clears the received requests and the planned faults. */
  reset(): void {
    this.received.length = 0;
    this.queue.length = 0;
    this.standing = null;
    this.latencyMs = 0;
    this.brain = sensibleBrain;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await read(request);
    this.received.push(received);
    const accepted = this.dialect.accepts(received);
    if ('status' in accepted) return send(response, accepted);
    const fault = this.queue.length > 0 ? this.queue.shift()! : (this.standing?.() ?? null);
    await pause(this.latencyMs + (fault?.kind === 'slow' ? fault.ms : 0));
    const judge = () => this.brain(accepted.instructions, accepted.prompt);
    switch (fault?.kind) {
      case undefined:
      case 'slow':
        return send(response, this.dialect.answer(judge(), received));
      case 'hang':
        return;
      case 'drop': {
        if (!fault.midway) return void request.socket.destroy();
        const { body } = this.dialect.answer(judge(), received);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) });
        response.write(body.slice(0, body.length / 2), () => request.socket.destroy());
        return;
      }
      case 'truncated':
        return send(response, this.dialect.answer(judge(), received, 'truncated'));
      case 'nonsense':
        return send(response, this.dialect.answer({ lead: 'is fine, I think' } as unknown as Judgement, received));
      case 'missing-fields':
        return send(response, this.dialect.answer({ fitScore: 70, intent: 'high' } as unknown as Judgement, received));
      case 'out-of-range':
        return send(response, this.dialect.answer({ ...judge(), fitScore: 1e6, confidence: -40 }, received));
      case 'html':
        return send(response, {
          status: 200,
          headers: { 'content-type': 'text/html' },
          body: '<html><body>Welcome to the proxy</body></html>',
        });
      case 'empty-body':
        return send(response, { status: 200, body: '' });
      case 'verbatim':
        return send(response, json(200, fault.body));
      default:
        return send(response, this.dialect.fail(fault!, received));
    }
  }
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    path: decodeURIComponent(request.url ?? ''),
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function send(response: ServerResponse, { status, headers, body }: WireAnswer): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

function pause(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): WireAnswer => ({
  status,
  headers,
  body: JSON.stringify(body),
});

/** Approximates the number of tokens of a text. */
export const tokensOf = (text: string): number => Math.ceil(text.length / 4);
