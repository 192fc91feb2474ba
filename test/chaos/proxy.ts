import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** How the network between the service and a store behaves. */
export type Weather = 'clear' | 'slow' | 'half-open';

const SLOW_MS = 150;

/** A TCP proxy in front of a store: it can delay, reset and drop traffic. */
export class Proxy {
  weather: Weather = 'clear';
  private readonly sockets = new Set<Socket>();
  private readonly forgotten = new Set<Socket>();
  /** The callers' ends, in the order in which they came. */
  private readonly callers: Socket[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(target: number): Promise<Proxy> {
    const server = createServer({ allowHalfOpen: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new Proxy(server, (server.address() as { port: number }).port);
    server.on('connection', (client) => proxy.join(client, connect(target, '127.0.0.1')));
    return proxy;
  }

  /** The same URL, through the proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
  }

  /**
   * Existing connections from the n-th on stay open and carry nothing, as if a firewall had dropped their state. New
   * ones work.
   */
  forgetFrom(n: number): void {
    for (const caller of this.callers.slice(n)) this.forgotten.add(caller);
  }

  /** Resets every connection, as a failing load balancer does. */
  drop(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.drop();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket, store: Socket): void {
    this.callers.push(client);
    for (const [from, to] of [
      [client, store],
      [store, client],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => {}); // a broken connection is what this proxy is for
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => this.forgotten.has(client) || this.pass(chunk, to));
    }
  }

  /** A half-open connection loses what is sent meanwhile, so it is reset when the fault ends. */
  private pass(chunk: Buffer, to: Socket): void {
    if (this.weather === 'clear') to.write(chunk);
    else if (this.weather === 'slow') setTimeout(() => to.destroyed || to.write(chunk), SLOW_MS);
  }
}
