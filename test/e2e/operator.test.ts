import { execFile, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { CLI, OPERATORS, ops, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-operator-'));
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    ...OPERATORS,
  });
});
beforeEach(() => sql.query('TRUNCATE ledger.rejections'));
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const post = (body: string) => service.post(body, { headers: { 'x-webhook-secret': SECRET } });
const get = (path: string) => service.get(path, { authorization: `Bearer ${TOKEN}` });

const cli = (...args: string[]) => ops(service, ...args);

describe('rejections', () => {
  it('keep what an authenticated sender sent wrongly, as it came', async () => {
    const broken = '{"email": , "name": "Ann", "campaign_id": 7}';
    expect((await post(broken)).status).toBe(400);
    await service.post('{"email": ', { headers: { 'x-webhook-secret': 'wrong'.repeat(8) } });
    expect((await post('{"email": "fine@acme.com", "campaign_id": 7}')).status).toBe(202);
    const { items } = (await get('/ops/rejections')).body;
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ body: broken, code: 'INVALID_BODY', contentType: 'application/json', replayedAs: null });
  });

  it('become leads: one with a corrected field, many once what they lacked is a null', async () => {
    await post('{"email": , "name": "Cleo", "campaign_id": 8}');
    await post('{"email": "dora@acme.com", "name": , "campaign_id": 8}');
    await post('{"email": "not an address", "campaign_id": 8}');
    const { items } = (await get('/ops/rejections')).body;
    const cleo = items.find(({ body }) => body.includes('Cleo'))!;
    const one = await cli('rejections', 'replay', cleo.id, '--set', 'email=cleo@acme.com', '--json');
    expect(JSON.parse(one.stdout)).toMatchObject([{ status: 'accepted' }]);
    const many = JSON.parse((await cli('rejections', 'replay', '--json')).stdout) as { status: string }[];
    expect(many.map(({ status }) => status).toSorted()).toEqual(['accepted', 'rejected']);
    const { rows } = await sql.query("SELECT name, email FROM ledger.leads WHERE campaign_id = '8' ORDER BY email");
    expect(rows).toEqual([
      { name: 'Cleo', email: 'cleo@acme.com' },
      { name: null, email: 'dora@acme.com' },
    ]);
    const replayed = (await sql.query('SELECT replayed_by FROM ledger.rejections WHERE replayed_as IS NOT NULL')).rows;
    expect(replayed).toEqual([{ replayed_by: 'ann' }, { replayed_by: 'ann' }]);
  });

  it('are read by viewers and replayed by operators only', async () => {
    const viewer = { authorization: `Bearer ${'v'.repeat(40)}` };
    expect((await service.get('/ops/rejections', viewer)).status).toBe(200);
    const answer = await fetch(`${service.url}/ops/rejections/replay`, { method: 'POST', headers: viewer });
    expect(answer.status).toBe(403);
  });
});

describe('npm run ops', () => {
  it('imports CSV and JSON lines, recognises what is there, and reports bad rows by their line', async () => {
    const csv = join(folder, 'leads.csv');
    await writeFile(
      csv,
      '\ufeffemail,name,campaign_id,company\n"ann@import.com","Lee, Ann",42,"Jack & Jill"\nbad,Bob,42,\ncarl@import.com,"Carl ""CJ"" Jones",42,X\n',
    );
    const first = await cli('import', csv, '--json');
    expect(first.code).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({
      rows: 3,
      accepted: 2,
      duplicate: 0,
      bad: [{ line: 3, reason: expect.stringMatching(/email/) }],
    });
    const jsonl = join(folder, 'leads.jsonl');
    await writeFile(
      jsonl,
      '{"email":"ann@import.com","name":"Lee, Ann","campaign_id":42}\n\nnot json\n{"email":"dan@import.com","campaign_id":42}\n',
    );
    const second = JSON.parse((await cli('import', jsonl, '--json')).stdout);
    expect(second).toMatchObject({ rows: 3, accepted: 1, duplicate: 1, bad: [{ line: 3, reason: 'The line is not JSON.' }] });
    const { rows } = await sql.query("SELECT name, attributes FROM ledger.leads WHERE email = 'ann@import.com'");
    expect(rows).toEqual([{ name: 'Lee, Ann', attributes: { company: 'Jack & Jill' } }]);
  });

  it('refuses a wrong file in a sentence, and an import evicts no rejection', async () => {
    await post('{"email": ,"name":"Ivy","campaign_id":"c1"}');
    const wrong = join(folder, 'wrong.csv');
    await writeFile(wrong, `Mail Address,Full Name\n${'ivy@import.com,Ivy\n'.repeat(50)}`);
    const refused = await cli('import', wrong);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/no column campaign_id.*Nothing was posted\.\n$/)]);
    await writeFile(wrong, `email,campaign_id\n${'ivy@import.com,{{campaign.id}}\n'.repeat(50)}`);
    const bad = JSON.parse((await cli('import', wrong, '--json')).stdout) as { badRows: number };
    expect(bad.badRows).toBe(50);
    expect((await get('/ops/rejections')).body.items.map(({ body }) => body)).toEqual([
      '{"email": ,"name":"Ivy","campaign_id":"c1"}',
    ]);
    const dry = await cli('import', wrong, '--dry-run');
    expect([dry.code, dry.stdout]).toEqual([0, '50 rows: 50 valid, 0 bad; nothing was posted.\n']);
  });

  it('reports what it did when it is interrupted or the service does not answer', async () => {
    const csv = join(folder, 'long.csv');
    await writeFile(csv, `email,campaign_id\n${'ivy@import.com,1\n'.repeat(3)}`);
    const stopped = await cli('import', csv, '--wait', '1', '--url', 'http://127.0.0.1:1');
    expect([stopped.code, stopped.stdout]).toEqual([
      5,
      expect.stringMatching(/^0 rows.*\nStopped before line 2: No service.*--from-line 2/s),
    ]);
  });

  it('ends an import on the first Ctrl-C, with the rows that are under way and a report', async () => {
    const csv = join(folder, 'interrupted.csv');
    await writeFile(csv, `email,campaign_id\n${'ivy@import.com,1\n'.repeat(500)}`);
    let child: ChildProcess | undefined;
    const server = createServer((_request, response) => {
      child!.kill('SIGINT'); // twenty times, since a shell and npm may each forward one Ctrl-C
      setTimeout(() => response.writeHead(202).end('{"status":"accepted"}'), 200);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ended = await new Promise<{ code: number; stdout: string }>((resolve) => {
      child = execFile(process.execPath, [CLI, 'import', csv, '--url', url, '--json'], (error, stdout) =>
        resolve({ code: Number(error?.code ?? 0), stdout }),
      );
    });
    server.close();
    const report = JSON.parse(ended.stdout) as { accepted: number; stopped: { reason: string; line: number } };
    expect([ended.code, report.stopped]).toMatchObject([130, { reason: 'interrupted', line: report.accepted + 2 }]);
  });

  it('shows a lead by e-mail, as a story', async () => {
    await post('{"email": "story@acme.com", "name": "Sue Story", "campaign_id": 9, "title": "VP Sales"}');
    // By HTTP: on a busy machine each run of the CLI takes seconds, which this wait does not have.
    await eventually(async () => expect((await get('/ops/leads?campaign_id=9')).body.items[0]!.state).toBe('synced'));
    const { stdout } = await cli('lead', 'story@acme.com');
    expect(stdout).toMatch(/Sue Story <story@acme\.com>, campaign 9, revision 1\nsynced/);
    expect(stdout).toMatch(/received.*scored.*in the CRM/s);
    expect((await cli('leads', '--campaign', '9')).stdout).toMatch(/synced/);
    expect((await cli('queues')).stdout).toMatch(/on postgres[^]*enrichment[^]*crm-sync/);
  });

  it('imports outcomes, shows them with the lead, and reports on scores', async () => {
    await post('{"email": "deal@acme.com", "name": "Dee Deal", "campaign_id": 10}');
    await eventually(async () => expect((await get('/ops/leads?campaign_id=10')).body.items[0]!.state).toBe('synced'));
    const csv = join(folder, 'deals.csv');
    const day = new Date().toISOString().slice(0, 10);
    await writeFile(
      csv,
      `Email;Stage;Close Date;amount;currency;id\nDEAL@acme.com;Won;${day};12000.5;EUR;d1\ndeal@acme.com;won;${day};12000.5;EUR;d1\n` +
        `stranger@acme.com;won;${day};;;\ndeal@acme.com;won;${day};1.000,50;;\ndeal@acme.com;bought;${day};;;\ndeal@acme.com;won;;;;\n`,
    );
    const map = ['--map', 'Stage=kind', '--map', 'Close Date=at', '--source', 'deals'];
    const imported = await cli('outcomes', 'import', csv, ...map, '--json');
    const { bad, ...counts } = JSON.parse(imported.stdout) as { bad: { line: number; reason: string }[] };
    expect([imported.code, counts]).toEqual([1, { rows: 6, recorded: 1, duplicate: 1, badRows: 4 }]);
    expect(bad.map(({ line }) => line)).toEqual([4, 5, 6, 7]);
    expect(bad[0]!.reason).toContain('No lead of this person is held');
    const { body: lead } = await get(`/ops/leads/${(await get('/ops/leads?campaign_id=10')).body.items[0]!.id}`);
    expect(lead).toMatchObject({
      outcomes: [{ kind: 'won', at: `${day}T23:59:59.999Z`, amount: 12_000.5, currency: 'EUR', source: 'deals', crmId: 'd1' }],
      probability: null,
    });
    expect((await cli('lead', 'deal@acme.com')).stdout).toMatch(/Outcome: won at .*12000\.5 EUR \(deals\)/);
    expect((await cli('outcomes')).stdout).toMatch(/Not enough to say: 0 conversions/);
    expect((await cli('outcomes', 'calibration', 'fit')).stderr).toMatch(/Nothing was fitted: 0 conversions/);
    expect((await cli('outcomes', 'calibration', 'list')).stdout).toBe('There are no calibrations.\n');
  });

  it('says in a sentence what is wrong', async () => {
    const nowhere = await cli('leads', '--url', 'http://127.0.0.1:1');
    expect([nowhere.code, nowhere.stderr]).toEqual([
      5,
      'No service answers at http://127.0.0.1:1. Start it, or name it with --url or REVENUEFLOW_URL.\n',
    ]);
    expect((await cli('leads', 'rescore', 'deal@acme.com')).stdout).toMatch(/^A new score is requested\./);
    expect((await cli('lead', 'nobody@acme.com')).stderr).toBe('There is no lead with this e-mail.\n');
    expect((await cli('import', join(folder, 'missing.csv'))).stderr).toMatch(/no such file/);
  });
});

describe('a long list', () => {
  it('is paged without a gap, however close together the leads came', async () => {
    const many = Array.from({ length: 120 }, (_, index) =>
      post(JSON.stringify({ email: `page${index}@acme.com`, campaign_id: 'pages' })),
    );
    await Promise.all(many);
    const seen = new Set<string>();
    let cursor: string | null = null;
    do {
      const { body } = await get(`/ops/leads?campaign_id=pages&limit=7${cursor ? `&cursor=${cursor}` : ''}`);
      for (const { email } of body.items) seen.add(email);
      cursor = body.nextCursor;
    } while (cursor);
    expect(seen.size).toBe(120);
  });
});
