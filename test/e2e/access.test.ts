import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../src/ops/openapi/document.js';
import { freshDatabase } from '../support/database.js';
import {
  fillService,
  operationCalled,
  requestsOn,
  send,
  WITH_MARKETO,
  WITH_ROUTING,
  type Filled,
} from '../support/every-operation.js';
import { askOps, OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const VIEWER = 'v'.repeat(40);

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let filled: Filled;

beforeAll(async () => {
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    ...WITH_MARKETO,
    ...WITH_ROUTING,
    ...OPERATORS,
  });
  filled = await fillService(service, sql);
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
});

/** Another test checks that the document has all routes. */
const guarded = OPERATIONS.filter(({ access }) => access === 'viewer' || access === 'operator');
const changing = guarded.filter(({ access }) => access === 'operator');

const pathOf = (id: string) => requestsOn(filled)[id]![0]!;
const statusOf = async (id: string, token: string | null) => {
  const { path, body } = pathOf(id);
  return (await send(service, operationCalled(id), path, token, body)).status;
};

describe('a route of the operators', () => {
  it.each(guarded.map(({ id, access }) => [id, access]))(
    '%s refuses requests without a token and with a webhook secret',
    async (id) => {
      for (const token of [null, SECRET, 'x'.repeat(40), '']) expect(await statusOf(id, token)).toBe(401);
    },
  );

  it.each(guarded.filter(({ access }) => access === 'viewer').map(({ id }) => [id]))('%s is for viewers', async (id) => {
    expect(await statusOf(id, VIEWER)).toBe(200);
  });

  it.each(changing.map(({ id }) => [id]))('%s is for operators only', async (id) => {
    expect(await statusOf(id, VIEWER)).toBe(403);
  });

  /** A body keeps addresses and texts of leads out of access logs. */
  const READING_POSTS = new Set([
    'searchLeads',
    'scoreLead',
    'tryScoringProfile',
    'simulateRouting',
    'checkRoutingRules',
    'dryRunRouting',
  ]);

  it('that changes something is none that may be read', () => {
    for (const { method, access, id } of guarded) {
      expect(access, id).toBe(method === 'get' || READING_POSTS.has(id) ? 'viewer' : 'operator');
    }
  });

  it('takes a password in the place of a bearer token only where a browser needs it', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`any:${TOKEN}`).toString('base64')}` };
    expect((await service.get('/docs', basic)).status).toBe(200);
    expect((await service.get('/ops/leads', basic)).status).toBe(401);
  });
});

describe('a call that would do more than was meant', () => {
  const ask = (method: string, path: string, body?: unknown) => askOps(service, method, path, body);
  const events = async () => (await sql.query<{ n: number }>('SELECT count(*)::int AS n FROM ledger.events')).rows[0]!.n;

  it('is refused and changes nothing: a bulk replay without a filter, or with one that is misspelt', async () => {
    const before = await events();
    for (const path of ['/ops/dead-letters/replay', '/ops/rejections/replay']) {
      for (const body of [undefined, {}, { limit: 1 }, { all: false }]) expect((await ask('POST', path, body)).status).toBe(400);
    }
    expect((await ask('POST', '/ops/dead-letters/replay', { all: true, code: 'CRM_RECORD_REJECTED' })).status).toBe(400);
    // As from a variable that is not set.
    expect((await ask('POST', '/ops/dead-letters/replay', { code: '' })).status).toBe(400);
    const { status, body } = await ask('POST', '/ops/dead-letters/replay', { codee: 'CRM_RECORD_REJECTED' });
    expect([status, body.errors[0]]).toEqual([400, { path: 'codee', message: expect.stringContaining('did you mean code?') }]);
    expect((await ask('POST', '/ops/queues/crm-sync/pause?hours=1')).status).toBe(400);
    expect(await events()).toBe(before);
  });

  it('is refused where an unknown filter would widen it to other leads', async () => {
    const { body } = await ask('POST', '/ops/leads/search', { emial: 'synced@acme.com' });
    expect(body.errors).toEqual([{ path: 'emial', message: expect.stringContaining('did you mean email?') }]);
    expect((await ask('POST', '/ops/leads/search', { email: '' })).status).toBe(400);
    expect((await ask('GET', '/ops/leads?campaignId=walk')).body.items).toHaveLength(6);
    expect((await ask('GET', '/ops/leads?campaignId=other')).body.items).toHaveLength(0);
    expect((await ask('GET', '/ops/leads?campaignId=walk&campaign_id=other')).status).toBe(400);
  });

  it('is an edit of nothing: it makes no revision and keeps the score', async () => {
    const path = `/ops/dead-letters/${filled.dead[4]}`;
    const scored = async () => (await ask('GET', `/ops/leads/${filled.dead[4]}`)).body.fitScore;
    const [before, score] = [await events(), await scored()];
    expect(score).toEqual(expect.any(Number));
    for (const body of [undefined, {}, { name: 'Bob Refused5' }, { title: 'VP', campaignId: 'walk' }]) {
      expect((await ask('PATCH', path, body)).body).toEqual({ status: 'unchanged', leadId: filled.dead[4], revision: 1 });
    }
    expect([await events(), await scored()]).toEqual([before, score]);
  });

  it('has the id of its request in the problem, for the log', async () => {
    const answer = await send(service, operationCalled('listLeads'), '/ops/leads?limit=0', TOKEN);
    expect(await answer.json()).toMatchObject({ requestId: answer.headers.get('x-request-id') });
  });
});

describe('a list of leads', () => {
  it('is light unless its fields are named', async () => {
    const list = async (query: string) => (await askOps(service, 'GET', `/ops/leads?campaign_id=walk&${query}`)).body;
    const [item] = (await list('limit=1')).items;
    expect(item).toMatchObject({ id: expect.any(String), email: expect.any(String), fitScore: expect.any(Number) });
    expect(item).not.toHaveProperty('evidence');
    const [chosen] = (await list('limit=1&fields=email,%20evidence')).items;
    expect(Object.keys(chosen!).toSorted()).toEqual(['email', 'evidence', 'id']);
    expect((await list('fields=emial')).errors[0]!.message).toMatch(/^must be one of id, state, /);
    const body = { email: 'synced@acme.com', fields: ['state'] };
    expect((await askOps(service, 'POST', '/ops/leads/search', body)).body.items).toEqual([
      { id: filled.synced, state: 'synced' },
    ]);
  });
});

describe('the filters of a list of leads', () => {
  it.each([
    ['minScore=1', 6],
    ['minScore=100', 0],
    ['q=fine', 1],
    ['q=REFUSED', 5],
    ['q=refused%25', 0],
    ['from=2020-01-01', 6],
    ['to=2020-01-01', 0],
    ['from=2020-01-01&to=2100-01-01T00:00:00%2B02:00', 6],
    ['intent=none', 0],
    ['state=synced&q=fine', 1],
  ])('%s', async (query, count) => {
    const { status, body } = await askOps(service, 'GET', `/ops/leads?campaign_id=walk&${query}`);
    expect([status, body.items?.length]).toEqual([200, count]);
  });

  it('sort it, either way', async () => {
    const ids = async (sort: string) =>
      (await askOps(service, 'GET', `/ops/leads?campaign_id=walk&fields=id&sort=${sort}`)).body.items.map(({ id }) => id);
    expect(await ids('oldest')).toEqual((await ids('newest')).toReversed());
  });

  it.each([
    ['minScore=101', 'must be a whole number from 0 to 100'],
    ['intent=hot', 'must be one of high, medium, low, none, unknown'],
    ['from=yesterday', 'must be a time such as 2026-11-24T04:00Z'],
    ['from=2026-11-25&to=2026-11-24', 'must be later than from'],
    ['q=', 'must not be empty'],
    ['sort=score', 'must be one of newest, oldest'],
    ['min_score=5', expect.stringContaining('did you mean minScore?')],
  ])('%s is refused in plain words', async (query, message) => {
    const { status, body } = await askOps(service, 'GET', `/ops/leads?${query}`);
    expect([status, body.errors[0]!.message]).toEqual([400, message]);
  });
});

describe('an accepted lead', () => {
  it('has an address for operators', async () => {
    const lead = { email: 'located@acme.com', campaign_id: 'located' };
    const answer = await send(service, operationCalled('postLead'), '/leads', SECRET, lead);
    const { leadId } = (await answer.json()) as { leadId: string };
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/ops/leads/${leadId}`]);
    expect((await askOps(service, 'GET', answer.headers.get('location')!)).body.id).toBe(leadId);
  });
});

describe('a change', () => {
  /** Where the operator's name is stored: in the lead's events, in the audit log, or in the rejection itself. */
  const TRAILS = {
    events: 'SELECT count(*)::int AS n FROM ledger.events WHERE kind = $1 AND detail->>$$by$$ = $2',
    acts: 'SELECT count(*)::int AS n FROM ledger.operator_acts WHERE act = $1 AND who = $2',
    outcomes: 'SELECT count(*)::int AS n FROM feedback.outcomes WHERE kind = $1 AND reported_by = $2',
    rejections: 'SELECT count(*)::int AS n FROM ledger.rejections WHERE $1 = $$replayed$$ AND replayed_by = $2',
  };
  const LEFT_BY: Record<string, [keyof typeof TRAILS, string]> = {
    editDeadLetter: ['events', 'edited'],
    replayDeadLetter: ['events', 'replayed'],
    discardDeadLetter: ['events', 'discarded'],
    replayDeadLetters: ['acts', 'replay'],
    replayRejection: ['rejections', 'replayed'],
    replayRejections: ['rejections', 'replayed'],
    pauseQueue: ['acts', 'pause'],
    resumeQueue: ['acts', 'resume'],
    rescoreLead: ['events', 'rescore-requested'],
    reportOutcome: ['outcomes', 'won'],
    calibrate: ['acts', 'calibrate'],
    startTrial: ['acts', 'trial-start'],
    stopTrial: ['acts', 'trial-stop'],
    promoteTrial: ['acts', 'trial-promote'],
    rollBackScorer: ['acts', 'trial-rollback'],
    pauseMarketo: ['acts', 'pause'],
    resumeMarketo: ['acts', 'resume'],
    reconcileMarketo: ['acts', 'marketo-reconcile'],
    backfillMarketo: ['acts', 'marketo-backfill'],
    storeRoutingRules: ['acts', 'routing-rules-store'],
    activateRoutingRules: ['acts', 'routing-rules'],
    rollBackRoutingRules: ['acts', 'routing-rules'],
    setRoutingAbsences: ['acts', 'routing-absence'],
    reassignLead: ['acts', 'routing-reassign'],
    importRoutingDirectory: ['acts', 'routing-directory'],
    exportPerson: ['acts', 'export'],
    erasePerson: ['acts', 'erase'],
  };

  it('is in the audit trail with the name of the token, whichever it is', async () => {
    expect(Object.keys(LEFT_BY).toSorted(), 'a change without a trail').toEqual(changing.map(({ id }) => id).toSorted());
    for (const [id, requests] of Object.entries(requestsOn(filled))) {
      if (!(id in LEFT_BY)) continue;
      const [trail, what] = LEFT_BY[id]!;
      const left = async () => (await sql.query<{ n: number }>(TRAILS[trail], [what, 'ann'])).rows[0]!.n;
      const before = await left();
      const { path, body } = requests[0]!;
      expect((await send(service, operationCalled(id), path, TOKEN, body)).status, id).toBeLessThan(300);
      expect(await left(), id).toBe(before + 1);
    }
  });
});
