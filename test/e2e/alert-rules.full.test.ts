import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import { parse } from 'yaml';
import { Proxy } from '../chaos/proxy.js';
import { freshDatabase, freshRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startAlertSink } from '../support/alert-sink.js';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from '../support/fakes/marketo/index.js';
import { startFakeOpenAiCompatible } from '../support/fakes/openai-compatible.js';
import { hasPrometheus, Prometheus, type FiringAlert } from '../support/prometheus.js';
import { salesforceWorld } from '../support/salesforce-world.js';
import { startProcess, type RunningProcess } from '../support/service.js';

interface Rules {
  groups: { rules: { alert: string; expr: string; for?: string }[] }[];
}

const TOKEN = 'v'.repeat(32);
const OPERATOR = 'o'.repeat(32);
const SLA_SECONDS = 4;
/** The seconds that the rules wait for, and what this test waits for instead. */
const SHORTER_TIMES: Record<string, string> = { '> 300': '> 5', '> 3600': '> 6' };

/** The shipped rules with all their conditions, and shorter times. */
function withShorterTimes(): Rules {
  const rules = parse(readFileSync(join(import.meta.dirname, '../../deploy/prometheus/alerts.yml'), 'utf8')) as Rules;
  for (const [said, instead] of Object.entries(SHORTER_TIMES)) {
    const slow = rules.groups.flatMap((group) => group.rules).filter(({ expr }) => expr.endsWith(said));
    expect(slow, `a rule that says ${said}`).toHaveLength(1);
    slow[0]!.expr = slow[0]!.expr.replace(said, instead);
  }
  for (const rule of rules.groups.flatMap((group) => group.rules)) if (rule.for) rule.for = '1s';
  return rules;
}

describe.skipIf(!hasPrometheus())('a Prometheus that watches an api and a worker (needs prometheus)', () => {
  const undo: (() => Promise<unknown>)[] = [];
  const told = new Map<string, FiringAlert>();
  let prometheus: Prometheus;

  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  });

  /** Waits until they all fire. */
  const fires = (...names: string[]) =>
    eventually(async () => {
      const firing = await prometheus.firing();
      for (const alert of firing) told.set(alert.labels['alertname']!, alert);
      expect(firing.map(({ labels }) => labels['alertname'])).toEqual(expect.arrayContaining(names));
    });
  const isOver = (name: string) =>
    eventually(async () => expect((await prometheus.firing()).map(({ labels }) => labels['alertname'])).not.toContain(name));

  it('sees every alert fire by its condition, and none before', async () => {
    const database = await freshDatabase();
    undo.push(() => database.drop());
    const redis = await freshRedis();
    const postgres = await Proxy.start(Number(new URL(database.url).port));
    let postgresIsUp = true;
    undo.push(async () => postgresIsUp && postgres.stop());
    const model = await startFakeOpenAiCompatible();
    undo.push(() => model.stop());
    const { fake: org, env: salesforce, close } = await salesforceWorld({ dailyLimit: 1000 });
    undo.push(close);
    const sink = await startAlertSink();
    undo.push(() => sink.stop());
    sink.status = 404;
    const marketo = await FakeMarketo.start();
    undo.push(() => marketo.stop());
    const env = {
      ...salesforce,
      ALERT_WEBHOOK_URL: sink.url,
      MARKETO_BASE_URL: marketo.url,
      MARKETO_CLIENT_ID: FAKE_MARKETO_ID,
      MARKETO_CLIENT_SECRET: FAKE_MARKETO_SECRET,
      DATABASE_URL: postgres.through(database.url),
      ...(redis ? { REDIS_URL: redis.url } : { QUEUE_BACKEND: 'postgres' }),
      SPOOL: 'off',
      OPS_TOKENS: `prometheus:viewer:${TOKEN},ann:operator:${OPERATOR}`,
      AI_PROVIDER: 'openai-compatible',
      OPENAI_COMPATIBLE_BASE_URL: `${model.url}/v1`,
      OPENAI_COMPATIBLE_MODEL: 'fake',
      AI_DAILY_TOKEN_BUDGET: '100',
      AI_DEADLINE_SECONDS: '1',
      SPEED_TO_LEAD_SLA_SECONDS: String(SLA_SECONDS),
      SWEEP_INTERVAL_MS: '500',
      RETRY_BASE_MS: '100',
    };
    const processes: RunningProcess[] = [];
    undo.push(() => Promise.all(processes.map((running) => running.kill())));
    const start = async (ROLE: string) => {
      const running = await startProcess({ ...env, ROLE });
      processes.push(running);
      return running;
    };
    const [api, worker] = [await start('api'), await start('worker')];
    prometheus = await Prometheus.start(withShorterTimes(), [new URL(api.url).host, new URL(worker.url).host], TOKEN);
    undo.push(() => prometheus.stop());
    const operate = (path: string) =>
      fetch(`${api.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${OPERATOR}` } });
    const post = (email: string) => api.post({ email, campaign_id: 'c', message: 'Please send a quote' });
    const reject = (count: number) => Promise.all(Array.from({ length: count }, () => api.post('{"email": , }')));

    // Both processes are scraped, and the alerts about missing data have ended.
    await eventually(async () => expect(await prometheus.value('sum(up)')).toBe(2));
    await isOver('RevenueFlowSilent');
    await eventually(async () => expect(await prometheus.value('count_over_time(up[1m])')).toBeGreaterThan(5));
    await eventually(async () => expect(await prometheus.firing()).toEqual([]));

    // One score uses the daily budget, one record is refused, other apps use the org's API calls, and a template
    // breaks.
    org.setDailyUsed(850);
    await post('ann@acme.com');
    await post(`${'b'.repeat(60)}@${'acme-'.repeat(6)}inc.com`);
    await reject(6);
    await fires('RevenueFlowDeadLetters', 'RevenueFlowCrmApiBudget', 'RevenueFlowAiBudget', 'RevenueFlowAlertsFailing');
    await reject(6);
    await fires('RevenueFlowRejections');
    expect(told.get('RevenueFlowDeadLetters')!.labels).toMatchObject({ stage: 'crm-sync', code: 'CRM_RECORD_REJECTED' });
    org.setDailyUsed(0);

    // A webhook call in Marketo's log has no lead here.
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    await sql.query("INSERT INTO ledger.marketo_calls VALUES ('lost', 1042, 987, now(), true, 'missing')");
    await sql.end();
    await fires('RevenueFlowMarketoMissing');

    // The CRM goes down and leads become old; an operator pauses the other stage. The CRM returns, and the leads are
    // late.
    org.setFaults({ down: true });
    await Promise.all(['cleo', 'dan', 'eve', 'fay', 'gus', 'hal'].map((name) => post(`${name}@acme.com`)));
    await fires('RevenueFlowBreakerOpen', 'RevenueFlowSlaAtRisk', 'RevenueFlowQueueAge');
    expect((await operate('/ops/queues/enrichment/pause')).ok).toBe(true);
    await fires('RevenueFlowStagePaused');
    org.setFaults({});
    await fires('RevenueFlowSlaBreached');
    await isOver('RevenueFlowBreakerOpen');

    // PostgreSQL goes down; there is no spool.
    postgresIsUp = false;
    await postgres.stop();
    await eventually(async () => expect((await post('ivy@acme.com')).status).toBe(503));
    await fires('RevenueFlowLeadsRefused', 'RevenueFlowSpoolInUse', 'RevenueFlowSweeperIdle');

    // Finally the service itself stops.
    await Promise.all(processes.map((running) => running.kill()));
    await fires('RevenueFlowSilent');

    const all = withShorterTimes().groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect([...told.keys()].toSorted()).toEqual(all.toSorted());
    for (const { annotations } of told.values()) expect(annotations['description']).not.toMatch(/NaN|no value|error/i);
  }, 150_000);
});
