import { setTimeout as sleep } from 'node:timers/promises';
import { assertSchemaCompatibility, createPostgresBackend, type PostgresConnection } from 'bullmq';

/** An attempt that fails at once, as where nothing listens, must not be repeated at once. */
const PAUSE_MS = 1000;

/**
 * BullMQ's factory, with connections that are tried again. BullMQ 6.7 keeps the result of the first attempt, also where
 * it failed, as on a slow start of a connection. Each later command then rejects without any I/O, and the loop of a
 * Worker goes on at once after such an error: the process answers no request and handles no signal any more.
 */
export const createReconnectingBackend: typeof createPostgresBackend = (name, options, factoryOptions) => {
  const backend = createPostgresBackend(name, options, factoryOptions);
  const { connection } = backend;
  // A client that is in use when its connection breaks reports that twice: to the query, which is handled, and as an
  // event, which ends the process where nothing listens.
  connection.pool.on('connect', (client) => void client.on('error', () => {}));
  let ready: Promise<void> | undefined;
  connection.waitUntilReady = () => {
    ready ??= firstUse(connection).catch(async (error: unknown) => {
      await sleep(PAUSE_MS, undefined, { ref: false });
      ready = undefined;
      throw error;
    });
    return ready;
  };
  return backend;
};

/** What BullMQ does when a connection is first used. */
async function firstUse(connection: PostgresConnection): Promise<void> {
  const client = await connection.pool.connect();
  try {
    await assertSchemaCompatibility(client, connection.schema);
  } finally {
    client.release();
  }
  connection.emit('ready');
}
