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
 * The `Database` of heartbeats, breakers, LISTEN and leader locks: a slow statement elsewhere must not make a worker
 * look dead.
 */
export const CONTROL_DATABASE = Symbol('Database of flow control');
/** The `Database` of reports, lists and monitoring: they must not hold the connections that the stages need. */
export const REPORT_DATABASE = Symbol('Database of reports');
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
  controlDatabase: Database;
  reportDatabase: Database;
  databaseUrl: string;
}

/** What every module uses. */
@Global()
@Module({})
export class PlatformModule {
  static with({ config, logger, databaseUrl, ...databases }: PlatformParts): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: logger },
      { provide: Database, useValue: databases.database },
      { provide: ACCEPT_DATABASE, useValue: databases.acceptDatabase },
      { provide: CONTROL_DATABASE, useValue: databases.controlDatabase },
      { provide: REPORT_DATABASE, useValue: databases.reportDatabase },
      { provide: DATABASE_URL, useValue: databaseUrl },
      { provide: CLOCK, useValue: systemClock },
      { provide: METRICS, useFactory: createMetrics },
    ];
    return { module: PlatformModule, providers, exports: providers };
  }
}
