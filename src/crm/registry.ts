import type { Config } from '../platform/config/config.js';
import type { Throttle } from '../platform/throttle.js';
import type { CrmProvider } from './port.js';

/** What a CRM provider may need to be made. */
export interface CrmSettings {
  config: Config;
  databaseUrl: string;
  /** Taken before each API call (the mock makes none), so that all processes together keep to CRM_RATE_LIMIT_PER_SECOND. */
  throttle: Throttle;
}

/** Every CRM, by its name in CRM_PROVIDER. The folder is loaded only when it is chosen. */
export const CRM_PROVIDERS: Record<string, (settings: CrmSettings) => Promise<CrmProvider>> = {
  postgres: async ({ databaseUrl }) => new (await import('./postgres/postgres-crm.provider.js')).PostgresCrmProvider(databaseUrl),
};
