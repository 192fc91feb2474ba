import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { startAlertSink, type AlertSink } from '../support/alert-sink.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { askOps, OPERATORS, ops, SECRET } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let sink: AlertSink;
let api: RunningProcess;
let worker: RunningProcess;

/** As in production: one process takes webhooks, another processes leads. */
beforeAll(async () => {
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  sink = await startAlertSink();
  const env = {
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    SWEEP_INTERVAL_MS: '300',
    LEASE_MS: '1000',
    ALERT_WEBHOOK_URL: sink.url,
    HOT_LEAD_SCORE: '70',
    ...OPERATORS,
  };
  [api, worker] = await Promise.all([
    startProcess({ ...env, ROLE: 'api' }),
    startProcess({ ...env, ROLE: 'worker', SPEED_TO_LEAD_SLA_SECONDS: '300' }),
  ]);
});
afterAll(async () => {
  await Promise.all([api.stop(), worker.stop()]);
  await sink.stop();
  await sql.end();
  await database.drop();
});

async function post(fields: Record<string, string>): Promise<string> {
  return (await api.post({ campaign_id: 'launch', ...fields }, { headers: { 'x-webhook-secret': SECRET } })).body.leadId;
}

const synced = (n: number) =>
  eventually(async () => {
    const { rows } = await sql.query("SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'synced'");
    expect(rows).toEqual([{ n }]);
  });

/** Waits until the worker has read the shared state, which it does after its heartbeat. */
async function workerHasReadState(): Promise<void> {
  const looks = new Set<string>();
  await eventually(async () => {
    const { rows } = await sql.query<{ looks: string }>("SELECT string_agg(seen_at::text, ' ') AS looks FROM flow.workers");
    looks.add(rows[0]!.looks);
    expect(looks.size).toBeGreaterThan(2);
  });
}

describe('GET /ops/sla', () => {
  it('reports how fast leads are, and the CLI draws it', async () => {
    for (let n = 0; n < 12; n++) await post({ email: `p${n}@acme.com`, title: 'Analyst' });
    await synced(12);
    await eventually(async () => {
      const { body } = await askOps(api, 'GET', '/ops/sla?minutes=5');
      expect(body).toMatchObject({
        slaSeconds: 300,
        windowMinutes: 5,
        speedToLead: { count: 12, p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
        breaches: 0,
        backlog: { enrichment: 0, 'crm-sync': 0 },
        forecastSeconds: 0,
        stages: [
          {
            name: 'enrichment',
            backlog: 0,
            oldestSeconds: 0,
            forecastSeconds: 0,
            heldBackBy: null,
            perSecond: expect.any(Number),
          },
          { name: 'crm-sync', backlog: 0, oldestSeconds: 0, forecastSeconds: 0, heldBackBy: null },
        ],
      });
    });
    for (const minutes of ['0', '1441', 'x']) expect((await askOps(api, 'GET', `/ops/sla?minutes=${minutes}`)).status).toBe(400);

    const text = (await ops(api, 'sla')).stdout;
    expect(text).toMatch(/^12 leads reached the CRM in the last 60 minutes\. The SLA is 5 min\.\nNo lead was later than that\./);
    expect(text).toMatch(/speed to lead[^]*up to .* │ +\d+ █/);
    expect(JSON.parse((await ops(api, 'sla', '--json')).stdout)).toMatchObject({ speedToLead: { count: 12 } });
  });

  it('counts late leads as breaches in every stage, and says what blocks them', async () => {
    await askOps(api, 'POST', '/ops/queues/enrichment/pause');
    await eventually(async () => {
      expect((await askOps(api, 'GET', '/ops/sla')).body).toMatchObject({ stages: [{ heldBackBy: 'pause' }, {}] });
    });
    await workerHasReadState();
    const id = await post({ email: 'late@acme.com', title: 'Analyst' });
    await sql.query(
      "UPDATE ledger.leads SET received_at = now() - interval '10 minutes', content_at = now() - interval '10 minutes' WHERE id = $1",
      [id],
    );
    await eventually(async () => {
      const { body } = await askOps(api, 'GET', '/ops/sla');
      expect(body).toMatchObject({ breaches: 1, breached: { synced: 0, waiting: 1, dead: 0 }, backlog: { enrichment: 1 } });
    });
    expect((await ops(api, 'sla')).stdout).toMatch(
      /1 breach: 0 arrived late, 1 late and still waiting, 0 dead-lettered\.[^]*10(?:\.\d)? min[^]*pause/,
    );
    await eventually(() => expect(sink.texts.some((text) => text.startsWith('Speed to lead at risk'))).toBe(true));
    await askOps(api, 'POST', '/ops/queues/enrichment/resume');
    await synced(13);
    await eventually(async () => {
      const { body: after } = await askOps(api, 'GET', '/ops/sla');
      expect(after).toMatchObject({ breaches: 1, breached: { synced: 1, waiting: 0 } });
    });
    // A process caches the backlog for some seconds.
    await eventually(async () => {
      const metrics = await (
        await fetch(`${worker.url}/metrics`, { headers: { authorization: `Bearer ${'t'.repeat(40)}` } })
      ).text();
      expect(metrics).toMatch(/revenueflow_sla_breaches_total 1\n/);
      expect(metrics).toMatch(/revenueflow_speed_to_lead_seconds_count 13\n/);
      expect(metrics).toMatch(/revenueflow_backlog\{stage="enrichment"\} 0\n/);
      expect(metrics).toMatch(/revenueflow_oldest_seconds\{stage="crm-sync"\} 0\n/);
      expect(metrics).toMatch(/revenueflow_forecast_seconds\{stage="crm-sync"\} 0\n/);
    });
    // A revision of a lead that is in the CRM is not a second lead.
    await post({ email: 'late@acme.com', title: 'Head of Analysis' });
    await eventually(async () =>
      expect((await askOps(api, 'GET', `/ops/leads/${id}`)).body).toMatchObject({ state: 'synced', revision: 2 }),
    );
    await eventually(async () => {
      expect((await askOps(api, 'GET', '/ops/sla')).body).toMatchObject({ speedToLead: { count: 13 }, breaches: 1 });
    });
  });
});

describe('an alert', () => {
  it('alerts a hot lead once for two processes, without personal data', async () => {
    const id = await post({
      email: 'zoe.hot@hotcorp.com',
      name: 'Zoe Hotfield',
      title: 'VP Sales',
      company: 'Hotcorp',
      phone: '+49 30 5550123',
      message: 'We want a demo and pricing for 200 users this quarter.',
    });
    await eventually(() => expect(sink.texts.filter((text) => text.includes(id))).toHaveLength(1));
    const told = sink.texts.find((text) => text.includes(id))!;
    expect(told).toMatch(new RegExp(`^Hot lead: fit \\d+, intent high, campaign launch: /ops/leads/${id}$`, 'm'));
    expect(told).not.toMatch(/zoe|hot@|hotcorp|hotfield|555/);
  });
});

describe('an api without a worker', () => {
  it('alerts that leads wait while no worker runs', async () => {
    const [own, away] = await Promise.all([freshDatabase(), startAlertSink()]);
    const alone = await startProcess({
      DATABASE_URL: own.url,
      QUEUE_BACKEND: 'postgres',
      ROLE: 'api',
      SWEEP_INTERVAL_MS: '200',
      SPEED_TO_LEAD_SLA_SECONDS: '1',
      ALERT_WEBHOOK_URL: away.url,
    });
    try {
      await alone.post({ email: 'waits@acme.com', campaign_id: 'c' });
      await eventually(() => expect(away.texts).toHaveLength(1));
      expect(away.texts[0]).toMatch(
        /^Speed to lead at risk: the SLA is 1 s, .*Waiting: 1 for enrichment, 0 for crm-sync; no rate to predict when they are processed/,
      );
    } finally {
      await alone.stop();
      await away.stop();
      await own.drop();
    }
  });
});

describe('a person', () => {
  const cli = (...args: string[]) => ops(api, ...args);

  it('is exported and erased, with a receipt that the CRM’s part completes', async () => {
    await post({ email: 'ines@acme.com', name: 'Ines Gone', title: 'CFO' });
    await post({ email: 'ines@acme.com', campaign_id: 'second' });
    await api.post('{"email":"Ines@acme.com","name":,', { headers: { 'x-webhook-secret': SECRET } });
    await synced(16);
    const held = JSON.parse((await cli('person', 'export', 'INES@acme.com')).stdout) as Record<string, unknown[]>;
    expect([held['leads']!.length, held['rejections']!.length, held['mockCrm']!.length]).toEqual([2, 1, 1]);

    const erased = JSON.parse((await cli('person', 'erase', 'ines@acme.com', '--json')).stdout);
    expect(erased).toMatchObject({ by: 'ann', erased: { leads: 2, rejections: 1, spool: 0 } });
    // The leads were fresh, so the CRM is called once more when no run can be in progress any more.
    await eventually(async () => {
      const receipt = JSON.parse((await cli('person', 'receipt', erased.receipt, '--json')).stdout);
      expect(receipt).toMatchObject({ status: 'done', crm: { status: 'done' }, erased: { crm: 3 } });
    });
    expect((await cli('person', 'receipt', erased.receipt)).stdout).toMatch(
      /Receipt .*, by ann[^]*leads +│ 2[^]*Done, in the CRM too\./,
    );

    // No table of the database contains the address.
    const { rows: tables } = await sql.query<{ name: string }>(
      "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables WHERE table_schema IN ('ledger', 'flow', 'mock_crm', 'bullmq') AND table_type = 'BASE TABLE'",
    );
    expect(tables.length).toBeGreaterThan(15);
    for (const { name } of tables) {
      const { rows } = await sql.query(`SELECT t::text AS row FROM ${name} t WHERE t::text ILIKE ANY ($1)`, [
        ['%ines@acme%', '%Gone%', `%${personKeyOf('ines@acme.com')}%`, `%${Buffer.from('Ines@').toString('hex')}%`],
      ]);
      expect([name, rows]).toEqual([name, []]);
    }
    expect((await cli('lead', 'ines@acme.com')).stderr).toMatch(/no lead with this e-mail/);
    for (const process of [api, worker]) expect(process.output()).not.toMatch(/ines|Gone/i);

    await post({ email: 'ines@acme.com', title: 'CEO' });
    await synced(15);
    const [journey] = JSON.parse((await cli('lead', 'ines@acme.com', '--json')).stdout);
    expect(journey).toMatchObject({ revision: 1, name: null, attributes: { title: 'CEO' }, state: 'synced' });
  });

  it('is an operator’s business, and an address', async () => {
    for (const act of ['export', 'erase']) {
      expect((await askOps(api, 'POST', `/ops/people/${act}`, { email: 'p1@acme.com' }, 'v'.repeat(40))).status).toBe(403);
      expect((await askOps(api, 'POST', `/ops/people/${act}`, { email: 'nobody' })).status).toBe(400);
      expect((await askOps(api, 'POST', `/ops/people/${act}`)).status).toBe(400);
    }
    expect((await askOps(api, 'GET', '/ops/people/erasures/nonsense')).status).toBe(404);
    const { rows } = await sql.query("SELECT who, act FROM ledger.operator_acts WHERE act IN ('export', 'erase') ORDER BY id");
    expect(rows).toEqual([
      { who: 'ann', act: 'export' },
      { who: 'ann', act: 'erase' },
    ]);
  });
});
