import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CRM_PROVIDERS } from '../../src/crm/registry.js';
import { AI_PROVIDERS } from '../../src/enrichment/registry.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { VARIABLES } from '../../src/platform/config/variables.js';

const services = readFileSync(join(import.meta.dirname, '../../infra/src/services.ts'), 'utf8');
/** Read by PostgreSQL's client, by Node and by the Dockerfile, not by the service. */
const OTHERS = new Set(['PGPASSWORD', 'NODE_EXTRA_CA_CERTS', 'VERSION']);

describe('the tasks of infra/', () => {
  it('are given settings that the service has', () => {
    const given = [...services.matchAll(/\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*): /g)].map(([, name]) => name!);
    expect(given).toEqual(
      expect.arrayContaining(['ENV', 'ROLE', 'DATABASE_URL', 'REDIS_URL', 'WEBHOOK_SECRETS', 'BEDROCK_MODEL_ID']),
    );
    const ours = given.filter((name) => !OTHERS.has(name));
    expect(ours.filter((name) => !(name in VARIABLES))).toEqual([]);
  });

  it('have a collector that asks for figures that there are, and alarms on those that it sends', () => {
    const read = (file: string) => readFileSync(join(import.meta.dirname, '../../infra/src', file), 'utf8');
    const sent = [...read('collector.ts').matchAll(/\^revenueflow_\(([\w|]+)\)\$/g)].flatMap(([, names]) => names!.split('|'));
    const asked = [...`${read('alarms.ts')}${read('metrics.ts')}`.matchAll(/(?:most|ofRole|ofStage)\('(\w+)'/g)].map(
      ([, name]) => name!,
    );
    const metrics = readFileSync(join(import.meta.dirname, '../../src/platform/observability/metrics.ts'), 'utf8');
    expect(sent.length).toBeGreaterThan(5);
    expect(sent.filter((name) => !metrics.includes(`'revenueflow_${name}'`))).toEqual([]);
    expect([...new Set(asked)].sort()).toEqual([...new Set(sent)].sort());
  });

  it.each(['api', 'worker'])('start as %s with the settings of their profile', (ROLE) => {
    const env = {
      ENV: 'REAL',
      ROLE,
      DATABASE_URL: 'postgres://revenueflow@database.example:5432/revenueflow?sslmode=verify-full',
      REDIS_URL: `rediss://:${'t'.repeat(64)}@cache.example:6379`,
      WEBHOOK_SECRETS: `${'a'.repeat(72)},${'b'.repeat(48)}`,
      OPS_TOKENS: `operator:operator:${'c'.repeat(48)},collector:viewer:${'d'.repeat(48)}`,
      SALESFORCE_LOGIN_URL: 'https://example.my.salesforce.com',
      SALESFORCE_CLIENT_ID: 'consumer-key',
      SALESFORCE_CLIENT_SECRET: 'consumer-secret',
      SPOOL: 'off',
      ...(ROLE === 'worker' ? { AI_PROVIDER: 'bedrock', AI_FALLBACK_PROVIDER: 'heuristic', AWS_REGION: 'us-east-1' } : {}),
    };
    const choices = { aiProviders: Object.keys(AI_PROVIDERS), crmProviders: Object.keys(CRM_PROVIDERS) };
    expect(loadConfig(env, choices)).toMatchObject({
      ROLE,
      HOST: '0.0.0.0',
      PORT: 3000,
      QUEUE_BACKEND: 'redis',
      AI_PROVIDER: 'bedrock',
      CRM_PROVIDER: 'salesforce',
    });
  });
});
