import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { toAppError } from './database-errors.js';
import type { Pool } from './pool.js';

/** A statement and its parameters. A named statement is prepared once per connection. */
export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

/** Runs statements: the pool, one connection, or a transaction. */
export interface Queryable {
  /** @throws AppError as `toAppError` maps it. Mapping here keeps errors of the caller's own code unchanged. */
  query<Row extends QueryResultRow = Record<string, unknown>>(
    statement: string | Statement,
    values?: unknown[],
  ): Promise<QueryResult<Row>>;
}

/** A pool of connections whose errors are AppErrors. It is the only class through which repositories use PostgreSQL. */
export class Database implements Queryable {
  constructor(private readonly pool: Pool) {}

  query<Row extends QueryResultRow>(statement: string | Statement, values?: unknown[]): Promise<QueryResult<Row>> {
    return run<Row>(this.pool, statement, values);
  }

  /** Resolves where PostgreSQL answers. @throws AppError */
  async ping(): Promise<void> {
    await this.query('SELECT 1');
  }

  /**
   * Runs `work` in one transaction, which is rolled back when `work` fails. An error of `work` itself passes unchanged.
   * @param lock the number of an advisory lock that the transaction waits for first.
   */
  transaction<T>(work: (transaction: Queryable) => Promise<T>, lock?: number): Promise<T> {
    return this.withConnection(async (connection) => {
      await connection.query(lock === undefined ? 'BEGIN' : `BEGIN; SELECT pg_advisory_xact_lock(${lock})`);
      const result = await work(connection);
      await connection.query('COMMIT');
      return result;
    });
  }

  /**
   * Runs `work` on one connection, for session state such as advisory locks. On any error the connection is closed, so
   * that the server also ends its locks and its open transaction.
   */
  async withConnection<T>(work: (connection: Queryable) => Promise<T>): Promise<T> {
    const client = await this.connect();
    let failure: Error | undefined;
    try {
      return await work({ query: (statement, values) => run(client, statement, values) });
    } catch (error) {
      failure = error instanceof Error ? error : new Error('The work on this connection failed', { cause: error });
      throw error;
    } finally {
      client.release(failure);
    }
  }

  /**
   * Calls `onNotification` for each NOTIFY on the channel. It uses one connection; when that is lost, `onEnd` is
   * called.
   * @returns ends the subscription.
   */
  async listen(channel: string, onNotification: () => void, onEnd: () => void): Promise<() => void> {
    const client = await this.connect();
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      client.release(true);
      onEnd();
    };
    client.on('notification', onNotification);
    client.on('error', end);
    client.on('end', end);
    try {
      await run(client, `LISTEN ${channel}`);
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  private async connect(): Promise<PoolClient> {
    try {
      return await this.pool.connect();
    } catch (cause) {
      throw toAppError(cause);
    }
  }
}

async function run<Row extends QueryResultRow>(
  target: Pool | PoolClient,
  statement: string | Statement,
  values?: unknown[],
): Promise<QueryResult<Row>> {
  try {
    return await target.query<Row>(statement, values);
  } catch (cause) {
    throw toAppError(cause);
  }
}
