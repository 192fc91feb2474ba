import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { sensibleBrain } from '../support/fakes/brain.js';
import { ALL_FAULTS } from '../support/fakes/faults.js';
import { startFakeGemini } from '../support/fakes/gemini.js';
import { startProcess, type RunningProcess } from '../support/service.js';

/** Several worker processes and a model behind HTTP, for what one process cannot show. */
describe.skipIf(!hasRedis())('three workers and one model', () => {
  let model: Awaited<ReturnType<typeof startFakeGemini>>;
  let sql: pg.Client;
  const undo: (() => Promise<unknown>)[] = [];
  let env: Record<string, string>;

  beforeEach(async () => {
    const database = await freshDatabase();
    undo.push(() => database.drop());
    const redis = (await freshRedis())!;
    model = await startFakeGemini();
    undo.push(() => model.stop());
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    undo.push(() => sql.end());
    env = {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      AI_PROVIDER: 'gemini',
      GEMINI_API_KEY: 'k'.repeat(39),
      GEMINI_BASE_URL: `${model.url}/v1beta`,
      SWEEP_INTERVAL_MS: '1000',
    };
  });
  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  });

  async function start(more: Record<string, string>): Promise<RunningProcess> {
    const roles = ['api', 'worker', 'worker', 'worker'];
    const processes = await Promise.all(roles.map((ROLE) => startProcess({ ...env, ...more, ROLE })));
    for (const running of processes) undo.push(() => running.stop());
    return processes[0]!;
  }

  async function post(api: RunningProcess, count: number): Promise<void> {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        api.post({
          email: `p${index}@acme.com`,
          campaign_id: 'model',
          title: `Head of ${index}`,
          message: 'Please send a quote',
        }),
      ),
    );
    expect(answers.every(({ status }) => status === 202)).toBe(true);
  }

  async function allSynced(count: number): Promise<void> {
    await eventually(async () => {
      const { rows } = await sql.query('SELECT state, count(*)::int AS n FROM ledger.leads GROUP BY state');
      expect(rows).toEqual([{ state: 'synced', n: count }]);
    }, 60_000);
  }

  it('keep to the rate and the concurrency together: never more than 1.1 times the rate in any second', async () => {
    const times: number[] = [];
    let underWay = 0;
    let most = 0;
    model.latencyMs = 200;
    model.brain = (...prompt) => {
      times.push(performance.now());
      return sensibleBrain(...prompt);
    };
    // The delays of the test's own process, by which its measured times are late.
    let [lag, last] = [0, performance.now()];
    const calls = setInterval(() => {
      lag = Math.max(lag, performance.now() - last - 5);
      last = performance.now();
      underWay = model.received.length - times.length; // received, not yet answered
      most = Math.max(most, underWay);
    }, 5);
    undo.push(async () => clearInterval(calls));
    const api = await start({ AI_RATE_LIMIT_PER_SECOND: '20', AI_CONCURRENCY: '6' });
    await post(api, 90);
    await allSynced(90);
    expect(times).toHaveLength(90);
    const busiest = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
    expect(busiest).toBeLessThanOrEqual(22 + Math.floor((lag * 20) / 1000));
    expect(most).toBeLessThanOrEqual(6);
    const { rows } = await sql.query(`SELECT DISTINCT enrichment->>'scoreSource' AS source FROM ledger.leads`);
    expect(rows).toEqual([{ source: 'ai' }]);
  });

  it('bring every lead to the CRM though the model fails a third of the time, in every way it knows, and score all once it is well', async () => {
    // Excludes faults that last for hours, and refusals of a text, after which it is not sent again.
    const lasting = new Set(['wrong-key', 'model-gone', 'no-credit', 'daily-quota', 'refused', 'blocked']);
    model.sometimes(
      0.3,
      ALL_FAULTS.filter(({ kind }) => !lasting.has(kind)),
    );
    const api = await start({
      AI_RATE_LIMIT_PER_SECOND: '300',
      AI_TIMEOUT_MS: '300',
      AI_DEADLINE_SECONDS: '10',
      RETRY_BASE_MS: '50',
      LEASE_MS: '3000',
    });
    await post(api, 1000);
    await allSynced(1000);
    const { rows: firstTimes } = await sql.query('SELECT id, synced_at FROM ledger.leads ORDER BY id');
    // A real score is not marked for a re-score; every replacement of one is.
    const { rows: wrong } = await sql.query(
      `SELECT id FROM ledger.leads WHERE (enrichment->>'needsRescore')::boolean <> (enrichment->>'scoreSource' <> 'ai')`,
    );
    expect(wrong).toEqual([]);

    model.always(null);
    await eventually(async () => {
      const { rows } = await sql.query(
        `SELECT enrichment->>'scoreSource' AS source, crm_owed AS owed, count(*)::int AS n FROM ledger.leads GROUP BY 1, 2`,
      );
      expect(rows).toEqual([{ source: 'ai', owed: false, n: 1000 }]);
    }, 90_000);
    const { rows: rescored } = await sql.query<{ leads: number; stoodIn: number; most: number }>(
      `SELECT count(*)::int AS leads, coalesce(max(n), 0)::int AS most,
         (SELECT count(*)::int FROM ledger.events WHERE kind = 'enriched' AND detail->>'scoreSource' <> 'ai') AS "stoodIn"
       FROM (SELECT lead_id, count(*) AS n FROM ledger.events WHERE kind = 'rescored' GROUP BY lead_id) r`,
    );
    expect(rescored[0]!.stoodIn).toBeGreaterThan(20);
    expect(rescored).toEqual([{ leads: rescored[0]!.stoodIn, stoodIn: rescored[0]!.stoodIn, most: 1 }]);
    const { rows: crm } = await sql.query(`SELECT score_source AS source, count(*)::int AS n FROM mock_crm.leads GROUP BY 1`);
    expect(crm).toEqual([{ source: 'ai', n: 1000 }]);
    expect((await sql.query('SELECT id, synced_at FROM ledger.leads ORDER BY id')).rows).toEqual(firstTimes);
  }, 180_000);
});
