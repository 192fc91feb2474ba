import type { CrmProvider, CrmSettings } from './port.js';

/** Every CRM, by its name in CRM_PROVIDER. The folder is loaded only when it is chosen. */
export const CRM_PROVIDERS: Record<string, (settings: CrmSettings) => Promise<CrmProvider>> = {
  postgres: async ({ databaseUrl }) => new (await import('./postgres/postgres-crm.provider.js')).PostgresCrmProvider(databaseUrl),
  salesforce: async (settings) => (await import('./salesforce/open-salesforce.js')).openSalesforce(settings),
};
