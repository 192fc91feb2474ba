import { generateKeyPairSync } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CrmProvider } from '../../src/crm/port.js';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { syncOf } from '../support/crm.js';
import type { SalesforceFakeOptions } from '../support/fakes/salesforce/index.js';
import { salesforceWorld } from '../support/salesforce-world.js';

let world: Awaited<ReturnType<typeof salesforceWorld>>;
let crm: CrmProvider;
const signal = new AbortController().signal;
setMaxListeners(0, signal);
const sync = (...args: Parameters<typeof syncOf>) => crm.sync(syncOf(...args), signal);

async function open(options: SalesforceFakeOptions = {}, env: Record<string, string> = {}) {
  await world?.close();
  world = await salesforceWorld(options);
  world.fake.addCampaign({ Name: 'Launch', RF_Campaign_Key__c: 'c1' });
  crm = await world.open(env);
}
beforeEach(() => open());
afterEach(() => {
  vi.useRealTimers();
  return world.close();
});

const tokens = () => world.fake.calls().filter(({ path }) => path.startsWith('/services/oauth2/token')).length;

describe('who we are', () => {
  it('one token serves all calls, and one new one all that find it expired', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => sync(`p${n}@acme.com`, 'c1', 1)));
    expect(tokens()).toBe(1);
    world.fake.expireSessions();
    await Promise.all(Array.from({ length: 300 }, (_, n) => sync(`q${n}@acme.com`, 'c1', 1)));
    expect(tokens()).toBe(2);
    expect(world.fake.leads()).toHaveLength(320);
  });

  it('with a signed assertion, which Salesforce verifies', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await open(
      { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), username: 'integration@acme.com' },
      {
        SALESFORCE_CLIENT_SECRET: '',
        SALESFORCE_PRIVATE_KEY: pem.replaceAll('\n', '\\n'),
        SALESFORCE_USERNAME: 'integration@acme.com',
      },
    );
    await expect(sync('ann@acme.com', 'c1', 1)).resolves.toMatchObject({ provider: 'salesforce' });
  });

  it('a wrong secret is a setting, and not an outage', async () => {
    crm = await world.open({ SALESFORCE_CLIENT_SECRET: 'wrong' });
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_MISCONFIGURED' });
  });
});

describe('people whom the org knows already', () => {
  it('a Lead with the address gets our key, and keeps its owner and what sales typed', async () => {
    const id = world.fake.addLead({
      Email: 'Ann@Acme.com',
      LastName: 'Lee',
      Company: 'Acme Inc.',
      Title: 'Boss',
      OwnerId: '005SALES',
    });
    const reference = await sync('ann@acme.com', 'c1', 1, { name: null, attributes: { title: 'Assistant' } });
    expect(reference.leadId).toBe(id);
    expect(world.fake.leads()).toHaveLength(1);
    expect(world.fake.leads()[0]).toMatchObject({
      RF_Person_Key__c: personKeyOf('ann@acme.com'),
      LastName: 'Lee',
      Company: 'Acme Inc.',
      Title: 'Boss',
      OwnerId: '005SALES',
      RF_Fit_Score__c: 70,
    });
    await sync('ann@acme.com', 'c1', 2, { fitScore: 90 });
    expect(world.fake.leads()[0]).toMatchObject({ OwnerId: '005SALES', RF_Fit_Score__c: 90 });
  });

  it('a Contact gets the membership, and no Lead is made', async () => {
    const contact = world.fake.addContact({ Email: 'ann@acme.com', LastName: 'Lee' });
    const reference = await sync('ann@acme.com', 'c1', 1);
    expect(reference.leadId).toBe(contact);
    expect(world.fake.leads()).toHaveLength(0);
    expect(world.fake.members()).toMatchObject([{ ContactId: contact }]);
  });

  it('unless it is configured to look at Leads only', async () => {
    crm = await world.open({ SALESFORCE_MATCH: 'leads' });
    world.fake.addContact({ Email: 'ann@acme.com', LastName: 'Lee' });
    await sync('ann@acme.com', 'c1', 1);
    expect(world.fake.leads()).toHaveLength(1);
  });

  it('a Lead that is converted while we know it: the membership goes to its Contact', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    const contact = world.fake.addContact({ Email: 'ann@acme.com', LastName: 'Lee' });
    world.fake.addCampaign({ Name: 'Second', RF_Campaign_Key__c: 'c2' });
    world.fake.convertLead(leadId, contact);
    const second = await sync('ann@acme.com', 'c2', 2);
    expect(second.leadId).toBe(contact);
    expect(world.fake.leads()).toHaveLength(1);
  });

  it('a Lead that was merged into another: the winner is found by its address', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    const winner = world.fake.addLead({ Email: 'ann@acme.com', LastName: 'Lee', Company: 'Acme' });
    world.fake.mergeLeads(winner, leadId);
    const again = await sync('ann@acme.com', 'c1', 2, { fitScore: 33 });
    expect(again.leadId).toBe(winner);
    expect(world.fake.leads().find(({ Id }) => Id === winner)).toMatchObject({ RF_Fit_Score__c: 33 });
  });

  it('a Lead that was deleted is made anew', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    world.fake.deleteRecord(leadId);
    const again = await sync('ann@acme.com', 'c1', 2);
    expect(again.leadId).not.toBe(leadId);
    expect(world.fake.leads()).toHaveLength(1);
  });

  it.each([false, true])(
    'what a duplicate rule blocks is led to the record that it names (misspelled: %s)',
    async (misspellDuplicateResult) => {
      await open({ duplicateRule: 'block', misspellDuplicateResult }, { SALESFORCE_MATCH: 'none' });
      const known = world.fake.addLead({ Email: 'ann@acme.com', LastName: 'Lee', Company: 'Acme' });
      expect((await sync('ann@acme.com', 'c1', 1)).leadId).toBe(known);
      expect(world.fake.leads()).toHaveLength(1);
    },
  );

  it('what a duplicate rule only warns of is saved', async () => {
    await open({ duplicateRule: 'alert' }, { SALESFORCE_MATCH: 'none' });
    world.fake.addLead({ Email: 'ann@acme.com', LastName: 'Lee', Company: 'Acme' });
    await sync('ann@acme.com', 'c1', 1);
    expect(world.fake.leads()).toHaveLength(2);
  });
});

describe('batches', () => {
  it('a backlog of a thousand costs at most three calls in a hundred leads', async () => {
    await Promise.all(Array.from({ length: 1000 }, (_, n) => sync(`p${n}@acme.com`, 'c1', 1)));
    expect(world.fake.leads()).toHaveLength(1000);
    expect(world.fake.members()).toHaveLength(1000);
    expect(world.fake.apiCalls() / 1000).toBeLessThanOrEqual(0.03);
  });

  it('one record that the org refuses is the only one that fails', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => sync(n === 7 ? 'not-an-address' : `p${n}@acme.com`, 'c1', 1)),
    );
    expect(all.map(({ status }) => status === 'rejected').indexOf(true)).toBe(7);
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect((all[7] as PromiseRejectedResult).reason).toMatchObject({ code: 'CRM_RECORD_REJECTED' });
    expect(String((all[7] as PromiseRejectedResult).reason.answer)).toContain('INVALID_EMAIL_ADDRESS');
  });

  it('two processes that meet the same new people make one Lead each', async () => {
    const second = await world.open();
    const both = [crm, second].flatMap((provider) =>
      Array.from({ length: 100 }, (_, n) => provider.sync(syncOf(`p${n}@acme.com`, 'c1', 1), signal)),
    );
    await Promise.all(both);
    expect(world.fake.leads()).toHaveLength(100);
    expect(world.fake.members()).toHaveLength(100);
  });

  it('a write whose answer was lost is found, and not made twice', async () => {
    world.fake.setFaults({ rate: 1, kinds: ['drop-after'] });
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
    world.fake.setFaults({ rate: 0, kinds: [] });
    await sync('ann@acme.com', 'c1', 1);
    expect(world.fake.leads()).toHaveLength(1);
    expect(world.fake.members()).toHaveLength(1);
  });

  it('a locked record is transient and affects no other record', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    world.fake.lockRows([leadId], 1);
    const [ann, bob] = await Promise.allSettled([sync('ann@acme.com', 'c1', 2), sync('bob@acme.com', 'c1', 1)]);
    expect(ann).toMatchObject({ status: 'rejected', reason: { code: 'CRM_RECORD_BUSY' } });
    expect(bob.status).toBe('fulfilled');
  });
});

describe('what is written', () => {
  it('text that is too long for its field is cut, and the reference says which', async () => {
    const reference = await sync('ann@acme.com', 'c1', 1, { attributes: { company: 'x'.repeat(300) } });
    expect(reference.cut).toEqual(['Company']);
    expect(String(world.fake.leads()[0]!['Company'])).toHaveLength(255);
  });

  it('a campaign that the org has not costs the membership, not the lead', async () => {
    await expect(sync('ann@acme.com', 'nobody-knows', 1)).resolves.toMatchObject({ memberId: null });
    expect(world.fake.leads()).toHaveLength(1);
  });

  it('a campaign map names Campaigns that have no key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-salesforce-'));
    try {
      const campaign = world.fake.addCampaign({ Name: 'Webinar' });
      const file = join(folder, 'campaigns.json');
      await writeFile(file, JSON.stringify({ 'mkto-77': campaign }));
      crm = await world.open({ SALESFORCE_CAMPAIGN_MAP: file });
      await sync('ann@acme.com', 'mkto-77', 1);
      expect(world.fake.members()).toMatchObject([{ CampaignId: campaign }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('the field map names the status of a member', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-salesforce-'));
    try {
      const file = join(folder, 'fields.json');
      const lead = [
        { to: 'Email', from: 'email' },
        { to: 'LastName', from: 'name', whenMissing: '[not provided]' },
        { to: 'Company', constant: 'Web', on: 'create' },
      ];
      const campaignMember = [{ to: 'Status', from: 'enrichment.intent', values: { high: 'Responded', '*': 'Sent' } }];
      await writeFile(file, JSON.stringify({ lead, campaignMember }));
      crm = await world.open({ SALESFORCE_FIELD_MAP: file });
      await sync('ann@acme.com', 'c1', 1);
      expect(world.fake.members()).toMatchObject([{ Status: 'Responded' }]);
      expect(world.fake.leads()).toMatchObject([{ LastName: 'Ann Lee', Company: 'Web' }]);
      // An error in the field map names its position.
      await writeFile(file, JSON.stringify({ lead: [{ to: 'Email' }] }));
      await expect(world.open({ SALESFORCE_FIELD_MAP: file })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('lead.0 needs either') as string,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a person who is to be forgotten but not deleted keeps a Lead without anything in it', async () => {
    crm = await world.open({ SALESFORCE_ERASE: 'anonymise' });
    const { leadId } = await sync('ann@acme.com', 'c1', 7, { attributes: { title: 'VP', message: 'call me' } });
    expect(await crm.erasePerson!(personKeyOf('ann@acme.com'), signal)).toBe(1);
    const [lead] = world.fake.leads();
    expect(lead).toMatchObject({ Id: leadId, LastName: '[erased]', Company: '[erased]', RF_Version__c: 7 });
    for (const field of ['Email', 'FirstName', 'Title', 'Description', 'RF_Person_Key__c', 'RF_Reasoning__c']) {
      expect(lead![field] ?? null, field).toBeNull();
    }
    // A person who is erased and returns gets a new record.
    expect((await sync('ann@acme.com', 'c1', 1)).leadId).not.toBe(leadId);
  });

  it('a hostile address stays a value', async () => {
    await sync("o'hara') OR Name LIKE '%@acme.com", 'c1', 1).catch(() => {});
    await sync("o'hara@acme.com", 'c1', 1);
    expect(world.fake.leads().map(({ Email }) => Email)).toEqual(["o'hara@acme.com"]);
  });
});

describe('faults', () => {
  it.each([
    ['500', 'CRM_UNAVAILABLE'],
    ['503', 'CRM_UNAVAILABLE'],
    ['drop', 'CRM_UNAVAILABLE'],
    ['hang', 'CRM_UNAVAILABLE'],
    ['html', 'CRM_UNAVAILABLE'],
    ['concurrent-limit', 'CRM_RATE_LIMITED'],
  ] as const)('%s is %s', async (kind, code) => {
    world.fake.setFaults({ rate: 1, kinds: [kind] });
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code });
  });

  it.each(['503', 'drop', 'drop-after', 'html'] as const)(
    '%s is repeated within the sync, and nothing is written twice',
    async (kind) => {
      await sync('ann@acme.com', 'c1', 1);
      world.fake.failNext(kind, null, kind, null, kind, null);
      await sync('bob@acme.com', 'c1', 1);
      await sync('bob@acme.com', 'c1', 2);
      expect(world.fake.leads()).toHaveLength(2);
      expect(world.fake.members()).toHaveLength(2);
    },
  );

  it('costs an outage few repeats, and one call per sync after them', async () => {
    await sync('ann@acme.com', 'c1', 1);
    world.fake.setFaults({ down: true });
    const callsOf = async () => {
      const before = world.fake.calls().length;
      await expect(sync('bob@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
      return world.fake.calls().length - before;
    };
    const calls = [await callsOf(), await callsOf(), await callsOf()];
    expect(calls[0]).toBe(4);
    expect(calls.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(12);
    expect(await callsOf()).toBe(1);
    world.fake.setFaults({});
    await sync('bob@acme.com', 'c1', 1);
  });

  it('writes the membership alone where the person is written already', async () => {
    const wrote = () => world.fake.calls().filter(({ method, path }) => method !== 'GET' && path.endsWith('/sobjects')).length;
    await sync('ann@acme.com', 'c1', 1);
    const before = wrote();
    world.fake.failNext(null, null, ...Array.from({ length: 4 }, () => '503' as const));
    await expect(sync('bob@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
    expect(wrote() - before).toBe(5);
    await sync('bob@acme.com', 'c1', 1);
    expect(wrote() - before).toBe(6);
  });

  it('a removed field is a configuration error', async () => {
    world.fake.removeField('Lead', 'RF_Intent__c');
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_MISCONFIGURED' });
    expect(world.fake.leads()).toHaveLength(0);
  });

  it('a new required field is refused with a signature', async () => {
    world.fake.addRequiredField('Industry');
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({
      code: 'CRM_RECORD_REJECTED',
      signature: 'REQUIRED_FIELD_MISSING:Industry',
    });
  });

  it('lets leads that come one after the other share calls, where many of the calls of the day are used', async () => {
    const callsOfTwo = async (used: number, people: [string, string]) => {
      world.fake.setDailyUsed(used);
      await sync(`${people[0]}${people[1]}@acme.com`, 'c1', 1); // its answers report the API usage
      const before = world.fake.apiCalls();
      const first = sync(`${people[0]}@acme.com`, 'c1', 1);
      await sleep(150); // longer than CRM_BATCH_WINDOW_MS, and much shorter than the widened window
      await Promise.all([first, sync(`${people[1]}@acme.com`, 'c1', 1)]);
      return world.fake.apiCalls() - before;
    };
    await open({ dailyLimit: 10_000 });
    const apart = await callsOfTwo(0, ['a', 'b']);
    const together = await callsOfTwo(4500, ['c', 'd']);
    expect([apart, together]).toEqual([6, 3]);
  });

  it('skips the batching window for a lead that runs alone, and at the end of the process', async () => {
    await open({ dailyLimit: 10_000 });
    world.fake.setDailyUsed(5000); // 5 s
    await sync('a@acme.com', 'c1', 1);
    // The clock is fixed, so a batching window never ends by itself.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await crm.sync({ ...syncOf('b@acme.com', 'c1', 1), urgent: true }, signal);
    const waiting = sync('c@acme.com', 'c1', 1);
    crm.flush!();
    await waiting;
    await sync('d@acme.com', 'c1', 1);
  });

  it('does not wait longer as a shadow, for which the lead would not wait', async () => {
    await open({ dailyLimit: 10_000 });
    crm = await world.open({ CRM_BATCH_WINDOW_MS: '25' }, { shadow: true });
    world.fake.setDailyUsed(5000);
    await sync('a@acme.com', 'c1', 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const synced = sync('b@acme.com', 'c1', 1);
    while (vi.getTimerCount() === 0) await nextTick();
    vi.advanceTimersByTime(25);
    await synced;
  });

  it('stops before the last call of the day, and says so', async () => {
    await open({ dailyLimit: 1000 });
    const seen: number[] = [];
    crm = await world.open({}, { observeApiUsage: (ratio) => seen.push(ratio) });
    world.fake.setDailyUsed(960);
    await sync('ann@acme.com', 'c1', 1).catch(() => {});
    await expect(sync('bob@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_DAILY_LIMIT_REACHED' });
    expect(world.fake.apiCalls()).toBeLessThan(970);
    expect(seen.at(-1)).toBeGreaterThan(0.95);
  });
});

describe('looking without writing', () => {
  it('says what a sync would do', async () => {
    world.fake.addContact({ Email: 'carl@acme.com', LastName: 'C' });
    world.fake.addLead({ Email: 'ann@acme.com', LastName: 'Lee', Company: 'Acme' });
    const look = (email: string) => crm.validate!(syncOf(email, 'c1', 1));
    expect(await look('new@acme.com')).toEqual({ act: 'create', campaignKnown: true, problems: [] });
    expect(await look('ann@acme.com')).toMatchObject({ act: 'update' });
    expect(await look('carl@acme.com')).toMatchObject({ act: 'membership only' });
    expect(world.fake.members()).toHaveLength(0);
    expect(world.fake.leads()).toHaveLength(1);
  });

  it('checks the field map against the org', async () => {
    const good = await crm.check!();
    expect(good.lines.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
    world.fake.removeField('Lead', 'RF_Intent__c');
    world.fake.addRequiredField('Industry');
    const bad = await crm.check!();
    expect(bad.lines.filter(({ verdict }) => verdict === 'problem').map(({ subject }) => subject)).toEqual([
      'Lead.RF_Intent__c',
      'Lead.Industry',
    ]);
  });

  it('compares records field by field', async () => {
    await sync('ann@acme.com', 'c1', 5);
    const ann = syncOf('ann@acme.com', 'c1', 5, { fitScore: 99 }).projection;
    const bob = syncOf('bob@acme.com', 'c1', 5).projection;
    expect(await crm.compare!([ann, bob])).toEqual([
      { personKey: bob.lead.personKey, field: null, expected: 'a record', actual: null },
      { personKey: ann.lead.personKey, field: 'RF_Fit_Score__c', expected: 99, actual: 70 },
    ]);
  });
});
