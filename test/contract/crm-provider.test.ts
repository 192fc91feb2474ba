import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CRM_PROVIDERS } from '../../src/crm/registry.js';
import type { CrmProvider, CrmSync } from '../../src/crm/port.js';
import type { Enrichment } from '../../src/lead/enrichment.js';
import { leadIdOf, personKeyOf } from '../../src/lead/keys.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { UNLIMITED } from '../../src/platform/throttle.js';
import { freshDatabase } from '../support/database.js';

/** What a suite needs to know of a CRM beside the port: how many records it has, and what a Lead says. */
interface Inspection {
  leads(): Promise<{ email: string; lastName: string; company: string; fitScore: number }[]>;
  memberships(): Promise<number>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

async function openMock(): Promise<{ provider: CrmProvider; inspect: Inspection }> {
  const database = await freshDatabase();
  const config = loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
  const provider = await CRM_PROVIDERS['postgres']!({ throttle: UNLIMITED, config, databaseUrl: database.url });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return {
    provider,
    inspect: {
      async leads() {
        const { rows } = await client.query(
          'SELECT email, last_name AS "lastName", company, fit_score AS "fitScore" FROM mock_crm.leads ORDER BY email',
        );
        return rows as never;
      },
      async memberships() {
        const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM mock_crm.campaign_members');
        return rows[0]!.count;
      },
      async clear() {
        await client.query('TRUNCATE mock_crm.leads CASCADE');
      },
      async close() {
        await client.end();
        await database.drop();
      },
    },
  };
}

const enrichment: Enrichment = {
  fitScore: 70,
  intent: 'high',
  confidence: 0.5,
  evidence: [],
  reasoning: 'A reason.',
  scoreSource: 'heuristic',
  needsRescore: false,
  flags: [],
  provider: 'heuristic',
  scorerVersion: 'v',
};

function syncOf(
  email: string,
  campaignId: string,
  version: number,
  overrides: { name?: string | null; fitScore?: number } = {},
): CrmSync {
  const { name = 'Ann Lee', fitScore = 70 } = overrides;
  const lead = {
    id: leadIdOf(email, campaignId),
    personKey: personKeyOf(email),
    email,
    emailRaw: email,
    campaignId,
    name,
    attributes: {},
    revision: 1,
  };
  return {
    personKey: lead.personKey,
    projection: { lead, enrichment: { ...enrichment, fitScore }, version },
    campaignId,
    respondedAt: '2026-01-01T00:00:00.000Z',
  };
}

describe.each([['postgres', openMock]] as const)('the CRM %s', (_name, open) => {
  let provider: CrmProvider;
  let inspect: Inspection;
  const signal = new AbortController().signal;
  const sync = (...args: Parameters<typeof syncOf>) => provider.sync(syncOf(...args), signal);

  beforeAll(async () => {
    ({ provider, inspect } = await open());
  });
  beforeEach(() => inspect.clear());
  afterAll(async () => {
    await provider.close();
    await inspect.close();
  });

  it('makes one Lead a person and one member a campaign, and says the same ids again', async () => {
    const first = await sync('ann@acme.com', 'c1', 1);
    const again = await sync('ann@acme.com', 'c1', 1);
    const other = await sync('ann@acme.com', 'c2', 2);
    expect(again).toEqual(first);
    expect(other.leadId).toBe(first.leadId);
    expect(other.memberId).not.toBe(first.memberId);
    expect(await inspect.leads()).toHaveLength(1);
    expect(await inspect.memberships()).toBe(2);
  });

  it('is not impressed by a hundred at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => sync(`p${index % 10}@acme.com`, `c${index % 4}`, index)),
    );
    expect(new Set(answers.map((answer) => answer.leadId)).size).toBe(10);
    expect(await inspect.leads()).toHaveLength(10);
    expect(await inspect.memberships()).toBe(20);
  });

  it('never lets an older version overwrite a newer one', async () => {
    await sync('ann@acme.com', 'c1', 200, { fitScore: 90 });
    await sync('ann@acme.com', 'c2', 100, { fitScore: 10 });
    expect((await inspect.leads())[0]!.fitScore).toBe(90);
    await sync('ann@acme.com', 'c1', 300, { fitScore: 95 });
    expect((await inspect.leads())[0]!.fitScore).toBe(95);
    expect(await inspect.memberships()).toBe(2);
  });

  it('derives what a CRM asks for and a form does not', async () => {
    await sync('ann@acme.com', 'c1', 1, { name: null });
    await sync('bob@acme.com', 'c1', 1, { name: 'Bob van der Berg' });
    expect(await inspect.leads()).toMatchObject([
      { lastName: '[not provided]', company: 'acme.com' },
      { lastName: 'Berg', company: 'acme.com' },
    ]);
  });

  it('forgets a person with all memberships, and nobody else; a person that it does not know is no error', async () => {
    await Promise.all([sync('ann@acme.com', 'c1', 1), sync('bob@acme.com', 'c1', 1)]);
    await sync('ann@acme.com', 'c2', 2);
    expect(await provider.erasePerson!(personKeyOf('ann@acme.com'), signal)).toBe(3);
    expect(await provider.erasePerson!(personKeyOf('ann@acme.com'), signal)).toBe(0);
    expect([await inspect.leads(), await inspect.memberships()]).toEqual([
      [expect.objectContaining({ email: 'bob@acme.com' })],
      1,
    ]);
    // Who comes again is new, whatever version the old one had.
    await sync('ann@acme.com', 'c3', 1);
    expect([(await inspect.leads()).length, await inspect.memberships()]).toEqual([2, 2]);
  });

  it('can be pinged', async () => {
    await expect(provider.ping()).resolves.toBeUndefined();
  });
});
