import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CRM_PROVIDERS } from '../../src/crm/registry.js';
import type { CrmProvider } from '../../src/crm/port.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { crmSettings, syncOf } from '../support/crm.js';
import { freshDatabase } from '../support/database.js';
import { salesforceWorld } from '../support/salesforce-world.js';

/** What a suite needs to know about a CRM besides the port: its number of records, and the fields of a Lead. */
interface Inspection {
  leads(): Promise<{ email: string; lastName: string; company: string; fitScore: number }[]>;
  memberships(): Promise<number>;
  close(): Promise<void>;
}

async function openMock(): Promise<{ provider: CrmProvider; inspect: Inspection }> {
  const database = await freshDatabase();
  const config = loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
  const provider = await CRM_PROVIDERS['postgres']!(crmSettings({ config, databaseUrl: database.url }));
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
      async close() {
        await client.end();
        await database.drop();
      },
    },
  };
}

async function openSalesforce(): Promise<{ provider: CrmProvider; inspect: Inspection }> {
  const world = await salesforceWorld();
  for (const key of ['c0', 'c1', 'c2', 'c3']) world.fake.addCampaign({ Name: key, RF_Campaign_Key__c: key });
  return {
    provider: await world.open(),
    inspect: {
      async leads() {
        return world.fake
          .leads()
          .map(({ Email, LastName, Company, RF_Fit_Score__c }) => ({
            email: String(Email),
            lastName: String(LastName),
            company: String(Company),
            fitScore: Number(RF_Fit_Score__c),
          }))
          .sort((a, b) => (a.email < b.email ? -1 : 1));
      },
      async memberships() {
        return world.fake.members().length;
      },
      close: () => world.close(),
    },
  };
}

describe.each([
  ['postgres', openMock],
  ['salesforce', openSalesforce],
] as const)('the CRM %s', (name, open) => {
  let provider: CrmProvider;
  let inspect: Inspection;
  const signal = new AbortController().signal;
  const sync = (...args: Parameters<typeof syncOf>) => provider.sync(syncOf(...args), signal);

  beforeEach(async () => {
    ({ provider, inspect } = await open());
  });
  afterEach(async () => {
    await provider.close();
    await inspect.close();
  });

  it('makes one Lead per person and one member per campaign, and returns the same ids again', async () => {
    const first = await sync('ann@acme.com', 'c1', 1);
    const again = await sync('ann@acme.com', 'c1', 1);
    const other = await sync('ann@acme.com', 'c2', 2);
    expect([again.leadId, again.memberId]).toEqual([first.leadId, first.memberId]);
    expect(other.leadId).toBe(first.leadId);
    expect(other.memberId).not.toBe(first.memberId);
    expect(await inspect.leads()).toHaveLength(1);
    expect(await inspect.memberships()).toBe(2);
  });

  it('makes one Lead per person in a hundred concurrent syncs', async () => {
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

  it('derives fields that a CRM requires and a form lacks', async () => {
    await sync('ann@acme.com', 'c1', 1, { name: null });
    await sync('bob@acme.com', 'c1', 1, { name: 'Bob van der Berg' });
    await sync('hal@gmail.com', 'c1', 1, { name: 'Hal Daume III', attributes: { company: '' } });
    await sync('mia@acme.com', 'c1', 1, { name: null, attributes: { 'First Name': 'María', last_name: 'García López' } });
    expect(await inspect.leads()).toMatchObject([
      { lastName: '[not provided]', company: 'acme.com' },
      { lastName: 'van der Berg', company: 'acme.com' },
      { lastName: 'Daume', company: '[not provided]' },
      { lastName: 'García López', company: 'acme.com' },
    ]);
  });

  it('returns what the CRM was sent and answered, for the audit trail', async () => {
    const { exchanges: first } = await sync('ann@acme.com', 'c1', 200, { attributes: { title: 'VP' } });
    const sent = Object.values(first![0]!.lead.fields);
    expect(sent).toEqual(expect.arrayContaining(['ann@acme.com', 'Ann', 'Lee', 'acme.com', 'VP', 70, 'high', 'A reason.']));
    expect(first).toMatchObject([{ provider: name, lead: { answer: 'created' }, member: { answer: 'created' } }]);
    expect(Object.values(first![0]!.member.fields).length).toBeGreaterThan(1);

    const [revised] = (await sync('ann@acme.com', 'c1', 300, { fitScore: 90 })).exchanges!;
    expect(revised).toMatchObject({
      lead: { answer: 'updated' },
      member: { answer: expect.stringMatching(/^(there-already|sent-before)$/) },
    });
    expect(Object.values(revised!.lead.fields)).toContain(90);

    const [older] = (await sync('ann@acme.com', 'c2', 100, { fitScore: 10 })).exchanges!;
    expect(older).toMatchObject({
      lead: { answer: expect.stringMatching(/^(newer-there|sent-before)$/) },
      member: { answer: 'created' },
    });
  });

  it('names the lead whose content it was sent, where that is another one of the person', async () => {
    const newest = syncOf('ann@acme.com', 'c2', 2);
    const { exchanges } = await provider.sync({ ...newest, campaignId: 'c1' }, signal);
    expect(exchanges![0]!.contentOf).toBe(newest.projection.lead.id);
  });

  it('erases a person with all memberships, and no other; an unknown person is no error', async () => {
    await Promise.all([sync('ann@acme.com', 'c1', 1), sync('bob@acme.com', 'c1', 1)]);
    await sync('ann@acme.com', 'c2', 2);
    expect(await provider.erasePerson!(personKeyOf('ann@acme.com'), signal)).toBe(3);
    expect(await provider.erasePerson!(personKeyOf('ann@acme.com'), signal)).toBe(0);
    expect([await inspect.leads(), await inspect.memberships()]).toEqual([
      [expect.objectContaining({ email: 'bob@acme.com' })],
      1,
    ]);
    // A person who is erased and returns gets a new record, whatever version the old one had.
    await sync('ann@acme.com', 'c3', 1);
    expect([(await inspect.leads()).length, await inspect.memberships()]).toEqual([2, 2]);
  });

  it('can be pinged', async () => {
    await expect(provider.ping()).resolves.toBeUndefined();
  });
});
