import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/app-error.js';
import { CallLimiter } from '../../src/marketo/client/call-limiter.js';
import { recordError } from '../../src/marketo/client/errors.js';
import { MarketoApi } from '../../src/marketo/client/marketo-api.js';
import { MarketoClient } from '../../src/marketo/client/marketo-client.js';
import { UNLIMITED } from '../../src/platform/concurrency/rate-limiter.port.js';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from '../support/fakes/marketo/index.js';
import type { MarketoFault } from '../support/fakes/marketo/faults.js';

let now = Date.parse('2026-11-27T18:00:00Z');
let fake: FakeMarketo;
beforeAll(async () => {
  fake = await FakeMarketo.start({ now: () => now });
});
afterAll(() => fake.stop());
beforeEach(() => {
  now += 60_000;
  fake.calls.length = 0;
  fake.forgetFaults();
});

function open({ secret = FAKE_MARKETO_SECRET, rateLimiter = UNLIMITED, url = fake.url, timeoutAtMostMs = 20_000 } = {}) {
  const client = new MarketoClient({
    baseUrl: url,
    clientId: FAKE_MARKETO_ID,
    clientSecret: secret,
    rateLimiter,
    now: () => now,
    timeoutAtMostMs,
    concurrencyWaitMs: 1,
    pause: async (ms) => void (now += ms),
  });
  return { client, api: new MarketoApi(client) };
}

const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable('it succeeded'),
    (error: unknown) => AppError.from(error),
  );

const FROM_CODE: Record<string, string[]> = {
  MARKETO_MISCONFIGURED: ['600', '603', '616', '1006'],
  MARKETO_UNAVAILABLE: ['608', '611', '614', '713'],
  MARKETO_RATE_LIMITED: ['606'],
  MARKETO_DAILY_LIMIT_REACHED: ['607'],
  // What no repetition changes; of a code of 1xxx that refuses the whole call, writeApart finds the person.
  MARKETO_REQUEST_REFUSED: '605 609 610 612 613 701 703 704 709 1001 1002 1003 1013 1015 1016 1025 1035 1037 1049 9999'.split(
    ' ',
  ),
};

const withStatus = (status: number, code: string): MarketoFault => ({
  kind: 'status',
  status,
  body: JSON.stringify({ requestId: '1#2', success: false, errors: [{ code, message: 'm' }] }),
});

/** Fault of a whole call, and what it is for a write and for a read. */
const FAULTS: [MarketoFault, write: string, read: string][] = [
  ...Object.entries(FROM_CODE).flatMap(([ours, codes]) =>
    codes.map((code): [MarketoFault, string, string] => [{ kind: 'code', code }, ours, ours]),
  ),
  [{ kind: 'code', code: '1029', message: 'Too many jobs in queue' }, 'MARKETO_RATE_LIMITED', 'MARKETO_RATE_LIMITED'],
  [
    { kind: 'code', code: '1029', message: 'Export daily quota exceeded' },
    'MARKETO_DAILY_LIMIT_REACHED',
    'MARKETO_DAILY_LIMIT_REACHED',
  ],
  [{ kind: 'status', status: 413 }, 'MARKETO_REQUEST_REFUSED', 'MARKETO_REQUEST_REFUSED'],
  [{ kind: 'status', status: 414 }, 'MARKETO_REQUEST_REFUSED', 'MARKETO_REQUEST_REFUSED'],
  [{ kind: 'status', status: 302 }, 'MARKETO_UNAVAILABLE', 'MARKETO_UNAVAILABLE'],
  // The call may have been executed, which matters for a write alone.
  [{ kind: 'code', code: '502' }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  [{ kind: 'code', code: '604' }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  // A proxy asks to wait, or refuses: the call was not executed.
  [{ kind: 'status', status: 429 }, 'MARKETO_RATE_LIMITED', 'MARKETO_RATE_LIMITED'],
  ...[401, 403, 404].map((status): [MarketoFault, string, string] => [
    { kind: 'status', status, body: '<html>' },
    'MARKETO_MISCONFIGURED',
    'MARKETO_MISCONFIGURED',
  ]),
  // Marketo's own code counts, whatever status a gateway gives it.
  [withStatus(429, '606'), 'MARKETO_RATE_LIMITED', 'MARKETO_RATE_LIMITED'],
  [withStatus(500, '607'), 'MARKETO_DAILY_LIMIT_REACHED', 'MARKETO_DAILY_LIMIT_REACHED'],
  [withStatus(400, '603'), 'MARKETO_MISCONFIGURED', 'MARKETO_MISCONFIGURED'],
  ...[204, 408, 500, 502, 503, 504].map((status): [MarketoFault, string, string] => [
    { kind: 'status', status, body: '<html>' },
    'MARKETO_OUTCOME_UNKNOWN',
    'MARKETO_UNAVAILABLE',
  ]),
  [{ kind: 'drop' }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  [{ kind: 'drop', after: true }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  [{ kind: 'hang' }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  [{ kind: 'html' }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  ...[{ hello: 'world' }, { requestId: '1#2' }, { success: true }, { success: true, result: null }, { success: false }, []].map(
    (body): [MarketoFault, string, string] => [{ kind: 'body', body }, 'MARKETO_OUTCOME_UNKNOWN', 'MARKETO_UNAVAILABLE'],
  ),
];

/** Of a record among others. */
const RECORDS: Record<string, string[]> = {
  MARKETO_PERSON_GONE: ['1004'],
  MARKETO_PERSON_AMBIGUOUS: ['1007'],
  MARKETO_PARTITION_DENIED: ['1008', '1009', '1010'],
  MARKETO_MISCONFIGURED: ['1006', '1011', '1021'],
  MARKETO_RECORD_REJECTED: ['1001', '1002', '1003', '1005', '1049', '9999'],
};

describe('a call of Marketo', () => {
  it.each(FAULTS)('that meets %j gets the code of what follows from it, and is not repeated', async (fault, write, read) => {
    const { api } = open(fault.kind === 'hang' ? { timeoutAtMostMs: 1000 } : {});
    const id = fake.people.add({ email: 'ann@acme.com' });
    fake.failNext(fault);
    expect(await failureOf(api.updatePeople('id', [{ id, rfFitScore: 1 }]))).toMatchObject({ code: write });
    fake.failNext(fault);
    expect(await failureOf(api.describeFields())).toMatchObject({ code: read });
    expect(fake.calls).toHaveLength(2);
  });

  it.each(Object.entries(RECORDS))('gets %s for a record that Marketo skips with %j', (ours, codes) => {
    for (const code of codes) expect(recordError({ code, message: '' }).code).toBe(ours);
  });

  it('is sent as a form where its address would be too long for Marketo', async () => {
    const ids = ['ann', 'bob'].map((name) => fake.people.add({ email: `${name}@acme.com` }));
    const { api } = open();
    const fields = Array.from({ length: 300 }, (_, n) => ({ name: `aFieldWithAVeryLongName${n}`, dataType: 'string' as const }));
    fake.people.fields.push(...fields);
    const names = fields.map(({ name }) => name);
    expect(await api.findPeople(ids, names)).toHaveLength(2);
    expect(fake.calls).toMatchObject([{ method: 'POST' }]);
    // It reads: an answer that is lost does not matter.
    fake.failNext({ kind: 'drop' });
    expect(await failureOf(api.findPeople(ids, names))).toMatchObject({ code: 'MARKETO_UNAVAILABLE' });
  });

  it('ends where Marketo gives page after page and not the people', async () => {
    const { api } = open();
    fake.people.endlessPages = true;
    expect(await failureOf(api.findPeople([1, 2], ['email']))).toMatchObject({ code: 'MARKETO_UNAVAILABLE' });
    fake.people.endlessPages = false;
  });

  it('waits out the window after 606, and until midnight in Chicago after 607', async () => {
    const { api } = open();
    fake.failNext({ kind: 'code', code: '606' });
    expect((await failureOf(api.usage())).retryAfterMs).toBe(20_000);
    now = Date.parse('2026-11-27T18:30:00Z');
    fake.failNext({ kind: 'code', code: '607' });
    expect((await failureOf(api.usage())).retryAfterMs).toBe(11.5 * 3_600_000);
    // Marketo's clock may be behind ours, and a day would be lost.
    now = Date.parse('2026-11-28T06:00:01Z');
    fake.failNext({ kind: 'code', code: '607' });
    expect((await failureOf(api.usage())).retryAfterMs).toBe(300_000);
  });

  it.each<[string, RegExp, unknown, (api: MarketoApi) => Promise<unknown>, unknown]>([
    [
      'results',
      /leads/,
      { success: true, errors: null, result: [{ id: null, status: 'skipped', reasons: [{ code: 1004 }] }] },
      (api) => api.updatePeople('id', [{ id: 1 }]),
      [{ status: 'skipped', reasons: [{ code: '1004', message: '' }] }],
    ],
    [
      'fields',
      /describe/,
      {
        success: true,
        result: [
          { dataType: 'string', length: null, rest: { name: 'a' } },
          { dataType: 'email', rest: null },
        ],
      },
      (api) => api.describeFields(),
      [{ name: 'a', dataType: 'string', length: null, readOnly: false }],
    ],
    ['people', /leads/, { success: true, result: null, nextPageToken: null }, (api) => api.findPeople([1], ['email']), []],
    [
      'a last page of the log',
      /activities/,
      { success: true, moreResult: false },
      (api) => api.activities(110, 'a'),
      { items: [] },
    ],
    [
      'a webhook whose name is a number',
      /activities/,
      {
        success: true,
        result: [
          { marketoGUID: 7, leadId: 1, activityDate: '2026-11-27T10:00:00Z', primaryAttributeValue: 42, attributes: null },
        ],
        nextPageToken: 'b',
        moreResult: true,
      },
      (api) => api.activities(110, 'a'),
      { items: [{ marketoGUID: '7', primaryAttributeValue: '42' }], next: 'b', more: true },
    ],
  ])('reads %s where Marketo leaves out or empties what may be absent', async (_, path, body, call, read) => {
    fake.failNext({ kind: 'body', body }, 1, path);
    expect(await call(open().api)).toMatchObject(read as object);
  });

  it.each([{ moreResult: true }, { moreResult: true, nextPageToken: 'a' }])(
    'fails where the log has more and no page leads there: %j',
    async (answer) => {
      fake.failNext({ kind: 'body', body: { success: true, result: [], ...answer } }, 1, /activities/);
      expect(await failureOf(open().api.activities(110, 'a'))).toMatchObject({ code: 'MARKETO_UNAVAILABLE' });
    },
  );

  it('takes "no data found" for an empty answer', async () => {
    fake.failNext({ kind: 'code', code: '702' });
    expect(await open().api.findPeople([1], ['email'])).toEqual([]);
  });

  it('repeats a call that met too many others, which Marketo has not executed', async () => {
    fake.failNext({ kind: 'code', code: '615' }, 2);
    expect(await open().api.usage()).toMatchObject({ total: expect.any(Number) });
    fake.failNext({ kind: 'code', code: '615' }, 4);
    expect(await failureOf(open().api.usage())).toMatchObject({ code: 'MARKETO_RATE_LIMITED', retryAfterMs: 5000 });
  });

  it('quotes names of fields, and no value that a person entered', async () => {
    const { api } = open();
    fake.failNext({ kind: 'code', code: '1003', message: "Lead 'ann@acme.com' with phone '555' is invalid for bob@acme.com" });
    const error = await failureOf(api.usage());
    expect(`${error.message} ${error.answer} ${error.signature}`).not.toMatch(/acme|555/);
    expect(recordError({ code: '1006', message: "Field 'rfIntent' not found" }).answer).toContain('rfIntent');
  });

  it('says that nothing was sent where no connection is made', async () => {
    const error = await failureOf(open({ url: 'http://127.0.0.1:1' }).api.updatePeople('id', [{ id: 1 }]));
    expect(error.code).toBe('MARKETO_UNAVAILABLE');
  });
});

describe('the token', () => {
  it('is sent in the header alone, and shared by all calls', async () => {
    fake.revokeToken();
    const [before, { api }] = [fake.identityCalls, open()];
    await Promise.all(Array.from({ length: 8 }, () => api.usage()));
    expect(fake.identityCalls - before).toBe(1);
    expect(
      fake.calls.every(({ query, authorization }) => !query.has('access_token') && authorization?.startsWith('Bearer ')),
    ).toBe(true);
  });

  it.each(['revokeToken', 'expireToken'] as const)('is read once more after %s, however many calls wait', async (act) => {
    const { api } = open();
    await api.usage();
    const before = fake.identityCalls;
    fake[act]();
    await Promise.all(Array.from({ length: 8 }, () => api.usage()));
    expect(fake.identityCalls - before).toBe(1);
  });

  it('is read once more where a gateway gives its refusal the status 401', async () => {
    const { api } = open();
    await api.usage();
    fake.failNext(withStatus(401, '602'));
    expect(await api.usage()).toMatchObject({ total: expect.any(Number) });
  });

  // Identity gives the same token until it expires, with what it has left: 0 seconds in the end.
  it.each([100, 900, 2900])('that has %d ms left is waited out, and no call is refused', async (left) => {
    await open().api.usage();
    now = fake.tokenExpiresAt - left;
    fake.calls.length = 0;
    const { api } = open();
    await Promise.all([api.usage(), api.usage()]);
    expect(fake.calls).toHaveLength(2);
    expect(fake.tokenExpiresAt).toBeGreaterThan(now + 3_000_000);
  });

  it('that Marketo refuses some seconds before its end is waited out too', async () => {
    await open().api.usage();
    now = fake.tokenExpiresAt - 8000;
    const { api } = open();
    fake.failNext({ kind: 'code', code: '602' });
    expect(await api.usage()).toMatchObject({ total: expect.any(Number) });
  });

  it('is a setting where the next one is refused too, or the credentials are', async () => {
    fake.failNext({ kind: 'code', code: '601' }, 2);
    expect(await failureOf(open().api.usage())).toMatchObject({ code: 'MARKETO_MISCONFIGURED' });
    const error = await failureOf(open({ secret: 'wrong-secret' }).api.usage());
    expect(error.code).toBe('MARKETO_MISCONFIGURED');
    expect(JSON.stringify([error.message, error.answer, String(error.cause)])).not.toContain('wrong-secret');
  });

  it.each([
    [
      'that no server listens at',
      'MARKETO_UNAVAILABLE',
      /identity service at http:\/\/127\.0\.0\.1:\d+ did not answer \(ECONNREFUSED\)/,
    ],
    ['of another server', 'MARKETO_MISCONFIGURED', /is not the address of Marketo's REST API \(404\)\. Check MARKETO_BASE_URL/],
  ])('says what is wrong with an address %s', async (which, code, message) => {
    const other = createServer((_, response) => response.writeHead(404).end('<html>')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    if (which === 'that no server listens at') other.close();
    const error = await failureOf(open({ url }).api.usage());
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).not.toContain(FAKE_MARKETO_SECRET);
    other.close();
  });
});

describe('the limits', () => {
  it('are kept at half: evenly spaced calls, fewer than five at once', async () => {
    const slow = await FakeMarketo.start({ latencyMs: 20 });
    let next = 0;
    const waits: number[] = [];
    const limiter = new CallLimiter(
      {
        async reserve(everyMs) {
          const at = (next += everyMs) - everyMs;
          waits.push(at);
          return 0;
        },
      },
      50,
    );
    const { api } = open({ url: slow.url, rateLimiter: limiter });
    await Promise.all(Array.from({ length: 30 }, () => api.usage()));
    expect(slow.limits.highest.inFlight).toBeLessThan(5);
    for (const [index, at] of waits.entries()) expect(at).toBe(index * 400);
    await slow.stop();
  });
});
