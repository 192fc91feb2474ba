import type { Config } from './platform/config/config.js';
import type { Stores } from './platform/embedded/open-stores.js';

/**
 * The text that `npm start` prints: each setting in use, its variable, the pages to open and the next command to try.
 */
export function startupBanner(config: Config, url: string, stores: Stores, tookMs: number): string {
  const settings = table(settingsOf(config, url, stores).map(([label, value, variables]) => [label, `${value}  [${variables}]`]));
  const links = table(linksOf(config, url));
  const seconds = (tookMs / 1000).toFixed(1);
  return [
    `\nRevenueFlow AI is ready (ENV=${config.ENV}, ${seconds} s). The environment variables behind each line are in brackets.`,
    `Open:\n${links}`,
    settings,
    ...(config.ROLE === 'worker'
      ? []
      : ['Try in another terminal: `npm run demo` sends sample leads and shows what becomes of each.']),
  ]
    .join('\n\n')
    .concat('\n\n');
}

function settingsOf(config: Config, url: string, stores: Stores): [label: string, value: string, variables: string][] {
  return [
    ['URL', url, 'PORT, HOST'],
    ['Role', config.ROLE === 'all' ? 'all (api and worker)' : config.ROLE, 'ROLE'],
    ['Database', stores.database, 'DATABASE_URL, DATA_DIR'],
    ['Queue', stores.queueHint ? `${stores.queue} (${stores.queueHint})` : stores.queue, 'REDIS_URL, QUEUE_BACKEND'],
    ['AI', config.ROLE === 'api' ? 'none: this role scores nothing' : config.AI_PROVIDER, 'AI_PROVIDER'],
    ['CRM', config.ROLE === 'api' ? 'none: this role syncs nothing' : crmOf(config), 'CRM_PROVIDER, CRM_SHADOW'],
    [
      'Webhooks',
      config.WEBHOOK_SECRETS ? `authenticated with ${config.WEBHOOK_SECRETS.length} secret(s)` : 'open, on loopback only',
      'WEBHOOK_SECRETS',
    ],
    ...(config.ALERT_WEBHOOK_URL ? [alertsOf(config)] : []),
  ];
}

function alertsOf({ PUBLIC_URL, CONSOLE }: Config): [label: string, value: string, variables: string] {
  const links =
    CONSOLE === 'off' ? 'no links' : PUBLIC_URL ? `links to ${PUBLIC_URL}/console` : 'no links: PUBLIC_URL is not set';
  return ['Alerts', `sent, with ${links}`, 'ALERT_WEBHOOK_URL, PUBLIC_URL'];
}

/** Only what this process serves, as it is configured. */
function linksOf(config: Config, url: string): [label: string, value: string][] {
  const api = config.ROLE !== 'worker';
  return [
    ...(api && config.CONSOLE !== 'off' ? [['Console', `${url}/console`] as [string, string]] : []),
    ...(api && config.API_DOCS === 'on' ? [['API reference', `${url}/docs`] as [string, string]] : []),
    ...(config.QUEUE_BOARD === 'on' ? [['Queue jobs', `${url}/ops/queues/board`] as [string, string]] : []),
    ['Health', `${url}/health/ready`],
  ];
}

function table(rows: [label: string, value: string][]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n');
}

function crmOf(config: Config): string {
  const salesforce = `salesforce, API ${config.SALESFORCE_API_VERSION}, by ${config.SALESFORCE_LOGIN_URL ?? 'no login URL'}`;
  if (config.CRM_PROVIDER !== 'postgres') return salesforce;
  const mock = 'postgres: the mock CRM, schema mock_crm of the database';
  return config.CRM_SHADOW ? `${mock}; beside it ${salesforce} (${config.CRM_SHADOW_MODE})` : mock;
}
