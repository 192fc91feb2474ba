import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresCrmProvider } from '../../src/crm/postgres/postgres-crm.provider.js';
import type { CrmProvider, CrmSync } from '../../src/crm/port.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import type { RoutedLead } from '../../src/routing/decisions.repository.js';
import { DirectoryReader } from '../../src/routing/directory.reader.js';
import { Reassigner } from '../../src/routing/reassigner.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ledgerOn } from '../support/ledger.js';
import { pipelineWorld } from '../support/pipeline-world.js';
import { acceptLead, routingOn, rulesFile } from '../support/routing-world.js';
import { salesforceWorld } from '../support/salesforce-world.js';

const users = ['ann', 'bo', 'cy'].map((id, index) => ({ id, crmUserId: `00550000000000${index + 1}` }));
const userId = (id: string) => `${users.find((user) => user.id === id)!.crmUserId}AAA`;
const members = (...ids: string[]) => ids.map((rep) => ({ rep }));
const RULES = {
  reps: users,
  pools: [{ name: 'all', members: members('ann', 'bo', 'cy') }],
  fallback: { pool: 'all' },
};

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
let path: string;
let number = 0;
const accept = (more: Parameters<typeof acceptLead>[2] & { domain?: string } = {}) =>
  acceptLead(pool, `p${++number}@${more.domain ?? 'nowhere.example'}`, more);

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 10, timeoutMs: 20_000, name: 'test' });
  path = await rulesFile(RULES);
  await routingOn(pool, path).active.onApplicationBootstrap();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function counts(leads: RoutedLead[]): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ rep: string; count: number }>(
    'SELECT rep, count(*)::int AS count FROM routing.assignments WHERE lead_id = ANY($1) AND ended_at IS NULL GROUP BY rep',
    [leads.map(({ leadId }) => leadId)],
  );
  return Object.fromEntries(rows.map(({ rep, count }) => [rep, count]));
}

describe('decisions of many workers', () => {
  it('rotate as single ones would, and each lead is decided once', async () => {
    const leads = await Promise.all(Array.from({ length: 120 }, () => accept()));
    const workers = Array.from({ length: 10 }, () => routingOn(pool, path).service);
    const decide = (from: number) => Promise.all(leads.map((lead, index) => workers[(index + from) % 10]!.decide(lead)));
    const first = await decide(0);
    expect(await counts(leads)).toEqual({ ann: 40, bo: 40, cy: 40 });
    // A replay by any other worker.
    expect((await decide(3)).map((each) => each!.id)).toEqual(first.map((each) => each!.id));
    expect(await counts(leads)).toEqual({ ann: 40, bo: 40, cy: 40 });
  });

  it('take no turn where a worker dies before its commit', async () => {
    const lead = await accept();
    const before = await pool.query('SELECT * FROM routing.pool_turns ORDER BY pool, rep');
    const blocker = await pool.connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE routing.pool_turns IN ACCESS EXCLUSIVE MODE');
    const lost = routingOn(pool, path)
      .service.decide(lead)
      .catch((error: unknown) => error);
    const holder = 'SELECT pid FROM pg_locks WHERE NOT granted AND relation = $1::regclass';
    const pid = await eventually(async () => (await pool.query<{ pid: number }>(holder, ['routing.pool_turns'])).rows[0]!.pid);
    await pool.query('SELECT pg_terminate_backend($1)', [pid]);
    expect(await lost).toBeInstanceOf(Error);
    await blocker.query('ROLLBACK');
    blocker.release();
    expect((await pool.query('SELECT * FROM routing.pool_turns ORDER BY pool, rep')).rows).toEqual(before.rows);
    await routingOn(pool, path).service.decide(lead);
    expect(Object.values(await counts([lead]))).toEqual([1]);
  });

  it('give the leads of one person one owner, and owe a member a lead for junk', async () => {
    const { service, assignments } = routingOn(pool, path);
    const email = `p${++number}@nowhere.example`;
    const both = await Promise.all(['c1', 'c2'].map((campaignId) => acceptLead(pool, email, { campaignId })));
    const [one, other] = await Promise.all(both.map((lead) => service.decide(lead)));
    expect(other!.ownerId).toBe(one!.ownerId);
    expect([one!.rule, other!.rule].toSorted()).toEqual(['existing owner', 'fallback']);
    const credit = async () =>
      (await pool.query<{ credit: number }>('SELECT credit FROM routing.pool_turns WHERE rep = $1', [one!.rep])).rows[0]!.credit;
    const was = await credit();
    const turn = one!.pool === null ? other! : one!;
    expect(await Promise.all([1, 2].map(() => assignments.end(turn.id, 'junk')))).toEqual(expect.arrayContaining([true, false]));
    expect(await credit()).toBeCloseTo(was + 1);
  });

  it('go with the erasure of the lead', async () => {
    const lead = await accept();
    await routingOn(pool, path).service.decide(lead);
    await pool.query('DELETE FROM ledger.leads WHERE id = $1', [lead.leadId]);
    expect(await counts([lead])).toEqual({});
  });
});

describe('accounts', () => {
  it('are matched by domain: a customer first, then open opportunities, contacts and age; and never by a mail provider', async () => {
    await pool.query(
      `INSERT INTO routing.accounts (account_id, owner_id, type, parent_id, open_opportunities, contacts, created_at) VALUES
         ('A1', 'u1', 'Prospect', NULL, 3, 90, '2020-01-01'), ('A2', 'u2', 'Customer - Direct', 'TOP', 0, 1, '2024-01-01'),
         ('A3', 'u3', NULL, NULL, 0, 5, '2020-01-01'), ('A4', 'u4', NULL, NULL, 0, 5, '2019-01-01'), ('TOP', 'u9', NULL, 'A2', 0, 0, NULL)`,
    );
    await pool.query(
      `INSERT INTO routing.account_domains (domain, account_id) VALUES ('acme.com', 'A1'), ('acme.com', 'A2'),
         ('initech.co.uk', 'A3'), ('initech.co.uk', 'A4'), ('gmail.com', 'A1')`,
    );
    const { accounts } = routingOn(pool, path);
    const emails = ['a@acme.com', 'a@eu.acme.com', 'a@initech.co.uk', 'a@gmail.com', 'a@nowhere.example'];
    const owners = async (parents: boolean) => (await accounts.match(emails, parents)).map((found) => found?.ownerId);
    expect(await owners(false)).toEqual(['u2', 'u2', 'u4', undefined, undefined]);
    expect((await owners(true))[2]).toBe('u4');
    expect((await owners(true))[0]).toMatch(/u2|u9/);
  });
});

describe('in Salesforce an owner', () => {
  let world: Awaited<ReturnType<typeof salesforceWorld>>;
  let crm: CrmProvider;
  let routing: ReturnType<typeof routingOn>;
  beforeAll(async () => {
    world = await salesforceWorld({ assignmentRule: true });
    crm = await world.open();
    routing = routingOn(pool, path);
  });
  afterAll(() => world.close());

  async function sync(lead: RoutedLead, version: number): Promise<void> {
    const { leadId: id, personKey, email, campaignId, attributes, revision } = lead;
    const content = { id, personKey, email, emailRaw: email, campaignId, name: 'Jo Doe', attributes, revision };
    const enrichment = { fitScore: 50, intent: 'high', confidence: 1, evidence: [], reasoning: 'r', scoreSource: 'heuristic' };
    const owner = routing.service.choiceFor(lead);
    const projection = {
      lead: content,
      enrichment: { ...enrichment, needsRescore: false, flags: [], provider: 'p', scorerVersion: 'v' },
      version,
    };
    const request = { personKey, projection, campaignId, respondedAt: new Date().toISOString(), owner } as CrmSync;
    const { owner: seen } = await crm.sync(request, AbortSignal.timeout(20_000));
    if (seen) await routing.service.recordSeen({ ...lead, ownerId: seen.id, created: seen.created });
  }
  const leadOf = ({ email }: RoutedLead) => world.fake.leads().find(({ Email }) => Email === email)!;

  it('is set at the creation, with the assignment rules off; a human who changes it is never overruled', async () => {
    const lead = await accept();
    await sync(lead, 1);
    const decided = (await routing.assignments.current(lead.leadId))!;
    expect(decided.writtenAt).not.toBeNull();
    expect(leadOf(lead)['OwnerId']).toBe(decided.ownerId);
    world.fake.changeRecord(String(leadOf(lead)['Id']), { OwnerId: '005000000000009AAA' });
    const again = await world.open();
    crm = again;
    await sync(lead, 2);
    expect(leadOf(lead)['OwnerId']).toBe('005000000000009AAA');
    const [first, second] = await routing.assignments.ofLead(lead.leadId);
    expect(first).toMatchObject({ endReason: 'changed-in-crm' });
    expect(second).toMatchObject({ rule: 'existing owner', ownerId: '005000000000009AAA', pool: null });
  });

  it('of a Lead that was there stays, and no turn is taken', async () => {
    const lead = await accept();
    world.fake.addLead({ Email: lead.email });
    const turns = 'SELECT sum(assigned)::int AS sum FROM routing.pool_turns';
    const before = (await pool.query(turns)).rows;
    await sync(lead, 1);
    expect((await pool.query(turns)).rows).toEqual(before);
    expect(await routing.assignments.current(lead.leadId)).toMatchObject({ rule: 'existing owner' });
  });

  it('changes by an explicit reassignment only while it is the one that was set', async () => {
    const reassigner = new Reassigner({ ...routing, crm, leads: ledgerOn(pool).leads, now: () => Date.now() });
    const [mine, theirs] = [await accept(), await accept()];
    for (const lead of [mine, theirs]) {
      await sync(lead, 1);
      await pool.query(`UPDATE ledger.leads SET crm = $2, enrichment = $3 WHERE id = $1`, [
        lead.leadId,
        { provider: 'salesforce', leadId: leadOf(lead)['Id'], memberId: null },
        lead.enrichment,
      ]);
    }
    const before = String(leadOf(mine)['OwnerId']);
    world.fake.changeRecord(String(leadOf(theirs)['Id']), { OwnerId: '005000000000009AAA' });
    const ask = ({ leadId }: RoutedLead) =>
      routing.reassignments.request({ leadId, to: null, who: 'ops', reason: 'test', endReason: 'reassigned' });
    for (const lead of [mine, theirs]) expect(await ask(lead)).not.toBeNull();
    expect(await ask(mine)).toBeNull();
    // A second worker finds nothing to do.
    await Promise.all([1, 2].map(() => reassigner.run(20, AbortSignal.timeout(20_000))));
    expect(leadOf(mine)['OwnerId']).not.toBe(before);
    expect(await routing.assignments.current(mine.leadId)).toMatchObject({
      ownerId: leadOf(mine)['OwnerId'],
      writtenAt: expect.any(Date),
    });
    expect(leadOf(theirs)['OwnerId']).toBe('005000000000009AAA');
    expect(await routing.reassignments.newest(mine.leadId)).toMatchObject({ outcome: 'reassigned' });
    expect(await routing.reassignments.newest(theirs.leadId)).toMatchObject({ outcome: 'sales took over' });
  });

  it('of a matched account is known from the mirror, which follows changes of the org', async () => {
    const manager = world.fake.addUser({ Name: 'Max' });
    const owner = world.fake.addUser({ Name: 'Uma', ManagerId: manager, TimeZoneSidKey: 'Europe/Berlin' });
    const account = world.fake.addAccount({ Website: 'https://www.Globex.com/en', OwnerId: owner });
    world.fake.addAccount({ Website: 'gmail.com', OwnerId: manager });
    world.fake.addContact({ AccountId: account, Email: 'a@globex.de' });
    const reader = new DirectoryReader(crm.directory!, routing.directory);
    await reader.read(AbortSignal.timeout(20_000));
    const owners = async () =>
      (await routing.accounts.match(['x@globex.com', 'x@mail.globex.de', 'x@gmail.com'], false)).map((found) => found?.ownerId);
    expect(await owners()).toEqual([owner, owner, undefined]);
    expect(await routing.members.get([owner])).toMatchObject([{ managerId: manager, timeZone: 'Europe/Berlin', active: true }]);
    const calls = world.fake.apiCalls();
    world.fake.changeRecord(account, { OwnerId: manager });
    world.fake.changeRecord(owner, { IsActive: false });
    await reader.read(AbortSignal.timeout(20_000));
    expect(await owners()).toEqual([manager, manager, undefined]);
    expect(await routing.members.get([owner])).toMatchObject([{ active: false }]);
    expect(world.fake.apiCalls() - calls).toBe(3);
    const lead = await accept({ domain: 'globex.com' });
    await sync(lead, 1);
    expect(leadOf(lead)['OwnerId']).toBe(manager);
  });

  it('who is inactive is passed over: marked, decided again, and the Lead is created once', async () => {
    const leads = await Promise.all(Array.from({ length: 6 }, () => accept()));
    world.fake.deactivateUser(userId('bo'));
    await Promise.all(leads.map((lead) => sync(lead, 1)));
    const owners = leads.map((lead) => leadOf(lead)['OwnerId']);
    expect(owners).not.toContain(userId('bo'));
    expect(Math.abs(owners.filter((owner) => owner === userId('ann')).length - 3)).toBeLessThanOrEqual(1);
    expect(world.fake.leads().filter(({ Email }) => leads.some(({ email }) => email === Email))).toHaveLength(6);
    expect(await routing.members.get([userId('bo')])).toMatchObject([{ active: false }]);
    const reasons = (await Promise.all(leads.map(({ leadId }) => routing.assignments.ofLead(leadId)))).flat();
    expect(reasons.map(({ endReason }) => endReason)).toContain('owner-inactive');
  });
});

describe('the crm-sync stage', () => {
  it('writes the owner of each new lead and records it', async () => {
    let crm: PostgresCrmProvider | undefined;
    const world = await pipelineWorld({
      kind: 'postgres',
      routing: (on) => routingOn(on, path).service,
      crm: (request) => crm!.sync(request),
    });
    try {
      crm = new PostgresCrmProvider(world.databaseUrl);
      await routingOn(world.pool, path).active.onApplicationBootstrap();
      await world.startWorker();
      await world.accept(6);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 6 }));
      const { rows } = await world.pool.query<{ owner: string; leads: number; written: number }>(
        `SELECT l.owner_id AS owner, count(*)::int AS leads, count(a.written_at)::int AS written
         FROM mock_crm.leads l JOIN routing.assignments a ON a.lead_id = l.source_lead AND a.owner_id = l.owner_id
         GROUP BY 1 ORDER BY 1`,
      );
      expect(rows).toEqual(['ann', 'bo', 'cy'].map((id) => ({ owner: userId(id), leads: 2, written: 2 })));
    } finally {
      await crm?.close();
      await world.close();
    }
  });
});
