import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { askOps, OPERATORS, ops, SECRET } from '../support/operator.js';
import { runToExit, startProcess, type RunningProcess } from '../support/service.js';

const SAMPLES = join(import.meta.dirname, '../../samples/scoring');
const PROFILE = join(SAMPLES, 'profile.json');

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let folder: string;
let lead: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-scoring-'));
  lead = JSON.parse(await readFile(join(SAMPLES, 'lead.json'), 'utf8')) as Record<string, string>;
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    SCORING_PROFILE: PROFILE,
    ...OPERATORS,
  });
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const count = async () => (await sql.query<{ n: number }>('SELECT count(*)::int AS n FROM ledger.leads')).rows[0]!.n;

describe('a service with a scoring profile', () => {
  it('shows before what a lead gets after, and stores nothing', async () => {
    const { status, body: preview } = await askOps(service, 'POST', '/ops/score', lead);
    expect(status).toBe(200);
    expect(preview).toMatchObject({ profile: 'clinics', scoreSource: 'heuristic' });
    expect((preview.evidence as { points: number }[]).reduce((sum, { points }) => sum + points, 0)).toBe(preview.fitScore);
    expect(await count()).toBe(0);

    const { leadId } = (await service.post(lead, { headers: { 'x-webhook-secret': SECRET } })).body;
    await eventually(async () => {
      const { body } = await askOps(service, 'GET', `/ops/leads/${leadId}`);
      expect(body).toMatchObject({ state: 'synced', fitScore: preview.fitScore, evidence: preview.evidence });
    });
  });

  it('refuses what a webhook refuses, and names what is wrong in a profile', async () => {
    const { email, ...nameless } = lead;
    const refused = await askOps(service, 'POST', '/ops/score', nameless);
    expect(refused.body).toMatchObject({ status: 400, code: 'INVALID_LEAD', errors: [{ path: 'email' }] });
    const profile = { industries: [{ label: 'x', points: 'many', phrases: ['x'] }] };
    const wrong = await askOps(service, 'POST', '/ops/score', { lead: { ...nameless, email }, profile });
    expect(wrong.body).toMatchObject({ status: 400, errors: [{ path: 'profile.industries[0].points' }] });
    expect((await askOps(service, 'POST', '/ops/score', lead, 'x'.repeat(40))).status).toBe(401);
  });

  it('runs another profile over the stored leads, page by page, and changes none', async () => {
    for (let number = 0; number < 6; number++)
      await service.post(
        { ...lead, email: `lead${number}@acme.com`, campaign_id: 'dry-run' },
        { headers: { 'x-webhook-secret': SECRET } },
      );
    const before = await sql.query('SELECT id, fence, state FROM ledger.leads ORDER BY id');
    const profile = { base: 0, bands: { warm: 99, hot: 100 } };
    let leads = 0;
    let cursor: string | null = null;
    do {
      const { body } = await askOps(service, 'POST', '/ops/score/dry-run', {
        profile,
        since: '2026-01-01T00:00:00Z',
        limit: 3,
        ...(cursor ? { cursor } : {}),
      });
      expect(body['moves']).toEqual([{ from: expect.stringMatching(/warm|hot/) as string, to: 'cold', count: body['leads'] }]);
      leads += body['leads'] as number;
      cursor = body.nextCursor;
    } while (cursor);
    expect(leads).toBe(7);
    const ids = async () => (await sql.query('SELECT id FROM ledger.leads ORDER BY id')).rows;
    expect(await ids()).toEqual(before.rows.map(({ id }: { id: string }) => ({ id })));
  });

  it('is what the commands use', async () => {
    const text = await ops(service, 'score', join(SAMPLES, 'lead.json'));
    expect(text).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Fit \d+ \((cold|warm|hot)\).*\+12 {2}company: clinics/s) as string,
    });
    const path = join(folder, 'new.json');
    await writeFile(path, JSON.stringify({ base: 0, bands: { warm: 99, hot: 100 } }));
    const dry = await ops(service, 'score', '--profile', path, '--since', '30d', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({ leads: 7, isComplete: true, bands: { proposed: { cold: 7 } } });
    for (const args of [['score'], ['score', '--since', '30d'], ['score', '{"email":'], ['score', 'no-such-file.json']])
      expect((await ops(service, ...args)).code).toBe(2);
  });
});

it('does not start with a profile that is wrong', async () => {
  const path = join(folder, 'wrong.json');
  await writeFile(path, '{"countries": [{"label": "x", "points": 3, "countries": ["Germany"]}]}');
  const { code, stderr } = await runToExit({ SCORING_PROFILE: path, DATA_DIR: join(folder, 'data') });
  expect(code).toBe(78);
  expect(stderr).toMatch(/^Configuration: SCORING_PROFILE: countries\[0\]\.countries\[0\]: must be an ISO 3166 country code/);
});
