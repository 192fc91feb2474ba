import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { askOps, OPERATORS, ops, SECRET } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;

beforeAll(async () => {
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', SWEEP_INTERVAL_MS: '500', ...OPERATORS });
});
beforeEach(async () => {
  await sql.query('TRUNCATE ledger.leads, ledger.events, ledger.operator_acts, mock_crm.leads CASCADE');
  // A CRM that refuses certain records.
  await sql.query('ALTER TABLE mock_crm.leads DROP CONSTRAINT IF EXISTS likes_names');
  await sql.query(`ALTER TABLE mock_crm.leads ADD CONSTRAINT likes_names CHECK (last_name NOT LIKE 'Refused%')`);
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
});

const ask = (method: string, path: string, body?: unknown) => askOps(service, method, path, body);

async function post(email: string, name: string): Promise<string> {
  const { body } = await service.post(
    { email, name, campaign_id: 'dlq', title: 'VP' },
    { headers: { 'x-webhook-secret': SECRET } },
  );
  return body.leadId;
}

async function inState(id: string, state: string) {
  return eventually(async () => {
    const { body } = await ask('GET', `/ops/leads/${id}`);
    expect(body.state).toBe(state);
    return body;
  });
}

describe('a dead letter', () => {
  it('shows its error, is corrected, replayed and synced, and its history names each operator', async () => {
    const id = await post('ann@acme.com', 'Ann Refused');
    await post('fine@acme.com', 'Bob Fine');
    await inState(id, 'dead');
    const { body: page } = await ask('GET', '/ops/dead-letters');
    expect(page.items).toHaveLength(1);
    expect(page.items[0]).toMatchObject({ id, stage: 'crm-sync', code: 'CRM_RECORD_REJECTED', class: 'permanent', attempts: 1 });
    expect((await ask('GET', '/ops/dead-letters?code=OTHER')).body.items).toEqual([]);
    expect((await ask('GET', '/ops/dead-letters/summary')).body).toMatchObject({
      total: 1,
      items: [{ stage: 'crm-sync', code: 'CRM_RECORD_REJECTED', count: 1, example: id }],
    });
    const metrics = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${'t'.repeat(40)}` } });
    expect(await metrics.text()).toMatch(/revenueflow_dead_letters\{stage="crm-sync",code="CRM_RECORD_REJECTED"\} 1/);

    // Replayed unchanged, it becomes a dead letter again, with its history.
    expect((await ask('POST', `/ops/dead-letters/${id}/replay`)).status).toBe(202);
    await eventually(async () => {
      const { body } = await ask('GET', `/ops/leads/${id}`);
      expect(body.events.filter(({ kind }) => kind === 'dead-lettered')).toHaveLength(2);
    });
    const edited = await ask('PATCH', `/ops/dead-letters/${id}`, { name: 'Ann Accepted', title: null, company: 'Acme' });
    expect([edited.status, edited.body]).toEqual([200, { status: 'edited', leadId: id, revision: 2 }]);
    expect((await ask('GET', `/ops/leads/${id}`)).body.state).toBe('dead');
    expect((await ask('POST', `/ops/dead-letters/${id}/replay`)).status).toBe(202);
    const lead = await inState(id, 'synced');
    expect(lead.events.map(({ kind }) => kind).join(' ')).toBe(
      'received enriched dead-lettered replayed dead-lettered edited replayed enriched synced',
    );
    expect(lead.events.filter(({ detail }) => detail['by'] !== undefined).map(({ detail }) => detail['by'])).toEqual(
      Array(3).fill('ann'),
    );
    expect(lead.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const { rows } = await sql.query(`SELECT last_name, company FROM mock_crm.leads WHERE email = 'ann@acme.com'`);
    expect(rows).toEqual([{ last_name: 'Accepted', company: 'Acme' }]);
  });

  it('with a wrong address becomes another lead, and is discarded', async () => {
    const id = await post('typo@acme.con', 'Cleo Refused');
    await inState(id, 'dead');
    const { body } = await ask('PATCH', `/ops/dead-letters/${id}`, { email: 'typo@acme.com', name: 'Cleo' });
    expect(body).toMatchObject({ status: 'replaced' });
    expect(body.leadId).not.toBe(id);
    await inState(body.leadId, 'synced');
    const old = await inState(id, 'discarded');
    expect(old.events.at(-1)).toMatchObject({ kind: 'discarded', detail: { by: 'ann', reason: `corrected as ${body.leadId}` } });
  });

  it('is corrected under the rules of a webhook', async () => {
    const id = await post('dan@acme.com', 'Dan Refused');
    await inState(id, 'dead');
    const { status, body } = await ask('PATCH', `/ops/dead-letters/${id}`, { email: 'no address' });
    expect([status, body.code, body.errors[0]!.path]).toEqual([400, 'INVALID_LEAD', 'email']);
    expect((await ask('POST', `/ops/dead-letters/${id}/discard`, {})).status).toBe(400);
    expect((await ask('POST', '/ops/dead-letters/nonsense/replay')).status).toBe(404);
    const viewer = await askOps(service, 'POST', `/ops/dead-letters/${id}/replay`, undefined, 'v'.repeat(40));
    expect(viewer.status).toBe(403);
  });

  it('re-sent with other content is processed again', async () => {
    const id = await post('eve@acme.com', 'Eve Refused');
    await inState(id, 'dead');
    await post('eve@acme.com', 'Eve Fine');
    expect((await inState(id, 'synced')).revision).toBe(2);
  });
});

describe('ops dlq', () => {
  it('lists by what went wrong, replays many at a rate that holds, and discards with a reason', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, (_, index) => post(`many${index}@acme.com`, `N Refused${index}`)));
    for (const id of ids) await inState(id, 'dead');
    expect((await ops(service, 'dlq', 'list')).stdout).toMatch(/6.*crm-sync.*CRM_RECORD_REJECTED.*permanent/);
    expect((await ops(service, 'dlq', 'list', '--each')).stdout.match(/CRM_RECORD_REJECTED/g)).toHaveLength(6);
    expect((await ops(service, 'dlq', 'show', ids[0]!)).stdout).toMatch(
      /died .* in crm-sync after 1 attempt\nCRM_RECORD_REJECTED/,
    );

    await sql.query('ALTER TABLE mock_crm.leads DROP CONSTRAINT likes_names');
    const nothing = await ops(service, 'dlq', 'replay');
    expect([nothing.code, nothing.stderr]).toEqual([2, 'Name a lead, or add --code <code> or --all.\n']);
    const replay = await ops(service, 'dlq', 'replay', '--code', 'CRM_RECORD_REJECTED', '--limit', '5', '--per-second', '4');
    expect(replay.stdout).toBe('Replay queued for 5 leads, 4 per second.\n');
    await eventually(async () => {
      const { rows } = await sql.query(`SELECT state, count(*)::int AS n FROM ledger.leads GROUP BY state ORDER BY state`);
      expect(rows).toEqual([
        { state: 'dead', n: 1 },
        { state: 'synced', n: 5 },
      ]);
    });
    // Each has its own time, and none ran before it.
    const { rows: spread } = await sql.query<{ due: number; early: boolean }>(
      `SELECT extract(epoch FROM (e.detail->>'dueAt')::timestamptz - min((e.detail->>'dueAt')::timestamptz) OVER ())::float AS due,
         l.synced_at < (e.detail->>'dueAt')::timestamptz AS early
       FROM ledger.events e JOIN ledger.leads l ON l.id = e.lead_id WHERE e.kind = 'replayed' ORDER BY 1`,
    );
    expect(spread.map(({ due }) => Math.round(due * 100) / 100)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(spread.some(({ early }) => early)).toBe(false);
    const { rows: acts } = await sql.query('SELECT who, act, detail FROM ledger.operator_acts');
    expect(acts).toEqual([{ who: 'ann', act: 'replay', detail: { code: 'CRM_RECORD_REJECTED', count: 5, perSecond: 4 } }]);

    const left = (await ask('GET', '/ops/dead-letters')).body.items[0]!.id;
    const edit = await ops(service, 'dlq', 'edit', left, '--set', 'name=Nora New', 'title=CEO', '--replay');
    expect(edit.stdout).toBe('Updated. Replay queued.\n');
    await inState(left, 'synced');
    const twice = await ops(service, 'dlq', 'discard', left, '--reason', 'test');
    expect([twice.code, twice.stderr]).toEqual([
      3,
      expect.stringMatching(/^No dead letter has this id\. `revenueflow dead-letters list` lists them/),
    ]);
    expect((await ops(service, 'dlq', 'list')).stdout).toBe('There are no dead letters.\n');
  });
});

describe('ops queues', () => {
  it('pauses a stage, which holds over a restart, and resumes it', async () => {
    expect((await ops(service, 'queues', 'pause', 'crm-sync')).stdout).toBe('crm-sync is paused. Leads wait; none is lost.\n');
    const id = await post('paused@acme.com', 'Pat Paused');
    await inState(id, 'enriched');
    expect((await ops(service, 'queues')).stdout).toMatch(/crm-sync .*paused by ann.*closed/);
    await service.stop();
    service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS });
    const later = await post('later@acme.com', 'Lee Later');
    await inState(later, 'enriched');
    expect((await ask('GET', `/ops/leads/${id}`)).body.state).toBe('enriched');
    expect((await ops(service, 'queues', 'resume', 'crm-sync')).stdout).toBe('Resumed crm-sync.\n');
    await inState(id, 'synced');
    await inState(later, 'synced');
    expect((await ask('POST', '/ops/queues/other/pause')).status).toBe(404);
  });
});
