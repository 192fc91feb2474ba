import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { isInShare } from '../../src/trials/trial.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import type { FakeModel } from '../support/fakes/fake-model.js';
import { startFakeOpenAiCompatible } from '../support/fakes/openai-compatible.js';
import { askOps, OPERATORS, ops, SECRET } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let folder: string;
let model: FakeModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-trials-'));
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  model = await startFakeOpenAiCompatible();
  service = await startProcess({
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    OPENAI_COMPATIBLE_BASE_URL: `${model.url}/v1`,
    OPENAI_COMPATIBLE_MODEL: 'challenger-model',
    AI_TIMEOUT_MS: '2000',
    ...OPERATORS,
  });
});
afterAll(async () => {
  await service.stop();
  await model.stop();
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

  it('sends a model on trial no personal data, and no failure of that model touches a lead, a stage or the costs', async () => {
    const challenger = { provider: 'openai-compatible' };
    const body = { kind: 'challenge', challenger, share: 0.5, sample: 1000, stop: { maxErrorRate: 1 } };
    const number = Number((await askOps(service, 'POST', '/ops/trials', body)).body.id);
    await eventually(async () => expect(await reportOf(number)).toMatchObject({ state: 'running', injections: { tried: 6 } }));
    const attacks = model.received.length;
    expect(attacks).toBe(7);

    const people = Array.from({ length: 60 }, (_, index) => `jonathan.smithers${index}@acme.com`);
    const challenged = people.filter((email) => isInShare(number, personKeyOf(email), 0.5));
    const phone = '+49 170 5550142';
    let shops = 0;
    const post = async (email: string) => {
      // Texts that are alike without their personal data share an answer, so each has a number of its own.
      const message = `Jonathan Smithers here. Call ${phone} or write to ${email}: we want a demo for ${++shops} shops.`;
      const lead = { email, campaign_id: 'model', name: 'Jonathan Smithers', phone, title: 'VP Sales', message };
      return (await service.post(lead, { headers: { 'x-webhook-secret': SECRET } })).body.leadId;
    };
    const scored = async () => {
      const { trial, events } = await synced(await post(challenged.shift()!));
      const failures = events.filter(({ kind }) => /retry|dead|fail/.test(kind));
      return { provider: events.find(({ kind }) => kind === 'enriched')!.detail['provider'], trial, failures };
    };
    await eventually(async () => {
      expect(await scored()).toMatchObject({ provider: 'openai-compatible', trial: { id: number, arm: 'challenger' } });
    });
    const sent = model.received.slice(attacks).map((request) => JSON.stringify([request.path, request.headers, request.body]));
    expect(sent.length).toBeGreaterThan(0);
    for (const request of sent) {
      expect(request).toContain('we want a demo');
      expect(request).not.toMatch(/jonathan|smithers|5550142/i);
    }

    const failures = [
      ['AI_ANSWER_INVALID', { kind: 'nonsense' }],
      ['AI_TIMEOUT', { kind: 'hang' }],
      ['AI_UNAVAILABLE', { kind: 'drop' }],
      ['AI_RATE_LIMITED', { kind: 'rate-limited', seconds: 60 }],
      // Its own breaker waits now, and the model is not asked.
      ['AI_UNAVAILABLE', null],
    ] as const;
    for (const [code, fault] of failures) {
      model.always(fault as Parameters<FakeModel['always']>[0]);
      const before = model.received.length;
      const trial = { id: number, arm: 'challenger', failed: code };
      expect(await scored()).toEqual({ provider: 'heuristic', trial, failures: [] });
      expect(model.received.length - before).toBe(fault === null ? 0 : 1);
    }
    const stages = (await askOps(service, 'GET', '/ops/queues')).body['items'] as unknown as { breaker: { state: string } }[];
    expect(stages.map(({ breaker }) => breaker.state)).toEqual(['closed', 'closed']);
    expect((await askOps(service, 'GET', '/ops/costs?days=2')).body['items']).toEqual([]);
    const { rows: spent } = await sql.query<{ live: boolean }>(
      'SELECT tokens_spent > 0 AS live FROM trials.trials WHERE id = $1',
      [number],
    );
    expect(spent).toEqual([{ live: true }]);
    expect((await ops(service, 'trials', 'stop', String(number))).code).toBe(0);
  });
});
