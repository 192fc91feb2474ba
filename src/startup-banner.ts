import type { Config } from './platform/config/config.js';
import type { Stores } from './platform/embedded/open-stores.js';

/** The short block that `npm start` prints: what is in use, why, and what to set to change it. */
export function startBlock(config: Config, url: string, stores: Stores, tookMs: number): string {
  const rows: [string, string, string][] = [
    ['URL', url, 'PORT, HOST'],
    ['Role', config.ROLE === 'all' ? 'all (api and worker)' : config.ROLE, 'ROLE'],
    ['Database', stores.database, 'DATABASE_URL, DATA_DIR'],
    ['Queue', stores.queueHint ? `${stores.queue} (${stores.queueHint})` : stores.queue, 'REDIS_URL, QUEUE_BACKEND'],
    ['AI', config.ROLE === 'api' ? 'none: this role scores nothing' : config.AI_PROVIDER, 'AI_PROVIDER'],
    ['CRM', config.ROLE === 'api' ? 'none: this role syncs nothing' : crmOf(config), 'CRM_PROVIDER, CRM_SHADOW'],
    [
      'Webhooks',
      config.WEBHOOK_SECRETS ? `guarded by ${config.WEBHOOK_SECRETS.length} secret(s)` : 'open, on loopback only',
      'WEBHOOK_SECRETS',
    ],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value, variables]) => `  ${label.padEnd(width)}  ${value}  [${variables}]`);
  return `\nRevenueFlow AI is ready (ENV=${config.ENV}, ${(tookMs / 1000).toFixed(1)} s)\n\n${lines.join('\n')}\n\n`;
}

function crmOf(config: Config): string {
  const salesforce = `salesforce, API ${config.SALESFORCE_API_VERSION}, by ${config.SALESFORCE_LOGIN_URL ?? 'no login URL'}`;
  if (config.CRM_PROVIDER !== 'postgres') return salesforce;
  const mock = 'postgres: the mock CRM, schema mock_crm of the database';
  return config.CRM_SHADOW ? `${mock}; beside it ${salesforce} (${config.CRM_SHADOW_MODE})` : mock;
}
