import { describe, expect, it } from 'vitest';
import { loadConfig } from './platform/config/config.js';
import type { Stores } from './platform/embedded/open-stores.js';
import { startupBanner } from './startup-banner.js';

const stores: Stores = {
  databaseUrl: 'postgres://u:secret@h/d',
  database: 'PostgreSQL 18, embedded',
  redisUrl: null,
  queue: 'BullMQ on PostgreSQL',
  queueHint: 'no redis-server was found',
  dataDir: '.data',
  stop: async () => {},
};
const bannerOf = (env: Record<string, string>) =>
  startupBanner(loadConfig(env, { aiProviders: ['heuristic'], crmProviders: ['postgres'] }), 'http://h:1', stores, 1234);

describe('the banner', () => {
  it('names what to open and the next command', () => {
    const banner = bannerOf({});
    expect(banner).toContain('is ready (ENV=MOCK, 1.2 s)');
    expect(banner).toMatch(/URL +http:\/\/h:1 {2}\[PORT, HOST\]/);
    expect(banner.match(/http:\/\/h:1\/\S+/g)).toEqual([
      'http://h:1/console',
      'http://h:1/docs',
      'http://h:1/ops/queues/board',
      'http://h:1/health/ready',
    ]);
    expect(banner).toContain('npm run demo');
    expect(banner).not.toContain('secret@');
  });

  it('links only to what this process serves', () => {
    expect(bannerOf({ CONSOLE: 'off', API_DOCS: 'off', QUEUE_BOARD: 'off' }).match(/http:\/\/h:1\/\S+/g)).toEqual([
      'http://h:1/health/ready',
    ]);
    expect(bannerOf({ ROLE: 'worker' })).not.toMatch(/npm run demo|\/docs|\/console/);
  });

  it('says whether alerts link to the console', () => {
    const alerts = { ALERT_WEBHOOK_URL: 'http://h:2/hook' };
    expect(bannerOf(alerts)).toContain('links to http://127.0.0.1:3000/console');
    expect(bannerOf({ ...alerts, PUBLIC_URL: 'https://leads.example.com/' })).toContain(
      'links to https://leads.example.com/console',
    );
    expect(bannerOf({ ...alerts, PORT: '0' })).toContain('no links: PUBLIC_URL is not set');
    expect(bannerOf({})).not.toContain('Alerts');
  });
});
