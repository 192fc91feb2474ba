import { connect } from 'node:net';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const SECRET = 's'.repeat(40);
/** Number of fuzzed bodies; FUZZ_RUNS=100000 makes the long run. */
const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500);

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let open: RunningProcess;
let guarded: RunningProcess;

beforeAll(async () => {
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  const env = { DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ROLE: 'api', LOG_LEVEL: 'error' };
  [open, guarded] = await Promise.all([startProcess(env), startProcess({ ...env, WEBHOOK_SECRETS: SECRET })]);
});
afterAll(async () => {
  await Promise.all([open?.stop(), guarded?.stop()]);
  await sql.end();
  await database.drop();
});

const rows = async () => (await sql.query<{ n: number }>('SELECT count(*)::int AS n FROM ledger.leads')).rows[0]!.n;

/** Sends raw bytes and returns all that is received until the connection closes. */
function raw(service: RunningProcess, text: string | Buffer, { keepOpen = false } = {}): Promise<string> {
  const { hostname, port } = new URL(service.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname);
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(answer) : reject(error)));
    socket.write(text);
    if (!keepOpen) socket.end();
  });
}

function request(lines: string[], body = ''): string {
  return [
    'POST /leads HTTP/1.1',
    'Host: 127.0.0.1',
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...lines,
    '',
    body,
  ].join('\r\n');
}

describe('what is no request', () => {
  it('gets a problem and a cut line', async () => {
    expect(await raw(open, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*BAD_REQUEST/s);
    expect(await raw(open, request([`X-Filler: ${'x'.repeat(20_000)}`]))).toMatch(/^HTTP\/1\.1 431 .*HEADERS_TOO_LARGE/s);
    expect(await raw(open, 'GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it('does not hold a line open by being slow', async () => {
    const answer = await raw(
      open,
      'POST /leads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
      {
        keepOpen: true,
      },
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 .*REQUEST_TIMEOUT/s);
  });

  it('does not read a body whose length lies', async () => {
    expect(await raw(open, request(['Content-Type: application/json', 'Transfer-Encoding: chunked'], '{}'))).toMatch(
      /^HTTP\/1\.1 4\d\d /,
    );
    const long = `POST /leads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{`;
    expect(await raw(open, long, { keepOpen: true })).toMatch(/^HTTP\/1\.1 413 .*BODY_TOO_LARGE/s);
  });
});

describe('web pages', () => {
  it('cannot reach a service that is open on loopback', async () => {
    const lead = { email: 'page@acme.com', campaign_id: '1' };
    const headers = { origin: 'https://evil.example' };
    expect((await open.post(lead, { headers })).body).toMatchObject({ status: 403, code: 'CROSS_SITE' });
    expect(await raw(open, 'GET /ops/leads HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    expect((await guarded.post(lead, { headers: { ...headers, 'x-webhook-secret': SECRET } })).status).toBe(202);
  });
});

describe('wrong secrets', () => {
  it('are held off, right ones never', async () => {
    const lead = { email: 'ann@acme.com', campaign_id: 'throttle' };
    const wrong = () => guarded.post(lead, { headers: { 'x-webhook-secret': 'x'.repeat(40) } });
    const answers: number[] = [];
    for (let n = 0; n < 25; n++) answers.push((await wrong()).status);
    expect(answers[0]).toBe(401);
    expect(answers.at(-1)).toBe(429);
    const { status } = await guarded.post(lead, { headers: { 'x-webhook-secret': SECRET } });
    expect(status).toBe(202);
  });

  it('are found out before the body is read', async () => {
    expect((await guarded.post('x'.repeat(100_000))).status).toBeOneOf([401, 429]);
  });
});

describe('fuzz', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\0',
      '\ud800',
      '__proto__',
      'constructor',
      "'; DROP TABLE ledger.leads; --",
      '💥'.repeat(50),
      '\u202e',
      'a@b.co',
      ' ',
    ),
    fc.double().map(String),
  );
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      nasty,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('object'),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
    object: fc.dictionary(fc.oneof(nasty, fc.constantFrom('email', 'name', 'campaign_id')), tie('value'), { maxKeys: 6 }),
  })).value;
  const almost = fc.record(
    {
      email: fc.oneof(fc.emailAddress(), nasty),
      campaign_id: fc.oneof(nasty, fc.maxSafeInteger(), fc.double()),
      name: nasty,
      extra: json,
    },
    { requiredKeys: [] },
  );
  const nested = fc
    .array(fc.boolean(), { minLength: 9, maxLength: 6000, size: 'max' })
    .map((levels) => levels.reduce((inner, isArray) => (isArray ? `[${inner}]` : `{"d":${inner}}`), '1e400'));
  const body = fc.oneof(
    nested.map((value) => Buffer.from(`{"email":"a@b.co","campaign_id":"d","z":${value}}`)),
    fc.oneof(json, almost).map((value) => Buffer.from(JSON.stringify(value) ?? '')),
    almost.map((value) => Buffer.from(JSON.stringify(value).replace(/"[^"]*"(?=[,}])/, ''))),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.dictionary(nasty, nasty).map((form) => Buffer.from(new URLSearchParams(form).toString())),
  );
  const contentType = fc.constantFrom(
    'application/json',
    'application/json; charset=utf-8',
    'application/json; charset=utf-16',
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/vnd.api+json',
    'multipart/form-data',
    '',
  );

  it(
    `answers 2xx or 4xx, stores nothing of a 4xx, and goes on serving (${FUZZ_RUNS} bodies)`,
    { timeout: 3_600_000 },
    async () => {
      const before = await rows();
      const accepted = new Set<string>();
      await fc.assert(
        fc.asyncProperty(body, contentType, async (bytes, type) => {
          const answer = await fetch(`${open.url}/leads`, { method: 'POST', body: bytes, headers: { 'content-type': type } });
          const text = (await answer.json()) as { leadId?: string; code?: string };
          expect(answer.status).toSatisfy(
            (status: number) => status === 200 || status === 202 || (status >= 400 && status < 500),
          );
          if (answer.ok) accepted.add(text.leadId!);
          else expect(text.code).toMatch(/^[A-Z_]+$/);
        }),
        { numRuns: FUZZ_RUNS },
      );
      expect(await rows()).toBe(before + accepted.size);
      expect((await open.post({ email: 'after@acme.com', campaign_id: 'fuzz' })).status).toBe(202);
      await eventually(async () => expect((await open.get('/health/ready')).status).toBe(200));
    },
  );
});
