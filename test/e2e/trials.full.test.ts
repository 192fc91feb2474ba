import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { isInShare } from '../../src/trials/trial.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { askOps, OPERATORS, ops, SECRET } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-trials-'));
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS });
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const emails = Array.from({ length: 40 }, (_, index) => `person${index}@acme.com`);
const send = async (email: string, campaign_id: string) => {
  const body = { email, campaign_id, title: 'VP Sales', message: 'A demo, please.' };
  return (await service.post(body, { headers: { 'x-webhook-secret': SECRET } })).body.leadId;
};
const journeyOf = async (id: string) => (await askOps(service, 'GET', `/ops/leads/${id}`)).body;
const synced = (id: string) =>
  eventually(async () => {
    const journey = await journeyOf(id);
    expect(journey.state).toBe('synced');
    return journey;
  });
const reportOf = async (id: number) => (await askOps(service, 'GET', `/ops/trials/${id}`)).body as Record<string, unknown>;

describe('a service with trials', () => {
  let plain: { fitScore: number; version: unknown };

  it('runs a backtest on its leads, asked for by the CLI, and the journey has band and profile', async () => {
    const ids = await Promise.all(emails.slice(0, 5).map((email) => send(email, 'first')));
    const journey = await synced(ids[0]!);
    expect(journey).toMatchObject({ band: 'hot', profile: 'shipped', trial: null });
    await Promise.all(ids.map(synced));
    const scored = journey.events.find(({ kind }) => kind === 'enriched')!.detail;
    plain = { fitScore: journey.fitScore, version: scored['scorerVersion'] };

    const profile = join(folder, 'profile.json');
    await writeFile(profile, JSON.stringify({ name: 'low', base: 20 }));
    const run = await ops(service, 'trials', 'run', 'backtest', '--profile', profile, '--sample', '3', '--json');
    expect(run).toMatchObject({ code: 0 });
    const { id } = JSON.parse(run.stdout) as { id: number };
    await eventually(async () => {
      expect(await reportOf(id)).toMatchObject({ state: 'done', figures: { scored: 3, failed: 0 }, injections: { raised: 0 } });
    });
    const shown = await ops(service, 'trials', 'show', String(id));
    expect(shown.stdout).toMatch(/Trial \d+, a backtest, is done: All leads of the sample are scored\./);
    expect(shown.stdout).toMatch(/why now/);
    expect((await ops(service, 'trials', 'list')).stdout).toMatch(/backtest[\s\S]*In use: the scorer of the configuration\./);
    const bad = await ops(service, 'trials', 'run', 'backtest', '--challenger', 'heuristic=x');
    expect([bad.code === 0, bad.stderr]).toEqual([false, expect.stringMatching(/has no model and no prompt/)]);
  });

  it('gives a share of the persons the score of the challenger, and compares after the CRM has the lead', async () => {
    // Both scorers are rules, so the challenger's base of 20 shows as 10 points less.
    const body = { kind: 'challenge', challenger: { profile: { name: 'low', base: 20 } }, share: 0.4, sample: 1000 };
    const { status, body: trial } = await askOps(service, 'POST', '/ops/trials', body);
    expect(status).toBe(201);
    const number = Number(trial.id);
    // No live lead before the attacks were tried.
    await eventually(async () => expect(await reportOf(number)).toMatchObject({ state: 'running', injections: { raised: 0 } }));

    const challenged = emails.filter((email) => isInShare(number, personKeyOf(email), 0.4));
    const other = emails.find((email) => !challenged.includes(email))!;
    let campaign = 0;
    // A process follows a new challenge within two seconds.
    const mine = await eventually(async () => {
      const journey = await synced(await send(challenged[0]!, `second-${campaign++}`));
      expect(journey['trial']).toEqual({ id: number, arm: 'challenger' });
      return journey;
    });
    expect(mine.fitScore).toBe(plain.fitScore - 10);
    const theirs = await synced(await send(other, 'second'));
    expect([theirs.fitScore, theirs['trial']]).toEqual([plain.fitScore, { id: number, arm: 'champion' }]);
    expect((await ops(service, 'leads', 'get', mine.id)).stdout).toMatch(`trial ${number}: the score of the challenger`);

    // The champion's score of the same lead follows, and only after the lead was in the CRM.
    await sql.query("UPDATE trials.trials SET position_at = now() - interval '1 hour' WHERE id = $1", [number]);
    await sql.query(
      "UPDATE ledger.leads SET first_synced_at = first_synced_at - interval '15 seconds' WHERE campaign_id <> 'first'",
    );
    const { rows } = await eventually(async () => {
      const found = await sql.query<{ later: boolean; champion: number; challenger: number }>(
        `SELECT s.added_at > l.synced_at AS later, (s.champion->>'fitScore')::int AS champion,
             (s.challenger->>'fitScore')::int AS challenger
           FROM trials.scores s JOIN ledger.leads l ON l.id = s.lead_id WHERE s.trial_id = $1 AND s.scored_at IS NOT NULL`,
        [number],
      );
      expect(found.rows.length).toBeGreaterThan(0);
      return found;
    });
    for (const row of rows) expect(row).toEqual({ later: true, champion: plain.fitScore, challenger: plain.fitScore - 10 });

    expect((await ops(service, 'trials', 'promote', String(number), '--yes')).stdout).toMatch(/In use: profile low \(trial/);
    await eventually(async () => {
      const journey = await synced(await send(other, `third-${campaign++}`));
      expect([journey.fitScore, journey['profile'], journey['trial']]).toEqual([plain.fitScore - 10, 'low', null]);
    });
    expect((await askOps(service, 'POST', '/ops/score', { email: other, campaign_id: 1 })).body['profile']).toBe('low');
    expect(await reportOf(number)).toMatchObject({ state: 'done', reason: 'The challenger was promoted.' });
    expect((await ops(service, 'trials', 'rollback', '--yes')).stdout).toBe('In use: the scorer of the configuration.\n');
    await eventually(async () => {
      const journey = await synced(await send(other, `fourth-${campaign++}`));
      expect([journey.fitScore, journey['profile']]).toEqual([plain.fitScore, 'shipped']);
    });

    const exported = (await askOps(service, 'POST', '/ops/people/export', { email: challenged[0]! })).body;
    expect((exported['trials'] as unknown[]).length).toBeGreaterThan(0);
    const erased = (await askOps(service, 'POST', '/ops/people/erase', { email: challenged[0]! })).body;
    expect((erased['erased'] as { trials: number }).trials).toBe((exported['trials'] as unknown[]).length);
  });
});
