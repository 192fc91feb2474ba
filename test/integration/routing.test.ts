import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresCrmProvider } from '../../src/crm/postgres/postgres-crm.provider.js';
import type { CrmProvider, CrmSync } from '../../src/crm/port.js';
import type { Queryable } from '../../src/platform/database/database.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import type { RoutedLead } from '../../src/routing/decisions.repository.js';
import { DirectoryReader } from '../../src/routing/directory.reader.js';
import { Reassigner, type ReassignerTools } from '../../src/routing/reassigner.js';
import { readRoutingRules } from '../../src/routing/rules.js';
import { loadWorld } from '../../src/routing/turns.repository.js';
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

  it('write the turn of who got the lead, and of who came, left or has another weight; all others are credited', async () => {
    const { decisions } = routingOn(pool, path);
    const version = (await routingOn(pool, path).active.required()).version;
    const shares = new Map<string, number>();
    /** Decides about one lead by rules with these weights; returns who got it and whose rows were written. */
    const give = async (weights: Record<string, number>) => {
      const ids = Object.keys(weights);
      const read = readRoutingRules({
        reps: ids.map((id) => ({ id })),
        pools: [{ name: 'turns', members: ids.map((rep) => ({ rep, weight: weights[rep] })) }],
        fallback: { pool: 'turns' },
      });
      if ('problems' in read) throw new Error('The rules are wrong.');
      const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
      for (const id of ids) shares.set(id, (shares.get(id) ?? 0) + weights[id]! / total);
      const [made] = await decisions.decide({ rules: read.rules, version }, [await accept()], new Date());
      const written = await pool.query<{ rep: string }>(
        `SELECT rep FROM routing.pool_turns JOIN routing.pool_shares USING (pool)
         WHERE pool = 'turns' AND shares_at = shares ORDER BY rep`,
      );
      return { owner: made!.rep!, written: written.rows.map(({ rep }) => rep) };
    };
    const turns = await pool.query('SELECT FROM routing.turns WHERE pool = $1', ['turns']);
    expect(turns.rowCount).toBe(0);

    const all = { dee: 1, eli: 2, fay: 3, gus: 4 };
    expect((await give(all)).written).toEqual(Object.keys(all));
    for (let lead = 0; lead < 6; lead++) {
      const { owner, written } = await give(all);
      expect(written).toEqual([owner]);
    }
    const { owner, written } = await give({ ...all, eli: 0, gus: 5 });
    expect(written).toEqual([...new Set([owner, 'eli', 'gus'])].toSorted());
    // Gus is a member no more, and Hal is a new one.
    const { gus: _gone, ...others } = all;
    for (let lead = 0; lead < 5; lead++) await give({ ...others, hal: 2 });
    for (let lead = 0; lead < 5; lead++) await give(all);

    const { rows } = await pool.query<{ rep: string; credit: number; expected: number; assigned: number }>(
      'SELECT rep, credit, expected, assigned FROM routing.turns WHERE pool = $1 ORDER BY rep',
      ['turns'],
    );
    expect(rows.map(({ rep }) => rep)).toEqual([...shares.keys()].toSorted());
    for (const { rep, credit, expected, assigned } of rows) {
      expect(expected).toBeCloseTo(shares.get(rep)!);
      expect(credit).toBeCloseTo(expected - assigned);
    }
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

  it('count a refusal of the CRM once, also where another lead of the person is decided beside it', async () => {
    const { decisions, active, assignments } = routingOn(pool, path);
    const email = `p${++number}@nowhere.example`;
    const both = await Promise.all(['c1', 'c2'].map((campaignId) => acceptLead(pool, email, { campaignId })));
    const decide = async () => decisions.decide(await active.required(), both, new Date());
    const [refused] = await decide();
    await assignments.end(refused!.id, 'owner-refused');
    const [next, other] = await decide();
    expect(next!.ownerId).not.toBe(refused!.ownerId);
    expect(other!.ownerId).toBe(refused!.ownerId);
  });

  it('give the leads of one person one owner, and owe a member a lead for junk', async () => {
    const { service, assignments } = routingOn(pool, path);
    const email = `p${++number}@nowhere.example`;
    const both = await Promise.all(['c1', 'c2'].map((campaignId) => acceptLead(pool, email, { campaignId })));
    const [one, other] = await Promise.all(both.map((lead) => service.decide(lead)));
    expect(other!.ownerId).toBe(one!.ownerId);
    expect([one!.rule, other!.rule].toSorted()).toEqual(['existing owner', 'fallback']);
    const credit = async () =>
      (await pool.query<{ credit: number }>('SELECT credit FROM routing.turns WHERE rep = $1', [one!.rep])).rows[0]!.credit;
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
  it('are matched by domain: a customer first, then by age; and never by a mail provider', async () => {
    await pool.query(
      `INSERT INTO routing.accounts (account_id, owner_id, type, parent_id, created_at) VALUES
         ('A1', 'u1', 'Prospect', NULL, '2020-01-01'), ('A2', 'u2', 'Customer - Direct', 'TOP', '2024-01-01'),
         ('A3', 'u3', NULL, NULL, '2020-01-01'), ('A4', 'u4', NULL, NULL, '2019-01-01'), ('TOP', 'u9', NULL, NULL, NULL),
         ('C1', 'u7', NULL, 'C2', NULL), ('C2', 'u8', NULL, 'C1', NULL)`,
    );
    await pool.query(
      `INSERT INTO routing.account_domains (domain, account_id) VALUES ('acme.com', 'A1'), ('acme.com', 'A2'),
         ('initech.co.uk', 'A3'), ('initech.co.uk', 'A4'), ('gmail.com', 'A1'), ('circle.com', 'C1')`,
    );
    const { accounts } = routingOn(pool, path);
    const emails = ['a@acme.com', 'a@eu.acme.com', 'a@initech.co.uk', 'a@gmail.com', 'a@nowhere.example'];
    const owners = async (parents: boolean) => (await accounts.match(emails, parents)).map((found) => found?.ownerId);
    expect(await owners(false)).toEqual(['u2', 'u2', 'u4', undefined, undefined]);
    expect(await owners(true)).toEqual(['u9', 'u9', 'u4', undefined, undefined]);
    // A circle of parents ends.
    expect((await accounts.match(['a@circle.com'], true))[0]?.ownerId).toMatch(/^u[78]$/);
  });

  it('are those whose website has the domain, before those of contacts; a former customer is none', async () => {
    const { accounts, directory } = routingOn(pool, path);
    const account = (accountId: string, type: string, website: string | null, year: number) => ({
      accountId,
      ownerId: `owner of ${accountId}`,
      name: null,
      type,
      industry: null,
      parentId: null,
      website,
      createdAt: `${year}-01-01T00:00:00.000Z`,
      changedAt: '2026-01-01T00:00:00.000Z',
      deleted: false,
    });
    const mirrored = [
      account('CLIENT', 'Customer', 'client.example', 2010),
      account('AGENCY', 'Prospect', 'https://www.agency.example/team', 2020),
      account('EX', 'Former Customer', 'initrode.example', 2010),
      account('NOW', 'Customer - Direct', 'initrode.example', 2024),
    ];
    await directory.storeAccounts(mirrored, null);
    const contact = (accountId: string, domain: string) => ({ contactId: domain, accountId, domain, changedAt: '' });
    const contacts = [contact('CLIENT', 'agency.example'), contact('CLIENT', 'client.de'), contact('CLIENT', 'vip.163.com')];
    await directory.storeContactDomains(contacts, null);
    const idsOf = async (...domains: string[]) =>
      (
        await accounts.match(
          domains.map((domain) => `a@${domain}`),
          false,
        )
      ).map((found) => found?.id);
    const domains = ['agency.example', 'initrode.example', 'client.example', 'client.de', 'vip.163.com'];
    expect(await idsOf(...domains)).toEqual(['AGENCY', 'NOW', 'CLIENT', 'CLIENT', undefined]);
    // A website that is corrected is followed; what contacts have stays.
    await directory.storeAccounts([account('CLIENT', 'Customer', 'client.de', 2010), { ...mirrored[1]!, website: null }], null);
    expect(await idsOf(...domains)).toEqual(['CLIENT', 'NOW', undefined, 'CLIENT', undefined]);
    await directory.storeAccounts([account('CLIENT', 'Customer', 'client.example', 2010)], null);
    expect(await idsOf('client.example', 'client.de')).toEqual(['CLIENT', 'CLIENT']);
  });
});

describe('the active rules', () => {
  it('are those of a file that has changed, back to older ones too; a rollback survives the restart of an unchanged one', async () => {
    const own = await freshDatabase();
    const connections = openPool({ url: own.url, max: 2, timeoutMs: 20_000, name: 'versions' });
    const [a, b] = [path, await rulesFile({ ...RULES, name: 'other' })];
    const startWith = async (file: string) => {
      const { active } = routingOn(connections, file);
      return (await active.required()).version;
    };
    const { versions } = routingOn(connections, a);
    expect([await startWith(a), await startWith(a), await startWith(b), await startWith(a), await startWith(b)]).toEqual([
      1, 1, 2, 1, 2,
    ]);
    expect([await versions.rollBack('eve'), await startWith(b)]).toEqual([1, 1]);
    // A version that is activated twice has the same one before it.
    await versions.activate('eve', 2);
    await versions.activate('eve', 2);
    expect(await versions.rollBack('eve')).toBe(1);
    await connections.end();
    await own.drop();
  });
});

describe('a simulation', () => {
  it('is what a decision would be: a person keeps the owner of an earlier one', async () => {
    const { decisions, service, active } = routingOn(pool, path);
    const { rules } = await active.required();
    const lead = await accept();
    const before = await decisions.simulate(rules, lead, new Date());
    const decided = (await service.decide(lead))!;
    expect(before.owner?.ownerId).toBe(decided.ownerId);
    const again = await decisions.simulate(rules, lead, new Date());
    expect(again).toMatchObject({ rule: 'existing owner', owner: { ownerId: decided.ownerId } });
    // A dry run asks what the rules say.
    expect((await decisions.tryRules(rules, [lead], new Date()))[0]!.rule).toBe('fallback');
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

  describe('changes by an explicit reassignment', () => {
    const HUMAN = '005000000000009AAA';
    const worker = (more: Partial<ReassignerTools> = {}) =>
      new Reassigner({ ...routing, crm, leads: ledgerOn(pool).leads, now: () => Date.now(), ...more });
    const run = (reassigner = worker()) => reassigner.run(20, AbortSignal.timeout(20_000));
    const ask = ({ leadId }: RoutedLead, to: string | null = null, endReason: 'reassigned' | 'not-mine' = 'reassigned') =>
      routing.reassignments.request({ leadId, to, who: 'ops', reason: 'test', endReason });
    const ownerOf = (lead: RoutedLead) => String(leadOf(lead)['OwnerId']);
    const outcomeOf = async ({ leadId }: RoutedLead) => {
      const text = 'SELECT outcome FROM routing.reassignments WHERE lead_id = $1 ORDER BY id DESC LIMIT 1';
      return (await pool.query<{ outcome: string | null }>(text, [leadId])).rows[0]?.outcome;
    };
    const retryNow = () => pool.query("UPDATE routing.reassignments SET due_at = '-infinity' WHERE done_at IS NULL");
    /** A lead with an owner by the rules, in the org. */
    async function owned(): Promise<RoutedLead> {
      const lead = await accept();
      await pool.query('UPDATE ledger.leads SET enrichment = $2 WHERE id = $1', [lead.leadId, lead.enrichment]);
      // A Lead that was changed lately is read twice before its owner changes.
      world.fake.setClock(() => Date.now() - 600_000);
      await sync(lead, 1);
      world.fake.setClock(Date.now);
      await pool.query('UPDATE ledger.leads SET crm = $2 WHERE id = $1', [
        lead.leadId,
        { provider: 'salesforce', leadId: leadOf(lead)['Id'], memberId: null },
      ]);
      return lead;
    }
    /** Runs once, after the worker has read the owner and before it writes. */
    function meanwhile(act: () => void): void {
      world.fake.afterEachPost(() => {
        world.fake.afterEachPost(() => {});
        act();
      });
    }

    it('once, by whichever worker, and its end can be repeated after a crash', async () => {
      const lead = await owned();
      const before = ownerOf(lead);
      expect(await ask(lead)).not.toBeNull();
      expect(await ask(lead)).toBeNull();
      const done = () => Promise.reject(new Error('killed'));
      await expect(run(worker({ reassignments: { claim: (n) => routing.reassignments.claim(n), done } }))).rejects.toThrow();
      const after = ownerOf(lead);
      expect(after).not.toBe(before);
      await retryNow();
      await Promise.all([run(), run()]);
      expect(ownerOf(lead)).toBe(after);
      expect(await outcomeOf(lead)).toBe('reassigned');
      const current = await routing.assignments.current(lead.leadId);
      expect(current).toMatchObject({ ownerId: after, writtenAt: expect.any(Date) });
      expect(await routing.assignments.ofLead(lead.leadId)).toHaveLength(2);
    });

    it('only while the owner is the one that the rules set: before it, between reading and writing, and seen earlier', async () => {
      const [before, between, twice, seen, other] = [await owned(), await owned(), await owned(), await owned(), await owned()];
      const change = (lead: RoutedLead, fields: object) => world.fake.changeRecord(String(leadOf(lead)['Id']), { ...fields });
      change(before, { OwnerId: HUMAN });
      change(seen, { OwnerId: HUMAN });
      const { leadId, personKey } = seen;
      await routing.service.recordSeen({ leadId, personKey, revision: 1, band: 'hot', ownerId: HUMAN, created: false });
      for (const lead of [before, seen]) await ask(lead);
      await run();
      await ask(between);
      meanwhile(() => change(between, { OwnerId: HUMAN }));
      await run();
      // The times of Salesforce have whole seconds: here two changes have the same.
      const second = Date.now();
      world.fake.setClock(() => second);
      change(twice, { Phone: '1' });
      await ask(twice);
      meanwhile(() => change(twice, { OwnerId: HUMAN }));
      await run();
      world.fake.setClock(Date.now);
      for (const lead of [before, between, twice, seen])
        expect([ownerOf(lead), await outcomeOf(lead)]).toEqual([HUMAN, 'sales took over']);
      // A later lead of the person has this owner by a decision.
      const later = await acceptLead(pool, seen.email, { campaignId: 'later' });
      expect(await routing.service.decide(later)).toMatchObject({ ownerId: HUMAN });
      await ask(later);
      await run();
      expect(await outcomeOf(later)).toBe('sales took over');
      // Another change meanwhile is no reason.
      const was = ownerOf(other);
      await ask(other);
      meanwhile(() => change(other, { Phone: '1' }));
      await run();
      expect(await outcomeOf(other)).toBe('reassigned');
      expect(ownerOf(other)).not.toBe(was);
    });

    it('to the owner that was asked for, before the creation as well', async () => {
      const lead = await accept();
      await pool.query('UPDATE ledger.leads SET enrichment = $2 WHERE id = $1', [lead.leadId, lead.enrichment]);
      const { rep } = (await routing.service.decide(lead))!;
      const other = users.find(({ id }) => id !== rep)!;
      // An id of 15 characters is the same user.
      await ask(lead, other.crmUserId);
      await run();
      await sync(lead, 1);
      expect(ownerOf(lead)).toBe(userId(other.id));
      expect(await routing.assignments.current(lead.leadId)).toMatchObject({
        rule: 'by hand',
        rep: other.id,
        writtenAt: expect.any(Date),
      });
    });

    it('of the newest decision, where a process of the version before asked for it', async () => {
      const lead = await owned();
      const was = ownerOf(lead);
      await ask(lead);
      await pool.query('UPDATE routing.reassignments SET from_id = NULL WHERE lead_id = $1', [lead.leadId]);
      await run();
      expect(await outcomeOf(lead)).toBe('reassigned');
      expect(ownerOf(lead)).not.toBe(was);
    });

    it('to no other owner: then nothing ends, and an operator is alerted', async () => {
      const lead = await owned();
      const [before] = await routing.assignments.ofLead(lead.leadId);
      const absent = [{ from: '2020-01-01', to: '2099-01-01' }];
      for (const { crmUserId } of users) await routing.members.setAbsences('ops', `${crmUserId}AAA`, absent);
      await ask(lead, null, 'not-mine');
      await run();
      expect(await outcomeOf(lead)).toBe('no other owner');
      expect(await routing.assignments.ofLead(lead.leadId)).toEqual([before]);
      expect((await pool.query('SELECT subject FROM flow.notices WHERE kind = $1', ['no-other-owner'])).rows).toEqual([
        { subject: before!.ownerId },
      ]);
      for (const { crmUserId } of users) await routing.members.setAbsences('ops', `${crmUserId}AAA`, []);
    });

    it('after Not mine owes the member a lead', async () => {
      const lead = await owned();
      const { rep } = (await routing.assignments.current(lead.leadId))!;
      const sum = 'SELECT sum(credit) AS sum FROM routing.turns';
      const assigned = 'SELECT assigned FROM routing.turns WHERE rep = $1';
      const [credits, turns] = [(await pool.query(sum)).rows[0], (await pool.query(assigned, [rep])).rows[0]];
      await ask(lead, null, 'not-mine');
      await run();
      expect(await outcomeOf(lead)).toBe('reassigned');
      expect((await pool.query(sum)).rows[0].sum).toBeCloseTo(credits.sum + 1);
      expect((await pool.query(assigned, [rep])).rows[0].assigned).toBe(turns.assigned - 1);
    });

    it('that the org refuses ends, the owner stays, and no other request waits for it', async () => {
      const [refused, busy, next] = [await owned(), await owned(), await owned()];
      const was = [refused, busy].map(ownerOf);
      world.fake.deactivateUser('005000000000008AAA');
      await ask(refused, '005000000000008AAA');
      await ask(busy);
      world.fake.lockRows([String(leadOf(busy)['Id'])], 1);
      await ask(next);
      await expect(run()).rejects.toMatchObject({ code: 'CRM_RECORD_BUSY' });
      expect([await outcomeOf(refused), await outcomeOf(busy), await outcomeOf(next)]).toEqual([
        'refused by the CRM',
        null,
        'reassigned',
      ]);
      expect([refused, busy].map(ownerOf)).toEqual(was);
      expect(await routing.assignments.current(refused.leadId)).toMatchObject({ ownerId: was[0] });
      await retryNow();
      await run();
      expect(await outcomeOf(busy)).toBe('reassigned');
    });
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

it('open leads of a rep are counted by an index, whatever its history is', async () => {
  const { active } = routingOn(pool, path);
  const { version } = await active.required();
  // Foreign keys would need as many leads. One in a hundred is of the last 30 days.
  await pool.query(`BEGIN; SET LOCAL session_replication_role = replica;
    INSERT INTO routing.assignments (lead_id, person_key, revision, owner_id, rule, rules_version, trace, decided_at)
      SELECT gen_random_uuid(), sha256(n::text::bytea), 1, 'o' || n % 5, 'r', ${version}, '[]', now() - n * interval '3 hours'
      FROM generate_series(1, 20000) n;
    COMMIT; ANALYZE routing.assignments`);
  const read = readRoutingRules({ ...RULES, reps: users.map((user) => ({ ...user, openCap: 100 })) });
  const statements: [string, unknown[]][] = [];
  const query = async (asked: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
    statements.push(typeof asked === 'string' ? [asked, values] : [asked.text, asked.values]);
    return { rows: [] };
  };
  const { rules } = read as Extract<typeof read, { rules: unknown }>;
  await loadWorld({ query } as unknown as Queryable, { rules, pools: ['all'], members: new Map(), at: new Date() });
  const plans = await Promise.all(statements.map(([text, values]) => pool.query(`EXPLAIN ${text}`, values)));
  const plan = JSON.stringify(plans.map(({ rows }) => rows));
  expect(plan).toContain('Index Cond: ((owner_id = o.owner_id) AND (decided_at >');
  expect(plan).not.toContain('Seq Scan on assignments');
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
