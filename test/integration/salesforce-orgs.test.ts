import { setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CrmProvider, CrmSettings } from '../../src/crm/port.js';
import defaultMap from '../../src/crm/salesforce/default-field-map.json' with { type: 'json' };
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { eventually } from '../support/eventually.js';
import { syncOf } from '../support/crm.js';
import { INTEGRATION_USER, recordError, type SalesforceFakeOptions, type WireAnswer } from '../support/fakes/salesforce/index.js';
import { salesforceWorld } from '../support/salesforce-world.js';

/** Orgs with custom triggers, rules and moved records. */
let world: Awaited<ReturnType<typeof salesforceWorld>>;
let crm: CrmProvider;
let campaign: string;
let folder: string;
const notices: string[] = [];
const recorded: unknown[] = [];
const logged: { line: Record<string, unknown>; text: string }[] = [];
const signal = new AbortController().signal;
setMaxListeners(0, signal);
const sync = (...args: Parameters<typeof syncOf>) => crm.sync(syncOf(...args), signal);

const log = (line: Record<string, unknown>, text: string) => void logged.push({ line, text });
const settings: Partial<CrmSettings> = {
  observeNotice: (notice) => void notices.push(notice),
  recordNotice: (notice) => void recorded.push(notice),
  logger: { warn: log, error: log, info: () => {} } as unknown as CrmSettings['logger'],
};

async function open(options: SalesforceFakeOptions = {}, env: Record<string, string> = {}) {
  await world?.close();
  world = await salesforceWorld(options);
  campaign = world.fake.addCampaign({ Name: 'Launch', RF_Campaign_Key__c: 'c1' });
  world.fake.addCampaign({ Name: 'Second', RF_Campaign_Key__c: 'c2' });
  crm = await world.open(env, settings);
}
const withMap = async (lead: object[], campaignMember: object[] = []) => {
  const file = join(folder, 'fields.json');
  await writeFile(file, JSON.stringify({ lead: [...defaultMap.lead, ...lead], campaignMember }));
  crm = await world.open({ SALESFORCE_FIELD_MAP: file }, settings);
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-orgs-'));
  notices.length = 0;
  recorded.length = 0;
  logged.length = 0;
  await open();
});
afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

const leadOf = (email: string) => world.fake.leads().find(({ Email }) => Email === email);
const many = (count: number, prefix = 'p') => Array.from({ length: count }, (_, n) => sync(`${prefix}${n}@acme.com`, 'c1', 1));
const callsOf = async (act: () => Promise<unknown>) => {
  const before = world.fake.apiCalls();
  await act();
  return world.fake.apiCalls() - before;
};

describe('a record that Salesforce points to', () => {
  const jonas = () => sync('jonas.smith@acme.com', 'c2', 5, { name: 'Jonas Smith', attributes: { company: 'Acme' } });

  it.each(['Lead', 'Contact'] as const)(
    'and that is another person, a %s, is not written to: a dead letter names both',
    async (object) => {
      const { leadId: jon } = await sync('jon.smith@acme.com', 'c1', 1, { name: 'Jon Smith' });
      const stranger = object === 'Lead' ? jon : world.fake.addContact({ Email: 'peter@acme.com', LastName: 'Other' });
      world.fake.setDuplicateMatcher(({ Email }) => (Email === 'jonas.smith@acme.com' ? [stranger] : null));
      const error = await jonas().catch((cause: unknown) => cause);
      expect(error).toMatchObject({
        code: 'CRM_DUPLICATE_OF_OTHER_PERSON',
        class: 'permanent',
        signature: undefined,
        message: expect.stringMatching(
          new RegExp(`^Lead ${syncOf('jonas.smith@acme.com', 'c2', 5).projection.lead.id} .*${stranger}`),
        ),
      });
      expect(world.fake.leads()).toHaveLength(1);
      expect(leadOf('jon.smith@acme.com')).toMatchObject({
        LastName: 'Smith',
        RF_Person_Key__c: personKeyOf('jon.smith@acme.com'),
      });
      expect(world.fake.members()).toHaveLength(1);
    },
  );

  it('gets the membership where the setting says so, and nothing else', async () => {
    const { leadId: jon } = await sync('jon.smith@acme.com', 'c1', 1, { name: 'Jon Smith' });
    world.fake.setDuplicateMatcher(({ Email }) => (Email === 'jonas.smith@acme.com' ? [jon] : null));
    crm = await world.open({ SALESFORCE_ON_DUPLICATE: 'membership' }, settings);
    const before = leadOf('jon.smith@acme.com');
    const { leadId, exchanges } = await jonas();
    expect(leadId).toBe(jon);
    expect(exchanges![0]).toMatchObject({ lead: { answer: 'other-person', fields: {} }, member: { answer: 'created' } });
    expect(leadOf('jon.smith@acme.com')).toEqual(before);
    expect(notices).toEqual(['other-person']);
  });

  it.each([true, false])(
    'is named where a rule blocks an update (misspelled: %s), or says that there is none to see',
    async (misspelled) => {
      await open({ misspellDuplicateResult: misspelled });
      const { leadId } = await sync('ann@acme.com', 'c1', 1);
      world.fake.setDuplicateMatcher((_, before) => (before ? ['00Q5e0000000ZZZ'] : []));
      await expect(sync('ann@acme.com', 'c1', 2)).rejects.toMatchObject({
        code: 'CRM_DUPLICATE_BLOCKED',
        signature: undefined,
        message: expect.stringMatching(new RegExp(`${leadId}.*00Q5e0000000ZZZ`)),
      });
      await expect(sync('new@acme.com', 'c1', 1)).rejects.toMatchObject({
        code: 'CRM_DUPLICATE_BLOCKED',
        message: expect.stringContaining('names no record'),
      });
    },
  );

  it.each([
    ['001000000000001AAA', 'finds Account 001000000000001AAA'],
    ['a02000000000001AAA', 'finds record a02000000000001AAA'],
  ])('and that is no Lead (%s) is named as what it is', async (id, named) => {
    world.fake.setDuplicateMatcher(() => [id]);
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({
      code: 'CRM_DUPLICATE_BLOCKED',
      message: expect.stringContaining(named),
    });
  });

  it('and that an answer of a call has in another place is not given to the next person', async () => {
    const contact = world.fake.addContact({ Email: 'ann@acme.com', LastName: 'Lee' });
    world.fake.alterAnswers((path, answered) => {
      const { compositeResponse } = answered as { compositeResponse: unknown[] };
      return path.endsWith('/composite') ? { compositeResponse: compositeResponse.toReversed() } : answered;
    });
    expect((await sync('ann@acme.com', 'c1', 1)).leadId).toBe(contact);
    const [bob, cid] = await Promise.all([sync('bob@acme.com', 'c1', 1), sync('cid@acme.com', 'c1', 1)]);
    world.fake.alterAnswers((path, answered) =>
      path.endsWith('/sobjects') && Array.isArray(answered) ? answered.toReversed() : answered,
    );
    const mixed = await Promise.allSettled([sync('bob@acme.com', 'c1', 2), sync('cid@acme.com', 'c1', 2)]);
    expect(mixed).toMatchObject([{ reason: { code: 'CRM_UNAVAILABLE' } }, { reason: { code: 'CRM_UNAVAILABLE' } }]);
    world.fake.alterAnswers((_, answered) => answered);
    const after = await Promise.all([sync('bob@acme.com', 'c1', 2), sync('cid@acme.com', 'c1', 2)]);
    expect(after.map(({ leadId }) => leadId)).toEqual([bob.leadId, cid.leadId]);
  });

  it('and that became another person between the look and the write stays as it is', async () => {
    const id = world.fake.addLead({ Email: 'ann@acme.com', LastName: 'Lee', Company: 'Acme' });
    let moved = false;
    world.fake.afterEachPost(() => {
      if (moved) return;
      moved = true;
      world.fake.changeRecord(id, { Email: 'carl@acme.com', LastName: 'Carlson' });
    });
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    expect(leadId).not.toBe(id);
    expect(leadOf('carl@acme.com')).toMatchObject({ Id: id, LastName: 'Carlson', RF_Person_Key__c: null });
  });

  it.each(['ann@müller.example', 'Ann@xn--mller-kva.example', 'ann@MÜLLER.example'])(
    'is found by its address as the org spells it: %s',
    async (spelling) => {
      const id = world.fake.addLead({ Email: spelling, LastName: 'Lee', Company: 'Acme' });
      expect((await sync('ann@xn--mller-kva.example', 'c1', 1)).leadId).toBe(id);
    },
  );

  it('keeps the address that sales corrected', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    world.fake.changeRecord(leadId, { Email: 'ann.lee@acme.com' });
    const { exchanges } = await sync('ann@acme.com', 'c1', 2, { fitScore: 91 });
    expect(leadOf('ann.lee@acme.com')).toMatchObject({ Id: leadId, RF_Fit_Score__c: 91 });
    expect(exchanges![0]!.notes).toEqual([expect.stringContaining('Email is left as it is')]);
  });
});

describe('a trigger that takes few records', () => {
  it.each([
    [50, 400, 40],
    [1, 100, 125],
  ])('of %d: all of %d leads arrive, in at most %d calls', async (most, count, calls) => {
    world.fake.limitTrigger('Lead', most);
    expect(await callsOf(() => Promise.all(many(count)))).toBeLessThanOrEqual(calls);
    expect(world.fake.leads()).toHaveLength(count);
    expect(world.fake.members()).toHaveLength(count);
    expect(notices).toEqual(['batch-reduced']);
    expect(logged).toHaveLength(1);
    // The smaller batch size is kept, so no call fails again.
    const again = await callsOf(() => Promise.all(many(most === 1 ? 10 : 100, 'q')));
    expect(again).toBeLessThanOrEqual(most === 1 ? 13 : 5);
  });

  it('of members is divided in the same way', async () => {
    world.fake.limitTrigger('CampaignMember', 40);
    await Promise.all(many(200));
    expect(world.fake.members()).toHaveLength(200);
  });

  it.each([
    [
      'Apex CPU time limit exceeded',
      'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      'System.LimitException: Apex CPU time limit exceeded',
    ],
    ['50,001 rows', 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'System.LimitException: Too many query rows: 50001'],
    ['a flow', 'CANNOT_EXECUTE_FLOW_TRIGGER', 'The number of iterations exceeded; Too many DML statements: 151'],
    [
      'chunks',
      'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      'System.TypeException: Cannot have more than 10 chunks in a single operation',
    ],
    ['a flow that does not say why', 'CANNOT_EXECUTE_FLOW_TRIGGER', 'An unhandled fault has occurred in this flow'],
    ['locks in each other’s way', 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record'],
  ])('by %s is divided', async (_, code, message) => {
    world.fake.limitTrigger('Lead', 60, recordError(code, message));
    await Promise.all(many(100));
    expect(world.fake.leads()).toHaveLength(100);
  });

  const exception = recordError(
    'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    'LeadTrigger: execution of BeforeInsert caused by: System.NullPointerException: Attempt to de-reference a null object',
  );

  it('that throws on one record fails the call: the others arrive with all that their forms said', async () => {
    await withMap([{ to: 'City', from: 'attributes.city' }]);
    world.fake.throwInTrigger('Lead', ({ Email }) => Email === 'p7@acme.com' || Email === 'p60@acme.com', exception);
    const attributes = { city: 'Rome' };
    const calls = await callsOf(async () => {
      const all = await Promise.allSettled(
        Array.from({ length: 100 }, (_, n) => sync(`p${n}@acme.com`, 'c1', 1, { attributes })),
      );
      expect(all.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([7, 60]);
      expect(all[7]).toMatchObject({ reason: { code: 'CRM_RECORD_REJECTED', answer: expect.stringContaining('NullPointer') } });
    });
    expect(calls).toBeLessThanOrEqual(45);
    expect(world.fake.leads().filter(({ City }) => City === 'Rome')).toHaveLength(98);
    expect(notices).not.toContain('batch-reduced');
  });

  it('that throws on each of a few records, for what their forms said: all arrive, without that', async () => {
    await withMap([{ to: 'City', from: 'attributes.city' }]);
    world.fake.throwInTrigger('Lead', ({ City }) => City === 'Paris', exception);
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, n) => sync(`p${n}@acme.com`, 'c1', 1, { attributes: { city: 'Paris' } })),
    );
    expect(all.map(({ leftOut }) => leftOut)).toEqual(all.map(() => ['City']));
  });

  it('that throws on one member does so too', async () => {
    const bad = (await sync('bad@acme.com', 'c2', 1)).leadId;
    world.fake.throwInTrigger('CampaignMember', ({ LeadId, CampaignId }) => LeadId === bad && CampaignId === campaign, exception);
    const all = await Promise.allSettled([...many(50), sync('bad@acme.com', 'c1', 2)]);
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(world.fake.members()).toHaveLength(51);
  });

  it('that throws on every record is found out by a few, and the others wait', async () => {
    world.fake.throwInTrigger('Lead', () => true, exception);
    const all = await Promise.allSettled(many(128));
    const codes = all.map((each) => (each.status === 'rejected' ? (each.reason as { code: string }).code : 'written'));
    expect(codes.filter((code) => code === 'CRM_RECORD_REJECTED').length).toBeLessThanOrEqual(6);
    expect(codes).not.toContain('written');
    expect(world.fake.apiCalls()).toBeLessThanOrEqual(45);
  });

  const isWrite = (path: string) => path.endsWith('/composite/sobjects');
  it.each(['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'PROCESSING_HALTED'])(
    'and rolls back the others of the call (%s): they are written without that record',
    async (statusCode) => {
      const wrong = recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'No', ['LastName']);
      world.fake.addRule('Lead', ({ LastName }) => (LastName === 'Wrong' ? wrong : null));
      world.fake.alterAnswers((path, answered) => {
        const results = answered as { id: string; success: boolean }[];
        if (!isWrite(path) || results.every(({ success }) => success)) return answered;
        for (const { id, success } of results) if (success) world.fake.deleteRecord(id);
        const rolledBack = { success: false, errors: [{ statusCode, message: 'The transaction was rolled back', fields: [] }] };
        return results.map((result) => (result.success ? rolledBack : result));
      });
      const all = await Promise.allSettled([sync('w@acme.com', 'c1', 1, { name: 'A Wrong' }), ...many(6)]);
      expect(all[0]).toMatchObject({ reason: { code: 'CRM_RECORD_REJECTED' } });
      expect(all.slice(1).every(({ status }) => status === 'fulfilled')).toBe(true);
      expect(notices).toEqual([]);
    },
  );

  const refusals: [string, WireAnswer, string][] = [
    ['a page of a gateway', { status: 403, body: '<html>Request blocked</html>' }, 'CRM_RECORD_BUSY'],
    ['an unexpected error', { status: 500, body: '[{"errorCode":"UNKNOWN_EXCEPTION","message":"ErrorId"}]' }, 'CRM_RECORD_BUSY'],
    ['a code of a value', { status: 400, body: '[{"errorCode":"INVALID_DATE_TIME","message":"bad"}]' }, 'CRM_RECORD_REJECTED'],
  ];
  it.each(refusals)('or a gateway that answers a call with %s for one record: the others arrive', async (_, answer, code) => {
    await sync('known@acme.com', 'c1', 1);
    world.fake.answerWith((path, body) => (isWrite(path) && body.includes('p5@acme.com') ? answer : null));
    const all = await Promise.allSettled(many(12));
    expect(all.flatMap((each, n) => (each.status === 'rejected' ? [[n, (each.reason as { code: string }).code]] : []))).toEqual([
      [5, code],
    ]);
    // Where each call is answered so, it is an outage, or a setting: a few calls show it.
    world.fake.answerWith((path) => (isWrite(path) ? answer : null));
    const before = world.fake.calls().length;
    const failed = await Promise.allSettled(many(12, 'q'));
    expect(failed[0]).toMatchObject({ reason: { code: code === 'CRM_RECORD_BUSY' ? 'CRM_UNAVAILABLE' : code } });
    const writes = world.fake
      .calls()
      .slice(before)
      .filter(({ path }) => isWrite(path));
    expect(writes.length).toBeLessThanOrEqual(8);
  });

  it.each<[string, WireAnswer]>([
    ['a gateway that takes no long query', { status: 414, body: '<html>URI Too Long</html>' }],
    ['an org that answers no long query in time', { status: 400, body: '[{"errorCode":"QUERY_TIMEOUT","message":"too long"}]' }],
  ])('and %s', async (_, answer) => {
    world.fake.answerWith((path, body) => (path.endsWith('/composite') && body.length > 1500 ? answer : null));
    await Promise.all(many(12));
    expect(world.fake.leads()).toHaveLength(12);
  });

  it('and a gateway that takes no large body', async () => {
    world.fake.setLargestBody(60_000);
    await Promise.all(many(200));
    expect(world.fake.leads()).toHaveLength(200);
  });

  it('none passes alone: three are tried by themselves, and the others wait', async () => {
    world.fake.limitTrigger('Lead', 0);
    const errors = await Promise.all(many(40).map((each) => each.catch((cause: unknown) => cause as { code: string })));
    const codes = errors.map((error) => (error as { code: string }).code);
    expect(codes.filter((code) => code === 'CRM_RECORD_REJECTED')).toHaveLength(3);
    expect(codes.filter((code) => code === 'CRM_RECORD_BUSY')).toHaveLength(37);
    expect(world.fake.apiCalls()).toBeLessThanOrEqual(25);
  });
});

describe('a value that the org refuses', () => {
  const refusals = [
    ['FIELD_INTEGRITY_EXCEPTION', ['State'], { to: 'State', from: 'attributes.v' }],
    ['INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['Industry'], { to: 'Industry', from: 'attributes.v' }],
    ['FIELD_CUSTOM_VALIDATION_EXCEPTION', ['Rating'], { to: 'Rating', from: 'attributes.v' }],
    ['NUMBER_OUTSIDE_VALID_RANGE', ['City'], { to: 'City', from: 'attributes.v' }],
    // A trigger, or a rule whose error is shown at the top of the page, names no field.
    ['FIELD_CUSTOM_VALIDATION_EXCEPTION', [], { to: 'City', from: 'attributes.v' }],
    ['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', [], { to: 'City', from: 'attributes.v' }],
    // The field is named by its label, or by the code that State and Country picklists add.
    ['FIELD_INTEGRITY_EXCEPTION', ['Postal Code'], { to: 'PostalCode', from: 'attributes.v' }],
    ['FIELD_INTEGRITY_EXCEPTION', ['CountryCode'], { to: 'Country', from: 'attributes.v' }],
    // A code that nothing in this service lists.
    ['INVALID_CURRENCY_ISO', ['Rating'], { to: 'Rating', from: 'attributes.v' }],
    ['INVALID_STATUS', [], { to: 'City', from: 'attributes.v' }],
  ] as const;

  it.each(refusals)('%s %j is left out, and the lead is written', async (code, fields, rule) => {
    await withMap([rule]);
    world.fake.addRule('Lead', (lead) => (lead[rule.to] === 'Paris' ? recordError(code, 'Paris is wrong', [...fields]) : null));
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, n) => sync(`p${n}@acme.com`, 'c1', 1, { attributes: { v: n < 5 ? 'Paris' : 'Rome' } })),
    );
    expect(world.fake.leads()).toHaveLength(50);
    expect(all.slice(0, 5).map(({ leftOut }) => leftOut)).toEqual(Array.from({ length: 5 }, () => [rule.to]));
    expect(all[0]!.exchanges![0]!.notes).toEqual([
      `${rule.to} is left out: the org refuses the record with its value (${code}).`,
    ]);
    expect(all.slice(5).every(({ leftOut }) => leftOut === undefined)).toBe(true);
    expect(leadOf('p7@acme.com')).toMatchObject({ [rule.to]: 'Rome' });
    expect(JSON.stringify(logged)).not.toContain('Paris');
  });

  it.each(refusals.slice(0, 4))('%s %j is a dead letter of its own where the setting says so', async (code, fields, rule) => {
    await withMap([rule]);
    crm = await world.open(
      { SALESFORCE_FIELD_MAP: join(folder, 'fields.json'), SALESFORCE_REFUSED_FIELDS: 'dead-letter' },
      settings,
    );
    world.fake.addRule('Lead', (lead) => (lead[rule.to] === 'Paris' ? recordError(code, 'Paris is wrong', [...fields]) : null));
    await expect(sync('a@acme.com', 'c1', 1, { attributes: { v: 'Paris' } })).rejects.toMatchObject({
      code: 'CRM_RECORD_REJECTED',
      signature: undefined,
      message: expect.stringContaining(rule.to),
    });
  });

  it('of the wrong type, which would fail the whole call, is left out and said', async () => {
    await withMap([
      { to: 'NumberOfEmployees', from: 'attributes.employees' },
      { to: 'AnnualRevenue', from: 'attributes.revenue', transform: 'number' },
    ]);
    const { leftOut } = await sync('a@acme.com', 'c1', 1, { attributes: { employees: 'about 50', revenue: 'a lot' } });
    expect(leftOut!.toSorted()).toEqual(['AnnualRevenue', 'NumberOfEmployees']);
    expect(leadOf('a@acme.com')).toMatchObject({ NumberOfEmployees: null });
  });

  it('is left out alone where only the sentence of the rule names its field', async () => {
    await withMap([
      { to: 'State', from: 'attributes.state' },
      { to: 'City', from: 'attributes.city' },
    ]);
    const message = "There's a problem with this state, even though it may appear correct. Please select a state from the list.";
    world.fake.addRule('Lead', ({ State }) => (State === 'Paris' ? recordError('FIELD_INTEGRITY_EXCEPTION', message) : null));
    const { leftOut } = await sync('ann@acme.com', 'c1', 1, { attributes: { state: 'Paris', city: 'Paris' } });
    expect(leftOut).toEqual(['State']);
    expect(leadOf('ann@acme.com')).toMatchObject({ City: 'Paris' });
  });

  it('is left out alone where its code was sent, and the error names the country', async () => {
    world.fake.addField('Lead', 'CountryCode', 'string', { length: 10 });
    await withMap([
      { to: 'CountryCode', from: 'attributes.country' },
      { to: 'City', from: 'attributes.city' },
    ]);
    world.fake.addRule('Lead', ({ CountryCode: code }) =>
      code === 'Germany' ? recordError('FIELD_INTEGRITY_EXCEPTION', "There's a problem with this country", ['Country']) : null,
    );
    const { leftOut } = await sync('ann@acme.com', 'c1', 1, { attributes: { country: 'Germany', city: 'Berlin' } });
    expect(leftOut).toEqual(['CountryCode']);
  });

  it('that is the label of a choice is written as its value, and plain text as HTML where the field has HTML', async () => {
    world.fake.makePicklist('Lead', 'Industry', ['FIN', 'TEC']);
    await withMap([
      { to: 'Industry', from: 'attributes.industry' },
      { to: 'Street', from: 'attributes.notes' },
    ]);
    const choices = [
      { value: 'FIN', label: 'Financial Services', active: true },
      { value: 'TEC', label: 'Technology', active: true },
    ];
    world.fake.alterAnswers((path, answered) => {
      const { fields } = answered as { fields?: { name: string }[] };
      if (!path.endsWith('/describe') || !fields) return answered;
      const changes: Record<string, object> = { Industry: { picklistValues: choices }, Street: { htmlFormatted: true } };
      return { fields: fields.map((field) => ({ ...field, ...changes[field.name] })) };
    });
    const attributes = { industry: 'financial services', notes: 'a < b\nc' };
    const { leftOut, cut } = await sync('ann@acme.com', 'c1', 1, { attributes });
    expect([leftOut, cut]).toEqual([undefined, undefined]);
    expect(leadOf('ann@acme.com')).toMatchObject({ Industry: 'FIN', Street: 'a &lt; b<br>c' });
    expect(await crm.compare!([syncOf('ann@acme.com', 'c1', 1, { attributes }).projection])).toEqual([]);
  });

  it('in a field that was made read-only after creation meanwhile: the next try knows it', async () => {
    await withMap([{ to: 'City', from: 'attributes.city' }]);
    await sync('ann@acme.com', 'c1', 1, { attributes: { city: 'Rome' } });
    world.fake.addField('Lead', 'City', 'string', { length: 40, updateable: false });
    const again = () => sync('ann@acme.com', 'c1', 2, { attributes: { city: 'Paris' } });
    await expect(again()).rejects.toMatchObject({ signature: 'INVALID_FIELD_FOR_INSERT_UPDATE:City' });
    expect((await again()).exchanges![0]!.notes).toContainEqual(expect.stringContaining('City is left as it is'));
  });

  it('that a rule mentions and does not mean is left out with the others', async () => {
    await withMap([
      { to: 'State', from: 'attributes.state' },
      { to: 'City', from: 'attributes.city' },
    ]);
    world.fake.addRule('Lead', ({ City }) =>
      City === 'Paris' ? recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'The state of this lead is not complete') : null,
    );
    const { leftOut } = await sync('ann@acme.com', 'c1', 1, { attributes: { state: 'IDF', city: 'Paris' } });
    expect(leftOut!.toSorted()).toEqual(['City', 'State']);
  });

  it.each([
    [
      'a unique field that a converted Lead has',
      'DUPLICATE_VALUE',
      'duplicate value found: City duplicates value on record: 00Q1',
    ],
    ['the same in German', 'DUPLICATE_VALUE', 'Doppelter Wert gefunden: City dupliziert den Wert in Datensatz: 00Q1'],
    ['a record type that the user may not use', 'INVALID_CROSS_REFERENCE_KEY', "Record Type ID: this ID value isn't valid"],
    [
      'a lookup that no sentence names',
      'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
      'insufficient access rights on object id',
    ],
  ])('%s (%s) is left out by one more call, at creation and at update', async (_, code, message) => {
    world.fake.addField('Lead', 'RecordTypeId', 'reference', { referenceTo: ['RecordType'] });
    await withMap([
      { to: 'City', from: 'attributes.city' },
      { to: 'RecordTypeId', from: 'attributes.type' },
    ]);
    const refused = code === 'DUPLICATE_VALUE' ? 'City' : 'RecordTypeId';
    const before = world.fake.addLead({ Email: 'bob@acme.com', LastName: 'Ray', Company: 'Acme' });
    world.fake.addRule('Lead', (lead) => (lead[refused] ? recordError(code, message) : null));
    const attributes = { city: 'Rome', type: '012000000000001AAA' };
    const all = await Promise.all([sync('ann@acme.com', 'c1', 1, { attributes }), sync('bob@acme.com', 'c1', 1, { attributes })]);
    expect(all.map(({ leftOut }) => leftOut)).toEqual([[refused], [refused]]);
    expect(all[1].leadId).toBe(before);
    expect(leadOf('ann@acme.com')).toMatchObject({ [refused]: null });
  });

  it('of a unique field is left out where the error knows neither the field nor the record', async () => {
    world.fake.addField('Lead', 'Marketo_Id__c', 'string', { length: 40, unique: true });
    await withMap([{ to: 'Marketo_Id__c', from: 'attributes.id' }]);
    const error = recordError(
      'DUPLICATE_VALUE',
      'duplicate value found: <unknown> duplicates value on record with id: <unknown>',
    );
    world.fake.addRule('Lead', (lead) => (lead['Marketo_Id__c'] === '77' ? error : null));
    expect((await sync('ann@acme.com', 'c1', 1, { attributes: { id: '77' } })).leftOut).toEqual(['Marketo_Id__c']);
  });

  it('and that the org then requires is named with the dead letter', async () => {
    world.fake.makePicklist('Lead', 'Industry', ['Food']);
    await withMap([{ to: 'Industry', from: 'attributes.industry' }]);
    const required = recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Industry is required', ['Industry']);
    world.fake.addRule('Lead', (lead) => (lead['Industry'] ? null : required));
    await expect(sync('ann@acme.com', 'c1', 1, { attributes: { industry: 'Steel' } })).rejects.toMatchObject({
      signature: undefined,
      message: expect.stringContaining('Left out before, since their values were refused: Industry.'),
    });
  });

  it('in a field of the wrong kind: what is no id, no number and too long to be whole is left out at once', async () => {
    world.fake.addField('Lead', 'Partner__c', 'reference', { referenceTo: ['Account'] });
    world.fake.addField('Lead', 'Opt_In__c', 'boolean');
    world.fake.addField('Lead', 'First_Source__c', 'string', { length: 80, updateable: false });
    await withMap([
      { to: 'Partner__c', from: 'attributes.partner' },
      { to: 'MobilePhone', from: 'attributes.mobile' },
      { to: 'Website', from: 'attributes.site' },
      { to: 'Opt_In__c', from: 'attributes.opt_in' },
      { to: 'First_Source__c', from: 'attributes.source' },
    ]);
    const attributes = {
      partner: 'Acme Partners',
      mobile: '+49 30 1234567 in the morning, else +49 30 7654321',
      site: `https://acme.com/${'x'.repeat(300)}`,
      opt_in: 'Ja',
      source: 'ads',
    };
    const { leftOut } = await sync('ann@acme.com', 'c1', 1, { attributes });
    expect(leftOut!.toSorted()).toEqual(['MobilePhone', 'Partner__c', 'Website']);
    expect(leadOf('ann@acme.com')).toMatchObject({ Opt_In__c: true, First_Source__c: 'ads', MobilePhone: null });
    const again = await sync('ann@acme.com', 'c1', 2, { attributes: { ...attributes, source: 'fair' } });
    expect(again.exchanges![0]!.notes).toContainEqual(expect.stringContaining('First_Source__c is left as it is'));
    expect(leadOf('ann@acme.com')).toMatchObject({ First_Source__c: 'ads' });
  });

  it.each([
    ['ENTITY_IS_LOCKED', /approval process.*then replay/],
    ['INSUFFICIENT_ACCESS_OR_READONLY', /may not write this record.*then replay/],
    ['INACTIVE_OWNER_OR_USER', /another owner, then replay/],
  ])('a record that cannot be changed at all (%s) is a dead letter of its own that says what to do', async (code, advice) => {
    await sync('ann@acme.com', 'c1', 1);
    world.fake.addRule('Lead', (_, before) => (before ? recordError(code, 'no') : null));
    const error = { code: 'CRM_RECORD_REJECTED', signature: undefined, message: expect.stringMatching(advice) };
    await expect(sync('ann@acme.com', 'c1', 2, { fitScore: 91 })).rejects.toMatchObject(error);
  });

  it('a record that always ends in an unexpected error is no outage while others pass', async () => {
    world.fake.addRule('Lead', ({ Email }) =>
      Email === 'odd@acme.com' ? recordError('UNKNOWN_EXCEPTION', 'An unexpected error occurred. ErrorId: 1-2 (3)') : null,
    );
    const odd = () => sync('odd@acme.com', 'c1', 1).catch((cause: unknown) => cause);
    expect(await odd()).toMatchObject({ code: 'CRM_UNAVAILABLE' });
    await sync('ann@acme.com', 'c1', 1);
    expect(await odd()).toMatchObject({ code: 'CRM_RECORD_BUSY' });
    expect(await Promise.all([odd(), ...many(3)])).toMatchObject([{ code: 'CRM_RECORD_BUSY' }, {}, {}, {}]);
  });

  it('in a field that a Lead must have stays a dead letter', async () => {
    world.fake.addRule('Lead', ({ LastName }) =>
      LastName === 'Wrong' ? recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'No', ['LastName']) : null,
    );
    await expect(sync('a@acme.com', 'c1', 1, { name: 'Ann Wrong' })).rejects.toMatchObject({
      code: 'CRM_RECORD_REJECTED',
      signature: undefined,
    });
  });

  it('everywhere is suspected to be a setting, until a record passes', async () => {
    let blocksAll = true;
    world.fake.addRule('Lead', ({ LastName }) =>
      blocksAll || LastName === 'Wrong' ? recordError('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'No') : null,
    );
    const wrong = (n: number) => sync(`w${n}@acme.com`, 'c1', 1, { name: 'A Wrong' });
    for (const n of [1, 2, 3]) await expect(wrong(n)).rejects.toMatchObject({ signature: 'FIELD_CUSTOM_VALIDATION_EXCEPTION:' });
    blocksAll = false;
    await sync('good@acme.com', 'c1', 1);
    await expect(wrong(4)).rejects.toMatchObject({ code: 'CRM_RECORD_REJECTED', signature: undefined });
    // Other records of the same call succeed.
    const both = await Promise.allSettled([wrong(5), sync('good2@acme.com', 'c1', 1)]);
    expect(both).toMatchObject([{ status: 'rejected', reason: { signature: undefined } }, { status: 'fulfilled' }]);
  });

  it('an inactive owner by the assignment rule: created without the rule, and flagged', async () => {
    const gone = '0055e00000GoneUAAA';
    world.fake.setAssignees(['0055e000001SaleAAA', '00G5e000001QueuEAA', gone]);
    world.fake.deactivateUser(gone);
    const all = [];
    for (let n = 0; n < 9; n++) all.push(await sync(`p${n}@acme.com`, 'c1', 1));
    expect(world.fake.leads()).toHaveLength(9);
    const flagged = all.flatMap(({ exchanges }) => exchanges![0]!.notes ?? []);
    expect(flagged.length).toBeGreaterThanOrEqual(2);
    expect(flagged[0]).toContain(gone);
    expect(logged).toMatchObject([{ line: { userId: gone } }]);
    expect(recorded).toEqual([{ kind: 'assignment-skipped', subject: gone, reason: 'assignment rule' }]);
    expect(world.fake.leads().filter(({ OwnerId }) => OwnerId === gone)).toEqual([]);
    // A queue stays the owner when the Lead is updated.
    const queued = world.fake.leads().find(({ OwnerId }) => String(OwnerId).startsWith('00G'))!;
    await sync(String(queued['Email']), 'c1', 2);
    expect(leadOf(String(queued['Email']))).toMatchObject({ OwnerId: queued['OwnerId'] });
  });
});

describe('an assignment rule', () => {
  it('that gives Leads to a user who may not read them: created without the rule, and flagged', async () => {
    const error = recordError('TRANSFER_REQUIRES_READ', 'The new owner must have read permission');
    world.fake.addRule('Lead', ({ OwnerId }, before) => (!before && OwnerId !== INTEGRATION_USER ? error : null));
    const { exchanges } = await sync('ann@acme.com', 'c1', 1);
    expect(exchanges![0]!.notes).toEqual([expect.stringContaining('may not read it. Assign it by hand.')]);
    expect(notices).toEqual(['assignment-skipped']);
  });
});

describe('an inactive owner that the field map names', () => {
  it('is left out, named for the alert, and the lead is written', async () => {
    await withMap([{ to: 'OwnerId', from: 'attributes.owner' }]);
    const gone = '0055e00000GoneUAAR';
    crm = await world.open({ SALESFORCE_FIELD_MAP: join(folder, 'fields.json'), SALESFORCE_ASSIGN: 'off' }, settings);
    world.fake.deactivateUser(gone);
    const { leftOut } = await sync('ann@acme.com', 'c1', 1, { attributes: { owner: gone } });
    expect(leftOut).toEqual(['OwnerId']);
    expect(recorded).toContainEqual({ kind: 'assignment-skipped', subject: gone, reason: 'field map' });
  });
});

describe('records that moved', () => {
  it('a merged Lead: the record that it was merged into, by a fresh process too', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    const winner = world.fake.addLead({ Email: 'Ann@acme.com', LastName: 'Lee', Company: 'Acme' });
    world.fake.mergeLeads(winner, leadId);
    crm = await world.open({ SALESFORCE_MATCH: 'none' });
    expect((await sync('ann@acme.com', 'c2', 2)).leadId).toBe(winner);
    expect(world.fake.leads()).toHaveLength(1);
  });

  it('merged into another person: a dead letter names that record, and no second Lead is made', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    const winner = world.fake.addLead({ Email: 'ann.lee@private.example', LastName: 'Lee', Company: 'Acme' });
    world.fake.mergeLeads(winner, leadId);
    await expect(sync('ann@acme.com', 'c1', 2)).rejects.toMatchObject({
      code: 'CRM_DUPLICATE_OF_OTHER_PERSON',
      message: expect.stringContaining(winner),
    });
    expect(world.fake.leads()).toMatchObject([{ Id: winner, Email: 'ann.lee@private.example', RF_Person_Key__c: null }]);
  });

  it('a converted Lead: its Contact, also when that was merged; a new Lead when it was deleted', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    const contact = world.fake.convertLead(leadId);
    expect((await sync('ann@acme.com', 'c2', 2)).leadId).toBe(contact);
    const winner = world.fake.addContact({ Email: 'other@acme.com', LastName: 'Lee' });
    world.fake.mergeContacts(winner, contact);
    crm = await world.open();
    expect((await sync('ann@acme.com', 'c2', 3)).leadId).toBe(winner);
    world.fake.deleteRecord(winner);
    crm = await world.open();
    const fresh = await sync('ann@acme.com', 'c2', 4);
    expect(fresh.leadId.startsWith('00Q') && fresh.leadId !== leadId).toBe(true);
    expect((await sync('ann@acme.com', 'c1', 5)).leadId).toBe(fresh.leadId);
    expect(world.fake.leads().filter(({ IsConverted }) => !IsConverted)).toHaveLength(1);
    expect(await crm.compare!([syncOf('ann@acme.com', 'c1', 5).projection])).toEqual([]);
    // An erasure also finds it.
    expect(await crm.erasePerson!(personKeyOf('ann@acme.com'), signal)).toBeGreaterThan(0);
    expect(world.fake.leads().filter(({ IsConverted }) => !IsConverted)).toEqual([]);
  });

  it('a deleted Lead that is taken out of the recycle bin is the same Lead again', async () => {
    const { leadId } = await sync('ann@acme.com', 'c1', 1);
    world.fake.deleteRecord(leadId);
    world.fake.undeleteRecord(leadId);
    expect((await sync('ann@acme.com', 'c2', 2)).leadId).toBe(leadId);
    expect(world.fake.leads()).toHaveLength(1);
  });

  it('a Lead that is converted between its write and its membership: the Contact gets it', async () => {
    let posts = 0;
    world.fake.afterEachPost(() => {
      const [lead] = world.fake.leads();
      if (lead && !lead['IsConverted'] && ++posts === 1) world.fake.convertLead(String(lead['Id']));
    });
    const { leadId, memberId } = await sync('ann@acme.com', 'c1', 1);
    expect(leadId.startsWith('003')).toBe(true);
    expect(world.fake.members()).toMatchObject([{ Id: memberId, ContactId: leadId }]);
  });

  it('a Lead that a trigger deletes at once is a dead letter of its own, and no Lead is made again and again', async () => {
    let made = 0;
    world.fake.afterEachPost(() => {
      const spam = leadOf('spam@acme.com');
      if (spam) world.fake.deleteRecord(String(spam['Id']));
      made += spam ? 1 : 0;
    });
    const spam = () => sync('spam@acme.com', 'c1', 1);
    await expect(spam()).rejects.toMatchObject({
      code: 'CRM_RECORD_REJECTED',
      signature: 'GONE_AT_ONCE',
      message: expect.stringContaining('as soon as it is created'),
    });
    expect(made).toBe(2);
    await sync('ann@acme.com', 'c1', 1);
    await expect(spam()).rejects.toMatchObject({ code: 'CRM_RECORD_REJECTED', signature: undefined });
  });

  it('with person accounts a private person has no Company; else a placeholder, never the mail provider', async () => {
    await sync('ann@gmail.com', 'c1', 1);
    expect(leadOf('ann@gmail.com')).toMatchObject({ Company: '[not provided]' });
    await open();
    world.fake.enablePersonAccounts();
    await sync('bob@gmail.com', 'c1', 1);
    await sync('bob@acme.com', 'c1', 1);
    expect([leadOf('bob@gmail.com')!['Company'], leadOf('bob@acme.com')!['Company']]).toEqual([null, 'acme.com']);
  });
});

describe('a campaign', () => {
  it.each([
    ['of another org', () => '7019X000000ZzZzQAK'],
    [
      'that was deleted',
      () => {
        world.fake.deleteRecord(campaign);
        return campaign;
      },
    ],
    [
      'that may not be used',
      () => {
        const error = recordError('INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY', 'insufficient access rights', ['CampaignId']);
        world.fake.addRule('CampaignMember', () => error);
        return campaign;
      },
    ],
    [
      'that is shared for reading only',
      () => {
        world.fake.addRule('CampaignMember', () => recordError('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights'));
        return campaign;
      },
    ],
    ['whose id is malformed', () => '701x'],
    [
      'whose key the integration user may not read',
      () => {
        world.fake.setPermission('Campaign.RF_Campaign_Key__c', 'none');
        return 'c1';
      },
    ],
  ])('%s costs the membership, not the lead, and is named', async (_, prepare) => {
    const id = prepare();
    const all = await Promise.all(Array.from({ length: 10 }, (__, n) => sync(`p${n}@acme.com`, id, 1)));
    expect(world.fake.leads()).toHaveLength(10);
    for (const { memberId, exchanges } of all) {
      expect(memberId).toBeNull();
      expect(exchanges![0]!.notes).toEqual([expect.stringContaining(`No membership in campaign ${id}`)]);
    }
    expect(notices).toHaveLength(10);
    expect(logged).toMatchObject([{ line: { campaign: id } }]);
    expect(recorded).toMatchObject([{ kind: 'membership-missing', subject: id }]);
  });

  it.each([
    ['FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Members of an aborted campaign are closed', []],
    ['REQUIRED_FIELD_MISSING', 'Required fields are missing: [Region__c]', ['Region__c']],
    // The person and the Campaign are where they were when the org is asked again.
    ['FIELD_INTEGRITY_EXCEPTION', 'The campaign is not active', []],
    ['INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', ['LeadId']],
    ['ENTITY_IS_DELETED', 'entity is deleted', []],
  ])('whose rule refuses a member (%s) costs this membership only, with the words of the rule', async (code, message, fields) => {
    world.fake.addRule('CampaignMember', ({ LeadId }) =>
      LeadId === leadOf('ann@acme.com')?.['Id'] ? recordError(code, message, fields) : null,
    );
    for (let version = 1; version <= 3; version++) {
      const { memberId, exchanges } = await sync('ann@acme.com', 'c1', version);
      expect(memberId).toBeNull();
      expect(exchanges![0]!.notes).toEqual([expect.stringContaining(message)]);
    }
    expect((await sync('bob@acme.com', 'c1', 1)).memberId).not.toBeNull();
    expect(recorded).toEqual([{ kind: 'membership-missing', subject: 'c1', reason: code }]);
  });

  it.each([
    ['names', 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['Channel__c']],
    ['does not name', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', []],
    ['of an unlisted code does not name', 'INVALID_STATUS', []],
  ])('whose members take not each value of a field that the error %s get the member without it', async (_, code, fields) => {
    world.fake.addField('CampaignMember', 'Channel__c', 'string', { length: 40 });
    world.fake.addField('CampaignMember', 'Guests__c', 'int', { precision: 4 });
    await withMap(
      [],
      [
        { to: 'Channel__c', from: 'attributes.channel' },
        { to: 'Guests__c', from: 'attributes.guests' },
      ],
    );
    world.fake.addRule('CampaignMember', ({ Channel__c: channel }) =>
      channel === 'Fax' ? recordError(code, 'bad value', fields) : null,
    );
    const all = await Promise.all([
      sync('ann@acme.com', 'c1', 1, { attributes: { channel: 'Fax', guests: 'two' } }),
      sync('bob@acme.com', 'c1', 1, { attributes: { channel: 'Web', guests: '2' } }),
    ]);
    expect(world.fake.members()).toMatchObject([
      { Channel__c: 'Web', Guests__c: 2 },
      { Channel__c: null, Guests__c: null },
    ]);
    expect(all[0].exchanges![0]!.notes).toEqual([
      'Guests__c of the member is left out: its value cannot be read as what the field holds.',
      `Channel__c of the member is left out: the org refuses the record with its value (${code}).`,
    ]);
  });

  it('with a member that another language reports, or that is not shown, has what was wanted', async () => {
    const shown = await sync('ann@acme.com', 'c1', 1);
    world.fake.addRule('CampaignMember', (_, before) => (before ? null : recordError('DUPLICATE_VALUE', 'Bereits Mitglied.')));
    crm = await world.open({}, settings);
    expect((await sync('ann@acme.com', 'c1', 2)).memberId).toBe(shown.memberId);
    const hidden = await sync('bob@acme.com', 'c1', 1);
    expect(hidden).toMatchObject({ memberId: null, exchanges: [{ member: { answer: 'there-already' } }] });
  });

  it('that is deleted while it is known is found out by one look', async () => {
    await sync('a@acme.com', campaign, 1);
    world.fake.deleteRecord(campaign);
    await expect(sync('b@acme.com', campaign, 1)).resolves.toMatchObject({ memberId: null });
  });

  it('is the same by its id of 15 and of 18 characters, and one that lost its case', async () => {
    const first = await sync('ann@acme.com', campaign.slice(0, 15), 1);
    crm = await world.open();
    const again = await sync('ann@acme.com', campaign, 1);
    crm = await world.open();
    const upper = await sync('ann@acme.com', campaign.toUpperCase(), 1);
    expect([again.memberId, upper.memberId]).toEqual([first.memberId, first.memberId]);
  });
});

describe('the status of a member', () => {
  const status = { to: 'Status', from: 'enrichment.intent', values: { high: 'Responded', '*': 'Sent' } };

  it('is raised when the person responds, never lowered, and shown as the org has it', async () => {
    await withMap([], [status]);
    const lead = world.fake.addLead({ Email: 'ann@acme.com', LastName: 'Lee', Company: 'Acme' });
    const member = world.fake.addMember({ CampaignId: campaign, LeadId: lead, Status: 'Sent', HasResponded: false });
    const raised = await sync('ann@acme.com', 'c1', 1);
    expect(raised.memberId).toBe(member);
    expect(raised.exchanges![0]!.member).toMatchObject({ answer: 'status-raised', fields: { Status: 'Responded' } });
    expect(world.fake.members()).toMatchObject([{ Status: 'Responded', HasResponded: true }]);

    world.fake.setMemberStatuses(campaign, ['Invited', false, true], ['Attended', true, false]);
    world.fake.changeRecord(member, { Status: 'Attended', HasResponded: true });
    crm = await world.open({ SALESFORCE_FIELD_MAP: join(folder, 'fields.json') });
    const kept = await sync('ann@acme.com', 'c1', 2);
    expect(kept.exchanges![0]!.member).toMatchObject({ answer: 'there-already', fields: { Status: 'Attended' } });
    expect(world.fake.members()).toMatchObject([{ Status: 'Attended' }]);
  });

  it('that the campaign does not have is shown as what Salesforce made of it, and found by the check', async () => {
    await withMap([], [status]);
    world.fake.setMemberStatuses(campaign, ['Invited', false, true], ['Attended', true, false]);
    const { exchanges } = await sync('ann@acme.com', 'c1', 1);
    expect(exchanges![0]).toMatchObject({
      member: { answer: 'created', fields: { Status: 'Invited' } },
      notes: [expect.stringContaining('"Invited"')],
    });
    const { lines } = await crm.check!();
    expect(lines.filter(({ subject }) => subject === `Campaign ${campaign}`)).toMatchObject([
      { verdict: 'warning', detail: expect.stringContaining('no member status "Responded", "Sent": Salesforce saves "Invited"') },
    ]);
  });

  it('that changes with the score is sent again, although the membership is known', async () => {
    await withMap([], [{ ...status, from: 'attributes.answer', values: { yes: 'Responded', '*': 'Sent' } }]);
    await sync('ann@acme.com', 'c1', 1, { attributes: { answer: 'no' } });
    await sync('ann@acme.com', 'c1', 2, { attributes: { answer: 'yes' } });
    expect(world.fake.members()).toMatchObject([{ Status: 'Responded' }]);
  });
});

describe('an address that is encrypted', () => {
  it('cannot be searched: the error and the check say so, and the setting that does without', async () => {
    world.fake.addField('Lead', 'Email', 'email', { length: 80, filterable: false });
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({
      code: 'CRM_MISCONFIGURED',
      message: expect.stringContaining('SALESFORCE_MATCH=none'),
    });
    const problems = (await crm.check!()).lines.filter(({ verdict }) => verdict === 'problem');
    expect(problems).toMatchObject([{ subject: 'Lead.Email', detail: expect.stringContaining('SALESFORCE_MATCH=none') }]);
    crm = await world.open({ SALESFORCE_MATCH: 'none' }, settings);
    expect((await sync('ann@acme.com', 'c1', 1)).memberId).not.toBeNull();
  });
});

describe('answers of infrastructure', () => {
  it.each(['maintenance', 'maintenance-redirect', 'empty', 'truncated', 'html', '503'] as const)(
    '%s is an outage, at the login host and at the API',
    async (kind) => {
      world.fake.failTokens(kind);
      await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE', class: 'dependency-down' });
      world.fake.failTokens(null);
      world.fake.setFaults({ rate: 1, kinds: [kind] });
      await expect(sync('bob@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
      world.fake.setFaults({});
      await sync('ann@acme.com', 'c1', 1);
    },
  );

  /** A login host whose answers the test chooses. */
  async function loginHost(answer: (request: string) => Promise<{ status: number; body: string }>): Promise<Server> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        void answer(`${request.url} ${Buffer.concat(chunks).toString()}`).then(({ status, body }) =>
          response.writeHead(status, { 'content-type': body.startsWith('{') ? 'application/json' : 'text/html' }).end(body),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }
  const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('asks for a new token where the host of the org is gone', async () => {
    let moved = false;
    const login: Server = await loginHost(async (request) => {
      if (!request.startsWith('/services/oauth2/token')) return { status: 404, body: '<html>URL No Longer Exists</html>' };
      const [, form] = request.split(' ');
      const granted = await fetch(`${world.fake.url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
      const body = (await granted.json()) as { instance_url: string };
      return { status: 200, body: JSON.stringify(moved ? body : { ...body, instance_url: urlOf(login) }) };
    });
    crm = await world.open({ SALESFORCE_LOGIN_URL: urlOf(login) }, settings);
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
    moved = true;
    await expect(sync('ann@acme.com', 'c1', 1)).resolves.toMatchObject({ provider: 'salesforce' });
    login.close();
  });

  it.each([
    [400, 'URL_NOT_RESET'],
    [403, 'INVALID_SESSION_ID'],
  ])('%i %s makes it ask for a new token, and the call goes on', async (status, errorCode) => {
    await sync('known@acme.com', 'c1', 1);
    let isStale = true;
    world.fake.answerWith((path) => {
      if (path.startsWith('/services/oauth2/token')) isStale = false;
      return isStale
        ? { status, body: JSON.stringify([{ errorCode, message: 'The URL returned from login must be set' }]) }
        : null;
    });
    await expect(sync('ann@acme.com', 'c1', 1)).resolves.toMatchObject({ provider: 'salesforce' });
  });

  const cut: WireAnswer = { status: 200, body: '{"compositeResponse":[{"bo', cut: true };
  const asked: WireAnswer = { status: 429, headers: { 'retry-after': '7' }, body: '<html>Too many requests</html>' };
  const notGzip: WireAnswer = { status: 200, headers: { 'content-encoding': 'gzip' }, body: 'no gzip' };
  it.each([
    ['an answer that ends in its middle', cut, { code: 'CRM_UNAVAILABLE' }],
    ['a compressed answer that is broken', notGzip, { code: 'CRM_UNAVAILABLE' }],
    ['a page that asks to wait', asked, { code: 'CRM_RATE_LIMITED', retryAfterMs: 7000 }],
  ])('%s is no refusal, at the login host and at the API', async (_, answer, expected) => {
    world.fake.answerWith(() => answer);
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject(expected);
    world.fake.answerWith((path) => (path.startsWith('/services/oauth2/token') ? null : answer));
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject(expected);
    world.fake.answerWith(() => null);
    world.fake.alterAnswers((__, answered) => `\uFEFF${JSON.stringify(answered)}`);
    await expect(sync('ann@acme.com', 'c1', 1)).resolves.toMatchObject({ provider: 'salesforce' });
  });

  it('a description that asks for another try says nothing about the credentials', async () => {
    const body = JSON.stringify({ error: 'invalid_grant', error_description: 'instance is under maintenance' });
    world.fake.answerWith(() => ({ status: 400, body }));
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
  });

  it.each(['LOGIN_RATE_EXCEEDED', 'login rate exceeded', 'rate_limit_exceeded'])(
    'takes a limit of logins for a limit: %s',
    async (description) => {
      const body = JSON.stringify({ error: 'invalid_grant', error_description: description });
      const login = await loginHost(async () => ({ status: 400, body }));
      crm = await world.open({ SALESFORCE_LOGIN_URL: urlOf(login) }, settings);
      await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({ code: 'CRM_RATE_LIMITED' });
      login.close();
    },
  );

  it('names the cause of refused credentials, without the user', async () => {
    const description = "user hasn't approved this consumer (ann@acme.com)";
    const login = await loginHost(async () => ({
      status: 400,
      body: JSON.stringify({ error: 'invalid_grant', error_description: description }),
    }));
    crm = await world.open({ SALESFORCE_LOGIN_URL: urlOf(login) }, settings);
    await expect(sync('ann@acme.com', 'c1', 1)).rejects.toMatchObject({
      code: 'CRM_MISCONFIGURED',
      answer: "invalid_grant: user hasn't approved this consumer …",
    });
    login.close();
  });

  it('says whether calls come back in seconds or over the day', async () => {
    await sync('ann@acme.com', 'c1', 1);
    world.fake.setFaults({ rate: 1, kinds: ['concurrent-limit'] });
    await expect(sync('bob@acme.com', 'c1', 1)).rejects.toMatchObject({
      code: 'CRM_RATE_LIMITED',
      message: expect.stringContaining('seconds'),
    });
    await open({ dailyLimit: 10 }, { SALESFORCE_API_STOP_PERCENT: '100', SALESFORCE_API_SLOW_PERCENT: '99' });
    world.fake.setDailyUsed(10);
    await expect(sync('bob@acme.com', 'c1', 1)).rejects.toMatchObject({
      code: 'CRM_DAILY_LIMIT_REACHED',
      message: expect.stringContaining('24 hours'),
    });
  });

  it('a worker that stops waits for no answer, and an erasure ends with its time', async () => {
    await sync('ann@acme.com', 'c1', 1);
    world.fake.setFaults({ rate: 1, kinds: ['hang'] });
    const stop = new AbortController();
    const callsBefore = world.fake.calls().length;
    const waiting = crm.sync(syncOf('bob@acme.com', 'c1', 1), stop.signal);
    const erasing = crm.erasePerson!(personKeyOf('ann@acme.com'), stop.signal);
    const ended = Promise.allSettled([waiting, erasing]);
    await eventually(() => expect(world.fake.calls().length).toBeGreaterThanOrEqual(callsBefore + 2));
    stop.abort(new Error('The worker stops'));
    expect(await ended).toMatchObject([
      { reason: { code: 'WORKER_STOPPING' } },
      { reason: { code: 'CRM_UNAVAILABLE', message: expect.stringContaining('ended') } },
    ]);
  });
});
