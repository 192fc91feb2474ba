import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type Answer, type RunningProcess } from '../support/service.js';
import { eventually } from '../support/eventually.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;

beforeAll(async () => {
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', CONTENT_IGNORE: 'utm_*', ...OPERATORS });
});
beforeEach(() => sql.query('TRUNCATE ledger.rejections'));
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
});

const operator = { authorization: `Bearer ${TOKEN}` };

async function send(body: Buffer | string, headers: Record<string, string> = {}, path = '/leads') {
  const answer = await fetch(`${service.url}${path}`, {
    method: 'POST',
    // A Blob without a type makes fetch send no Content-Type.
    body: new Blob([new Uint8Array(Buffer.from(body))]),
    headers: { 'x-webhook-secret': SECRET, ...headers },
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}
const rejections = async () => (await service.get('/ops/rejections', operator)).body.items;
const act = async (path: string, body: unknown = {}) => {
  const headers = { ...operator, 'content-type': 'application/json' };
  const answer = await fetch(`${service.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Answer };
};
const journey = async (id: string) => (await service.get(`/ops/leads/${id}`, operator)).body;

const lead = JSON.stringify({ email: 'ria@acme.example', name: 'Ria', campaign_id: 'c1' });
const JSON_TYPE = { 'content-type': 'application/json' };

describe('POST /leads', () => {
  it.each([
    ['without a Content-Type', lead, {}],
    ['as a Content-Type that is none', lead, { 'content-type': 'json' }],
    ['with gzip', gzipSync(lead), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['with gzip that no header names', gzipSync(lead), JSON_TYPE],
    ['with deflate', deflateSync(lead), { ...JSON_TYPE, 'content-encoding': 'deflate' }],
    ['with raw deflate', deflateRawSync(lead), { ...JSON_TYPE, 'content-encoding': 'deflate' }],
    ['with br', brotliCompressSync(lead), { ...JSON_TYPE, 'content-encoding': 'br' }],
    ['with a Content-Encoding that is not there', lead, { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['with a charset as its Content-Encoding', lead, { ...JSON_TYPE, 'content-encoding': 'UTF-8' }],
    ['in UTF-16', Buffer.from(`\ufeff${lead}`, 'utf16le'), { 'content-type': 'application/json; charset=utf-16' }],
  ] as [string, Buffer | string, Record<string, string>][])('reads a body %s', async (_what, body, headers) => {
    const answer = await send(body, headers);
    expect([200, 202]).toContain(answer.status);
    expect((await journey(answer.body.leadId)).email).toBe('ria@acme.example');
  });

  it.each(['/leads/', '/Leads', '//leads', '//LEADS//', '/leads?x=1'])(
    'has the address %s too, with the same lock',
    async (path) => {
      expect([200, 202]).toContain((await send(lead, JSON_TYPE, path)).status);
      expect((await send(lead, { ...JSON_TYPE, 'x-webhook-secret': 'w'.repeat(40) }, path)).status).toBeOneOf([401, 429]);
      expect((await fetch(`${service.url}/OPS/leads`)).status).toBeOneOf([401, 404]);
      expect((await fetch(`${service.url}//ops/leads`)).status).toBeOneOf([401, 404]);
    },
  );

  it.each([
    ['a type that is not read', '<lead/>', { 'content-type': 'text/xml' }, 415, '<lead/>'],
    ['an unknown compression', 'xyz', { ...JSON_TYPE, 'content-encoding': 'zstd' }, 415, 'xyz'],
    ['a multipart form', '--x\r\n', { 'content-type': 'multipart/form-data; boundary=x' }, 415, '--x\r\n'],
    ['damaged compression', gzipSync(lead).subarray(0, 20), { ...JSON_TYPE, 'content-encoding': 'gzip' }, 400, null],
    [
      'a refused lead that is compressed',
      gzipSync('{"email":"x"}'),
      { ...JSON_TYPE, 'content-encoding': 'gzip' },
      400,
      '{"email":"x"}',
    ],
    ['a broken template', '{"email": ,"x":1}', JSON_TYPE, 400, '{"email": ,"x":1}'],
    ['a body that is too large', `{"a":"${'x'.repeat(70_000)}"}`, JSON_TYPE, 413, `{"a":"${'x'.repeat(65_530)}`],
    [
      'a body that decompresses to too much',
      gzipSync('x'.repeat(9_000_000)),
      { ...JSON_TYPE, 'content-encoding': 'gzip' },
      413,
      'x'.repeat(65_536),
    ],
  ] as [string, Buffer | string, Record<string, string>, number, string | null][])(
    'keeps %s',
    async (_what, body, headers, status, kept) => {
      expect((await send(body, headers)).status).toBe(status);
      const items = await rejections();
      expect(items).toHaveLength(1);
      expect(items[0]!.detail.length).toBeGreaterThan(20);
      if (kept !== null) expect(items[0]!.body).toBe(kept);
    },
  );

  it('keeps what was put into the address, without the secrets in it', async () => {
    const answer = await send('', JSON_TYPE, '/leads?email=uri%40acme.example&campaign_id=c1&secret=hush');
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringMatching(/fields are in the address/)]);
    const [kept] = await rejections();
    expect(kept!.body).toBe('email=uri%40acme.example&campaign_id=c1');
    const { leadId } = (await act(`/ops/rejections/${kept!.id}/replay`)).body;
    expect((await journey(leadId)).email).toBe('uri@acme.example');
  });

  it('keeps no row of an import and no stranger’s request', async () => {
    await send('{"email": }', { ...JSON_TYPE, 'x-revenueflow-import': '1' });
    await send('{"email": }', { ...JSON_TYPE, 'x-webhook-secret': 'w'.repeat(40) });
    expect(await rejections()).toEqual([]);
  });

  it('writes what it left out into the audit trail, of a new lead and of a revision', async () => {
    const { leadId } = (await send('{"email":"no@tes.example","campaign_id":1,"message":"a\\u0000b"}', JSON_TYPE)).body;
    await send('{"email":"no@tes.example","campaign_id":1,"company":"{{company.Company Name}}","title":"VP"}', JSON_TYPE);
    await send('{"email":"no@tes.example","campaign_id":1,"utm_source":"ignored"}', JSON_TYPE);
    const { events, attributes } = await journey(leadId);
    expect(attributes).toEqual({ message: 'a\ufffdb', title: 'VP' });
    const noted = events.filter(({ kind }) => kind === 'received' || kind === 'revised');
    expect(
      noted.map(({ detail }) => (detail['notes'] as { path: string; kind: string }[]).map(({ path, kind }) => [path, kind])),
    ).toEqual([[['message', 'character']], [['company', 'token']]]);
  });

  it('names an attribute that changes with every sending', async () => {
    let leadId = '';
    for (let hour = 0; hour < 7; hour++) {
      const body = { email: 'noise@acme.example', campaign_id: 1, updatedAt: `2026-11-27T0${hour}:00:00Z` };
      ({ leadId } = (await send(JSON.stringify(body), JSON_TYPE)).body);
    }
    const { hints } = (await journey(leadId)) as Answer & { hints: string[] };
    expect(hints).toEqual(['`updatedAt` changed in 6 of 6 revisions; add it to CONTENT_IGNORE']);
    // The check reads the revisions that there are by then.
    await eventually(() =>
      expect(service.output()).toMatch(/updatedAt` changed in ([56]) of \1 revisions; add it to CONTENT_IGNORE/),
    );
  });
});

describe('a replay', () => {
  it('needs no retyping, and never bypasses a check', async () => {
    const latin = Buffer.from('{"email":"lea@acme.example","name":"Jürgen","campaign_id":"c1"}', 'latin1');
    expect((await send(latin, JSON_TYPE)).body.detail).toMatch(/byte FC.*windows-1252/);
    const { id } = (await rejections())[0]!;
    expect((await act(`/ops/rejections/${id}/replay`)).body).toMatchObject({ status: 400, errors: [{ path: 'name' }] });
    const { leadId } = (await act(`/ops/rejections/${id}/replay?charset=windows-1252`)).body;
    expect(await journey(leadId)).toMatchObject({ email: 'lea@acme.example', campaignId: 'c1', name: 'Jürgen' });

    await send('{"email":"nia@acme.example","name":"Nia","campaign_id":"c1","message":"Line one\nline two"}', JSON_TYPE);
    await send('{"email":"not one","campaign_id":"c1"}', JSON_TYPE);
    await send(`{"email":"big@acme.example","campaign_id":"c1","a":"${'x'.repeat(70_000)}"}`, JSON_TYPE);
    const { items } = (await act('/ops/rejections/replay', { all: true })).body;
    expect(items.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'rejected']);
    const repaired = await journey(items[0]!.leadId);
    expect(repaired.attributes).toEqual({ message: 'Line one\nline two' });
    expect(repaired.events[0]!.detail['notes']).toMatchObject([{ kind: 'repair' }]);
  });
});

describe('erasure', () => {
  it('reaches refused bodies in any charset and compression, and the search finds an address as it is pasted', async () => {
    const json = '{"email":"vic@müller.example","name":';
    await send(Buffer.from(json, 'latin1'), JSON_TYPE);
    await send(gzipSync(json), { ...JSON_TYPE, 'content-encoding': 'gzip' });
    await send(Buffer.from(`\ufeff${json}`, 'utf16le'), JSON_TYPE);
    await send('email=vic%40m%FCller.example&name=%ZZ', { 'content-type': 'application/x-www-form-urlencoded' });
    await send('{"email":"someone@else.example","name":', JSON_TYPE);
    await send('{"email":"Vic <mailto:VIC@müller.example>","campaign_id":1}', JSON_TYPE);
    expect((await act('/ops/leads/search', { email: 'mailto:vic@müller.example.' })).body.items).toHaveLength(1);
    const all = (await act('/ops/people/export', { email: '<VIC@xn--mller-kva.example>' })).body as unknown as {
      rejections: { body: string }[];
    };
    expect(all.rejections.map(({ body }) => body.slice(0, 15)).toSorted()).toEqual([
      'email=vic%40m%F',
      '{"email":"vic@m',
      '{"email":"vic@m',
      '{"email":"vic@m',
    ]);
    const receipt = (await act('/ops/people/erase', { email: 'VIC@xn--mller-kva.example' })).body as unknown as {
      erased: { leads: number; rejections: number };
    };
    expect(receipt.erased).toMatchObject({ leads: 1, rejections: 4 });
    expect((await rejections()).map(({ body }) => body)).toEqual(['{"email":"someone@else.example","name":']);
    expect(service.output()).not.toMatch(/vic@/i);
  });
});
