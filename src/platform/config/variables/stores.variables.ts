import { z } from 'zod';
import { REQUIRED, whole, oneOf, url, type Variable } from './variable.js';

/** PostgreSQL, Redis and what they keep. */
export const STORES_VARIABLES = {
  DATABASE_URL: {
    schema: url(['postgres:', 'postgresql:']),
    about: 'The PostgreSQL that holds the ledger (14 or later). Not through PgBouncer: LISTEN and locks need sessions.',
    mock: undefined,
    real: REQUIRED,
    mockNote: 'an embedded PostgreSQL under DATA_DIR',
    example: 'postgres://revenueflow:password@127.0.0.1:5432/revenueflow',
    secret: true,
  },
  REDIS_URL: {
    schema: url(['redis:', 'rediss:']),
    about: 'The Redis or Valkey that holds the queues.',
    mock: undefined,
    real: undefined,
    mockNote: 'redis-server or valkey-server from PATH, started under DATA_DIR; without one the queues live in PostgreSQL',
    realNote: 'required, unless QUEUE_BACKEND=postgres',
    example: 'redis://127.0.0.1:6379',
    secret: true,
  },
  QUEUE_BACKEND: {
    schema: oneOf(['redis', 'postgres']),
    about: 'Where BullMQ keeps the queues.',
    mock: undefined,
    real: 'redis',
    mockNote: 'redis where there is one, else postgres',
  },
  DATA_DIR: {
    schema: z.string().min(1),
    about: 'Where the embedded servers keep their data.',
    mock: '.data',
    real: '.data',
  },
  SPOOL: {
    schema: oneOf(['off', 'fsync', 'replica']),
    about:
      'Where leads are buffered while PostgreSQL is down: nowhere (off: 503), in a Redis stream once it is on disk (fsync), or once a replica has it in memory (replica).',
    mock: 'fsync',
    real: 'off',
  },
  RETENTION_DAYS: {
    schema: whole(1, 36_500),
    about:
      "How long a lead is kept after its last event, with its history and the operators' acts; unfinished leads are always kept. See docs/privacy.md.",
    mock: undefined,
    real: undefined,
    mockNote: 'forever',
    realNote: 'forever',
    example: '730',
  },
} as const satisfies Record<string, Variable>;
