import { CRM_PROVIDERS } from '../../src/crm/registry.js';
import type { CrmProvider, CrmSettings } from '../../src/crm/port.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { crmSettings } from './crm.js';
import { startSalesforceFake, type SalesforceFakeOptions } from './fakes/salesforce/index.js';

/** A fake org, and providers that call it as separate processes would. */
export async function salesforceWorld(options: SalesforceFakeOptions = {}) {
  const fake = await startSalesforceFake({ clientId: 'client', clientSecret: 'secret', versionRule: true, ...options });
  const opened: CrmProvider[] = [];
  const env = {
    CRM_PROVIDER: 'salesforce',
    SALESFORCE_LOGIN_URL: fake.url,
    SALESFORCE_CLIENT_ID: 'client',
    SALESFORCE_CLIENT_SECRET: 'secret',
    SALESFORCE_TIMEOUT_MS: '2000',
  };
  return {
    fake,
    env,
    async open(more: Record<string, string> = {}, settings: Partial<CrmSettings> = {}): Promise<CrmProvider> {
      const config = loadConfig({ ...env, ...more }, { aiProviders: ['heuristic'], crmProviders: Object.keys(CRM_PROVIDERS) });
      const provider = await CRM_PROVIDERS['salesforce']!(crmSettings({ config, ...settings }));
      opened.push(provider);
      return provider;
    },
    async close() {
      await Promise.all(opened.map((provider) => provider.close()));
      await fake.close();
    },
  };
}
