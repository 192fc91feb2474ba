import pg from 'pg';

export type Pool = pg.Pool;

export interface PoolOptions {
  url: string;
  /** Connections at most. */
  max: number;
  /** How long a statement may take before its caller is told that PostgreSQL is unavailable, in milliseconds. */
  timeoutMs: number;
  name: string;
}

/**
 * A pool whose callers wait a bounded time, whatever the server does: connecting, answering and a frozen peer all end
 * in an error. `statement_timeout` ends the statement on the server too, so an abandoned one does not hold its locks.
 */
export function openPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    connectionTimeoutMillis: options.timeoutMs,
    query_timeout: options.timeoutMs,
    statement_timeout: options.timeoutMs,
    idle_in_transaction_session_timeout: options.timeoutMs,
    keepAlive: true,
    application_name: `revenueflow-${options.name}`,
  });
  // A connection that the server closes is replaced by the next query; without a listener it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
