import { startSalesforceFake, type SalesforceFake } from '../support/fakes/salesforce/index.js';

let crm: 'postgres' | 'salesforce' = 'postgres';

/** Chooses the CRM of the trials that follow. */
export function useCrm(name: typeof crm): void {
  crm = name;
}

export function crmInTrials(): typeof crm {
  return crm;
}

/** A fake org with realistic latency and the campaigns of the trials. */
export async function startOrg(): Promise<SalesforceFake> {
  const org = await startSalesforceFake({
    clientId: 'client',
    clientSecret: 'secret',
    versionRule: true,
    latencyMs: 20,
    dailyLimit: 10_000_000,
  });
  for (const key of ['c0', 'c1', 'same', 'poison', 'backlog']) org.addCampaign({ Name: key, RF_Campaign_Key__c: key });
  return org;
}

export function settingsOf(org: SalesforceFake): Record<string, string> {
  return {
    CRM_PROVIDER: 'salesforce',
    SALESFORCE_LOGIN_URL: org.url,
    SALESFORCE_CLIENT_ID: 'client',
    SALESFORCE_CLIENT_SECRET: 'secret',
    SALESFORCE_TIMEOUT_MS: '2000',
    CRM_RATE_LIMIT_PER_SECOND: '100',
  };
}
