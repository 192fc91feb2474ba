import type { CrmProvider, CrmSettings } from './port.js';
import { ShadowedCrm } from './shadow-crm.provider.js';

/** Every CRM, by its name in CRM_PROVIDER. The folder is loaded only when it is chosen. */
export const CRM_PROVIDERS: Record<string, (settings: CrmSettings) => Promise<CrmProvider>> = {
  postgres: async ({ databaseUrl }) => new (await import('./postgres/postgres-crm.provider.js')).PostgresCrmProvider(databaseUrl),
  salesforce: async (settings) => (await import('./salesforce/open-salesforce.js')).openSalesforce(settings),
};

/** The CRM of CRM_PROVIDER, with that of CRM_SHADOW beside it where there is one. */
export async function openCrm(settings: CrmSettings): Promise<CrmProvider> {
  const { CRM_PROVIDER: name, CRM_SHADOW: beside, CRM_SHADOW_MODE: mode } = settings.config;
  const crm = await CRM_PROVIDERS[name]!(settings);
  return beside === undefined
    ? crm
    : new ShadowedCrm(crm, await CRM_PROVIDERS[beside]!({ ...settings, shadow: true }), mode, settings);
}
