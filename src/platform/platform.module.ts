import { Global, Module, type DynamicModule } from '@nestjs/common';
import { systemClock } from './clock.js';
import type { Config } from './config/config.js';
import type { Logger } from './observability/logger.js';
import { createMetrics } from './observability/metrics.js';
import { Database } from './database/database.js';

export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const METRICS = Symbol('Metrics');
export const CLOCK = Symbol('Clock');
/** The `Database` of the ack path: its own connections, and a timeout within which the sender still gets an answer. */
export const ACCEPT_DATABASE = Symbol('Database of the ack path');
/**
 * `() => Promise<boolean>`: whether a webhook would be acknowledged now. Only roles that accept webhooks provide it.
 */
export const ACK_READINESS = Symbol('Ack readiness');
/** `() => boolean`: whether the worker's stages make progress. Only roles with workers provide it. */
export const WORK_PROGRESS = Symbol('Work progress');
/** The database's URL, given or embedded. */
export const DATABASE_URL = Symbol('Database URL');

export interface PlatformParts {
  config: Config;
  logger: Logger;
  database: Database;
  acceptDatabase: Database;
  databaseUrl: string;
}

/** What every module uses. */
@Global()
@Module({})
export class PlatformModule {
  static with({ config, logger, database, acceptDatabase, databaseUrl }: PlatformParts): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: logger },
      { provide: Database, useValue: database },
      { provide: ACCEPT_DATABASE, useValue: acceptDatabase },
      { provide: DATABASE_URL, useValue: databaseUrl },
      { provide: CLOCK, useValue: systemClock },
      { provide: METRICS, useFactory: createMetrics },
    ];
    return { module: PlatformModule, providers, exports: providers };
  }
}
