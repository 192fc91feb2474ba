import { createSign, generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  FAKE_CLIENT_ID,
  FAKE_CLIENT_SECRET,
  FAKE_USERNAME,
  INTEGRATION_USER,
  startSalesforceFake,
  type SalesforceFake,
  type SalesforceFakeOptions,
} from '../support/fakes/salesforce/index.js';

/** The wire facts of Salesforce's REST API on which the provider relies, tested on the fake. */
let fake: SalesforceFake;
let token: string;

type AtLeastOne<T> = [T, ...T[]];
interface RecordError {
  statusCode: string;
  message: string;
  fields: string[];
}
/** What was said of one record, or the error of a whole call. */
interface Outcome {
  success: boolean;
  errors: AtLeastOne<RecordError>;
  errorCode: string;
  message: string;
  duplicateResult: { matchResults: AtLeastOne<{ matchRecords: AtLeastOne<{ record: unknown }> }> };
}
/** A body is one of these shapes; a test reads of it what its call answers. */
interface Answer {
  status: number;
  headers: Headers;
  body: AtLeastOne<Outcome> & {
    access_token: string;
    error: string;
    error_description: string;
    id: string;
    records: AtLeastOne<unknown>;
    totalSize: number;
    done: boolean;
    nextRecordsUrl: string;
    DailyApiRequests: unknown;
  };
}

async function start(options: SalesforceFakeOptions = {}): Promise<void> {
  fake = await startSalesforceFake(options);
  token = (await grant({ grant_type: 'client_credentials', client_id: FAKE_CLIENT_ID, client_secret: FAKE_CLIENT_SECRET })).body
    .access_token;
}

afterEach(() => fake.close());

async function grant(form: Record<string, string>): Promise<Answer> {
  const answer = await fetch(`${fake.url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${fake.url}/services/data/v62.0/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
}

const QUIET = { 'sforce-auto-assign': 'FALSE' };
const lead = (key: string, more: Record<string, unknown> = {}) => ({
  attributes: { type: 'Lead' },
  RF_Person_Key__c: key,
  LastName: 'Lee',
  Company: 'Acme',
  ...more,
});
const member = (CampaignId: string, LeadId: string) => ({ attributes: { type: 'CampaignMember' }, CampaignId, LeadId });
const upsert = (records: unknown[], headers: Record<string, string> = QUIET) =>
  call('PATCH', 'composite/sobjects/Lead/RF_Person_Key__c', { allOrNone: false, records }, headers);
const query = (soql: string, all = false) => call('GET', `${all ? 'queryAll' : 'query'}?q=${encodeURIComponent(soql)}`);

describe('tokens', () => {
  it('grants by client credentials, and says in OAuth words why not', async () => {
    await start();
    const good = await grant({ grant_type: 'client_credentials', client_id: FAKE_CLIENT_ID, client_secret: FAKE_CLIENT_SECRET });
    expect(good.body).toMatchObject({ instance_url: fake.url, token_type: 'Bearer', id: expect.stringContaining('/id/00D') });
    const wrong = await grant({ grant_type: 'client_credentials', client_id: FAKE_CLIENT_ID, client_secret: 'no' });
    expect(wrong).toMatchObject({
      status: 400,
      body: { error: 'invalid_client', error_description: 'invalid client credentials' },
    });
    expect((await grant({ grant_type: 'password' })).body.error).toBe('unsupported_grant_type');
  });

  it('verifies a JWT bearer assertion: signature, audience, expiry, subject, issuer', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    await start({ publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() });
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const ask = (changes: Record<string, unknown>, key = privateKey) => {
      const claims = {
        iss: FAKE_CLIENT_ID,
        sub: FAKE_USERNAME,
        aud: fake.url,
        exp: Math.floor(Date.now() / 1000) + 180,
        ...changes,
      };
      const signed = `${part({ alg: 'RS256' })}.${part(claims)}`;
      const signature = createSign('RSA-SHA256').update(signed).sign(key).toString('base64url');
      return grant({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${signed}.${signature}` });
    };
    expect((await ask({})).body.access_token).toBeTruthy();
    expect((await ask({ aud: 'https://login.salesforce.com' })).status).toBe(200);
    expect((await ask({}, stranger)).body.error_description).toBe('invalid assertion');
    expect((await ask({ aud: 'https://elsewhere.example' })).body.error_description).toBe('audience is invalid');
    expect((await ask({ exp: 1 })).body.error_description).toBe('expired authorization code');
    expect((await ask({ sub: 'nobody@acme.com' })).body.error_description).toBe("user hasn't approved this consumer");
    expect((await ask({ iss: 'other' })).body.error).toBe('invalid_client_id');
  });

  it('answers 401 INVALID_SESSION_ID once a session has ended, and gives a new one unless access was revoked', async () => {
    await start();
    fake.expireSessions();
    expect(await call('GET', 'limits')).toMatchObject({ status: 401, body: [{ errorCode: 'INVALID_SESSION_ID' }] });
    const form = { grant_type: 'client_credentials', client_id: FAKE_CLIENT_ID, client_secret: FAKE_CLIENT_SECRET };
    expect((await grant(form)).status).toBe(200);
    fake.revokeTokens();
    expect(await grant(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('collections', () => {
  it('answer 200 in request order, with statusCode for what failed', async () => {
    await start();
    const { status, body, headers } = await upsert([
      lead('a'),
      lead('b', { LastName: null }),
      lead('c', { Email: 'jörg@acme.com' }),
      lead('d', { Company: 'x'.repeat(256) }),
      lead('e', { RF_Intent__c: 'burning' }),
    ]);
    expect(status).toBe(200);
    expect(headers.get('sforce-limit-info')).toBe('api-usage=1/100000');
    expect(body[0]).toEqual({ id: fake.leads()[0]!['Id'], success: true, errors: [], created: true });
    expect(body[1]).toEqual({
      success: false,
      errors: [
        { statusCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [LastName]', fields: ['LastName'] },
      ],
    });
    expect(body.slice(2).map((each: { errors: { statusCode: string }[] }) => each.errors[0]?.statusCode)).toEqual([
      'INVALID_EMAIL_ADDRESS',
      'STRING_TOO_LONG',
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    ]);
    expect((await upsert([lead('A')])).body[0]).toMatchObject({ created: false });
    expect(fake.leads()).toHaveLength(1);
  });

  it('fail every record whose external id comes twice, and more than 200 records altogether', async () => {
    await start();
    const { body } = await upsert([lead('a'), lead('A'), lead('b')]);
    expect(body[0].errors[0]).toMatchObject({ statusCode: 'DUPLICATE_VALUE', message: 'Duplicate external id specified: a' });
    expect(body.map(({ success }) => success)).toEqual([false, false, true]);
    const many = await upsert(Array.from({ length: 201 }, (_, index) => lead(`k${index}`)));
    expect(many).toMatchObject({ status: 400, body: [{ errorCode: 'EXCEEDED_ID_LIMIT' }] });
  });

  it('fail as a whole for a column that does not exist', async () => {
    await start({ custom: 'missing' });
    const refused = await call('POST', 'composite/sobjects', { records: [{ ...lead('a'), LastName: 'Lee' }] });
    expect(refused).toMatchObject({
      status: 400,
      body: [{ errorCode: 'INVALID_FIELD', message: "No such column 'RF_Person_Key__c' on sobject of type Lead" }],
    });
  });

  it('roll back with allOrNone', async () => {
    await start();
    const records = [lead('a'), lead('b', { LastName: '' })];
    const { body } = await call('POST', 'composite/sobjects', { allOrNone: true, records });
    expect(body[0].errors[0].statusCode).toBe('ALL_OR_NONE_OPERATION_ROLLED_BACK');
    expect(fake.leads()).toEqual([]);
  });

  it('name a parent by its external id, and add a member once', async () => {
    await start();
    const leadId = fake.addLead();
    fake.addCampaign({ RF_Campaign_Key__c: 'Spring/25' });
    const record = { attributes: { type: 'CampaignMember' }, LeadId: leadId, Campaign: { RF_Campaign_Key__c: 'Spring/25' } };
    expect((await call('POST', 'composite/sobjects', { records: [record] })).body[0].success).toBe(true);
    const again = await call('POST', 'composite/sobjects', { records: [record] });
    expect(again.body[0].errors[0]).toEqual({ statusCode: 'DUPLICATE_VALUE', message: 'Already a campaign member.', fields: [] });
    expect(fake.members()).toHaveLength(1);
  });

  it('show the races of calls in flight: one key created twice, one campaign locked', async () => {
    await start({ latencyMs: 500 });
    const both = await Promise.all([upsert([lead('a')]), upsert([lead('a')])]);
    expect(both.map(({ body }) => body[0].success).toSorted()).toEqual([false, true]);
    expect(both.find(({ body }) => !body[0].success)!.body[0].errors[0].message).toMatch(
      /^duplicate value found: RF_Person_Key__c duplicates value on record with id: 00Q/,
    );
    const campaign = fake.addCampaign();
    const members = await Promise.all(
      [fake.addLead(), fake.addLead()].map((id) => call('POST', 'composite/sobjects', { records: [member(campaign, id)] })),
    );
    const codes = members.map(({ body }) => body[0].errors[0]?.statusCode ?? 'ok');
    expect(codes.toSorted()).toEqual(['UNABLE_TO_LOCK_ROW', 'ok']);
  });
});

describe('single records', () => {
  it('say 201, 200, 204 and 404, with errorCode, and decode the external id', async () => {
    await start();
    const path = `sobjects/Campaign/RF_Campaign_Key__c/${encodeURIComponent('a/b c?')}`;
    expect(await call('PATCH', path, { Name: 'One' })).toMatchObject({ status: 201, body: { created: true } });
    expect(await call('PATCH', path, { Name: 'Two' })).toMatchObject({ status: 200, body: { created: false } });
    expect(fake.campaigns()).toMatchObject([{ RF_Campaign_Key__c: 'a/b c?', Name: 'Two' }]);
    const created = await call('POST', 'sobjects/Lead', { LastName: 'Lee', Company: 'Acme' });
    expect(created).toMatchObject({ status: 201, body: { success: true, errors: [] } });
    expect((await call('PATCH', `sobjects/Lead/${created.body.id}`, { Title: 'CTO' })).status).toBe(204);
    const missing = await call('POST', 'sobjects/Lead', { LastName: 'Lee' });
    expect(missing).toMatchObject({ status: 400, body: [{ errorCode: 'REQUIRED_FIELD_MISSING', fields: ['Company'] }] });
    expect((await call('DELETE', `sobjects/Lead/${created.body.id}`)).status).toBe(204);
    const gone = await call('PATCH', `sobjects/Lead/${created.body.id}`, { Title: 'CEO' });
    expect(gone).toMatchObject({ status: 404, body: [{ errorCode: 'ENTITY_IS_DELETED' }] });
  });

  it('say 300 where an external id that is not unique matches several', async () => {
    await start({ personKeyUnique: false });
    fake.addLead({ RF_Person_Key__c: 'a' });
    fake.addLead({ RF_Person_Key__c: 'a' });
    const answer = await call('PATCH', 'sobjects/Lead/RF_Person_Key__c/a', { LastName: 'Lee' });
    expect(answer).toMatchObject({ status: 300, body: [expect.stringContaining('/sobjects/Lead/00Q'), expect.any(String)] });
    const batch = await upsert([lead('a')]);
    expect(batch.body[0].errors[0].statusCode).toBe('DUPLICATE_EXTERNAL_ID');
  });
});

describe('rules of the org', () => {
  it('an older version is refused, the same and a newer one pass', async () => {
    await start();
    const at = async (version: number) => (await upsert([lead('a', { RF_Version__c: version })])).body[0];
    expect(await at(5)).toMatchObject({ success: true });
    expect((await at(4)).errors[0]).toMatchObject({ statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', fields: ['RF_Version__c'] });
    expect(await at(5)).toMatchObject({ success: true });
    expect(await at(1_764_000_000_000_000)).toMatchObject({ success: true });
  });

  it('an assignment rule takes the Lead on create and on update, unless the request says FALSE', async () => {
    await start();
    await upsert([lead('a')]);
    const owner = () => fake.leads()[0]!['OwnerId'];
    expect(owner()).toBe(INTEGRATION_USER);
    await upsert([lead('a')], {});
    expect(owner()).not.toBe(INTEGRATION_USER);
  });

  it('e-mail is not unique; a duplicate rule says which records it found, in both spellings', async () => {
    await start();
    await upsert([lead('a', { Email: 'ann@acme.com' }), lead('b', { Email: 'ann@acme.com' })]);
    expect(fake.leads()).toHaveLength(2);
    await fake.close();

    await start({ duplicateRule: 'alert', misspellDuplicateResult: false });
    const contact = fake.addContact({ Email: 'Ann@acme.com' });
    const found = await call('POST', 'sobjects/Lead', { LastName: 'Lee', Company: 'Acme', Email: 'ann@acme.com' });
    expect(found.body[0].errorCode).toBe('DUPLICATES_DETECTED');
    expect(found.body[0].duplicateResult.matchResults[0].matchRecords[0].record).toMatchObject({ Id: contact });
    const header = { 'sforce-duplicate-rule-header': 'allowSave=true' };
    expect((await upsert([lead('a', { Email: 'ann@acme.com' })], header)).body[0].success).toBe(true);
    await fake.close();

    await start({ duplicateRule: 'block' });
    fake.addContact({ Email: 'ann@acme.com' });
    const blocked = await upsert([lead('a', { Email: 'ann@acme.com' })], header);
    expect(blocked.body[0].errors[0]).toMatchObject({ statusCode: 'DUPLICATES_DETECTED', duplicateResut: { allowSave: false } });
  });

  it('a converted Lead can be found and not written; its Contact takes the membership', async () => {
    await start();
    const id = fake.addLead({ RF_Person_Key__c: 'a', Email: 'ann@acme.com' });
    const contact = fake.convertLead(id);
    expect((await upsert([lead('a')])).body[0].errors[0].statusCode).toBe('CANNOT_UPDATE_CONVERTED_LEAD');
    const found = await query("SELECT Id, IsConverted, ConvertedContactId FROM Lead WHERE RF_Person_Key__c = 'a'");
    expect(found.body.records[0]).toMatchObject({ IsConverted: true, ConvertedContactId: contact });
  });

  it("a merge's loser is in the recycle bin and points at the winner", async () => {
    await start();
    const [winner, loser] = [fake.addLead({ Email: 'w@acme.com' }), fake.addLead({ RF_Person_Key__c: 'a' })];
    fake.mergeLeads(winner, loser);
    expect((await query(`SELECT Id FROM Lead WHERE Id = '${loser}'`)).body.totalSize).toBe(0);
    const bin = await query(`SELECT Id, MasterRecordId, IsDeleted FROM Lead WHERE Id = '${loser}'`, true);
    expect(bin.body.records[0]).toMatchObject({ MasterRecordId: winner, IsDeleted: true });
    const update = await call('PATCH', 'composite/sobjects', {
      records: [{ attributes: { type: 'Lead' }, Id: loser, Title: 'x' }],
    });
    expect(update.body[0].errors[0].statusCode).toBe('ENTITY_IS_DELETED');
  });

  it('a new required field and a lost permission are said of each record', async () => {
    await start();
    fake.setPermission('Lead.RF_Fit_Score__c', 'read');
    const forbidden = (await upsert([lead('a', { RF_Fit_Score__c: 9 })])).body[0].errors[0];
    expect(forbidden).toMatchObject({ statusCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: ['RF_Fit_Score__c'] });
    fake.addRequiredField('Region__c');
    expect((await upsert([lead('a')])).body[0].errors[0].fields).toEqual(['Region__c']);
    fake.removeField('Lead', 'RF_Reasoning__c');
    expect((await upsert([lead('a', { RF_Reasoning__c: 'x' })])).body[0].errorCode).toBe('INVALID_FIELD');
  });
});

describe('queries', () => {
  it('match without regard to case, escape, page, and refuse what is not SOQL', async () => {
    await start();
    for (let index = 0; index < 250; index++) fake.addLead({ Email: `P${index}@acme.com`, LastName: "O'Neil" });
    const some = await query(
      "SELECT Id, Email FROM Lead WHERE Email IN ('p7@ACME.com','nobody@acme.com') AND LastName = 'O\\'Neil'",
    );
    expect(some.body).toMatchObject({
      totalSize: 1,
      done: true,
      records: [{ attributes: { type: 'Lead' }, Email: 'P7@acme.com' }],
    });
    const paged = await call('GET', `query?q=${encodeURIComponent('SELECT Id FROM Lead')}`, undefined, {
      'sforce-query-options': 'batchSize=200',
    });
    expect(paged.body).toMatchObject({ totalSize: 250, done: false });
    const rest = await call('GET', paged.body.nextRecordsUrl.replace('/services/data/v62.0/', ''));
    expect([rest.body.done, rest.body.records.length]).toEqual([true, 50]);
    for (const soql of [
      "SELECT Id FROM Lead WHERE Email = 'O'Neil'",
      "SELECT Id FROM Lead WHERE Id = 'a' AND Id = 'b' OR Id = 'c'",
    ])
      expect(await query(soql)).toMatchObject({ status: 400, body: [{ errorCode: 'MALFORMED_QUERY' }] });
    expect((await query('SELECT Nope__c FROM Lead')).body[0].errorCode).toBe('INVALID_FIELD');
    expect((await query(`SELECT Id FROM Lead WHERE Email = '${'x'.repeat(17_000)}'`)).status).toBe(414);
    expect((await call('POST', 'query', { q: 'SELECT Id FROM Lead' })).status).toBe(405);
  });
});

describe('limits and faults', () => {
  it('stop at the daily limit with 403, and count no token call', async () => {
    await start({ dailyLimit: 2 });
    expect((await call('GET', 'limits')).body.DailyApiRequests).toEqual({ Max: 2, Remaining: 1 });
    await call('GET', 'limits');
    expect(await call('GET', 'limits')).toMatchObject({
      status: 403,
      body: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }],
    });
    expect(fake.apiCalls()).toBe(2);
  });

  it('come as planned: statuses, a page, a lost connection before the write and after it', async () => {
    await start();
    fake.failNext('500', '503', 'session', 'concurrent-limit', 'drop', 'drop-after');
    expect((await upsert([lead('a')])).status).toBe(500);
    expect((await upsert([lead('a')])).body[0].errorCode).toBe('SERVER_UNAVAILABLE');
    expect((await upsert([lead('a')])).status).toBe(401);
    expect((await upsert([lead('a')])).body[0].message).toMatch(/^ConcurrentRequests/);
    await expect(upsert([lead('a')])).rejects.toThrow();
    expect(fake.leads()).toHaveLength(0);
    await expect(upsert([lead('a')])).rejects.toThrow();
    expect(fake.leads()).toHaveLength(1);
    expect(fake.calls().map(({ status }) => status)).toEqual([200, 500, 503, 401, 403, 0, 0]);
  });

  it('answer a page where a proxy fails, hang, and are slow', async () => {
    await start();
    fake.failNext('html', 'hang', 'slow');
    fake.setFaults({ slowMs: 60 });
    const page = await fetch(`${fake.url}/services/data/v62.0/limits`, { headers: { authorization: `Bearer ${token}` } });
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);
    const hung = fetch(`${fake.url}/services/data/v62.0/limits`, { signal: AbortSignal.timeout(1000) });
    await expect(hung).rejects.toThrow(/aborted due to timeout/);
    const begun = performance.now();
    expect((await call('GET', 'limits')).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThan(50);
  });

  it('lock rows for as many writes as told, in both wordings when drawn', async () => {
    await start();
    const id = fake.addLead({ RF_Person_Key__c: 'a' });
    fake.lockRows([id], 1);
    expect((await upsert([lead('a')])).body[0].errors[0].statusCode).toBe('UNABLE_TO_LOCK_ROW');
    expect((await upsert([lead('a')])).body[0].success).toBe(true);
    fake.setFaults({ rate: 1, kinds: ['lock'], seed: 7 });
    const { body } = await upsert(Array.from({ length: 40 }, (_, index) => lead(`k${index}`)));
    const codes = new Set(body.map((each: { errors: { statusCode: string }[] }) => each.errors[0]?.statusCode ?? 'ok'));
    expect([...codes].toSorted()).toEqual(['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'UNABLE_TO_LOCK_ROW', 'ok']);
  });

  it('draw the same faults from the same seed, and are down when told', async () => {
    await start();
    const drawn = async () => {
      fake.setFaults({ rate: 0.5, kinds: ['500'], seed: 3 });
      const statuses = [];
      for (let index = 0; index < 12; index++) statuses.push((await call('GET', 'limits')).status);
      return statuses;
    };
    const first = await drawn();
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await drawn()).toEqual(first);
    fake.setFaults({ down: true });
    expect((await call('GET', 'limits')).status).toBe(503);
    fake.setFaults({ down: 'refuse' });
    await expect(call('GET', 'limits')).rejects.toThrow();
  });
});
