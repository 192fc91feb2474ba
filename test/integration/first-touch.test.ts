import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CrmProvider } from '../../src/crm/port.js';
import { AppError } from '../../src/domain/app-error.js';
import { ClocksRepository } from '../../src/first-touch/clocks.repository.js';
import { FirstTouchReportRepository } from '../../src/first-touch/first-touch-report.repository.js';
import { LinksController } from '../../src/first-touch/links.controller.js';
import { OwnerActsService } from '../../src/first-touch/owner-acts.service.js';
import { NoticesRepository } from '../../src/first-touch/notices/notices.repository.js';
import { StepsRepository } from '../../src/first-touch/steps.repository.js';
import type { Database } from '../../src/platform/database/database.js';
import { createHttpAdapter } from '../../src/platform/http/adapter.js';
import { firstTouchWorld, type FirstTouchWorld } from '../support/first-touch-world.js';
import { INTEGRATION_USER } from '../support/fakes/salesforce/index.js';

const [ANN, BO, CY, QUEUE] = ['005000000000001AAA', '005000000000002AAA', '005000000000003AAA', '00G000000000001EAA'];
const MANAGER = '005000000000009AAA';
const STEPS = ['remind', 'manager', 'reassign'];
const RULES = {
  reps: [
    { id: 'ann', crmUserId: ANN, name: 'Ann', manager: MANAGER },
    { id: 'bo', crmUserId: BO, name: 'Bo', manager: MANAGER },
    { id: 'cy', crmUserId: CY, name: 'Cy', manager: MANAGER },
  ],
  pools: [{ name: 'all', members: [{ rep: 'ann' }, { rep: 'bo' }, { rep: 'cy' }] }],
  // As text: the linter takes an object with the property `then` for a promise.
  rules: JSON.parse(
    '[{ "name": "everything", "when": { "field": "band", "known": true }, "then": { "pool": "all" } }]',
  ) as unknown,
  fallback: { queue: QUEUE },
  firstTouch: { minutes: { other: 60 }, maxReassignments: 1, groupSeconds: 0 },
};

let world: FirstTouchWorld;
let number = 0;

beforeAll(async () => {
  world = await firstTouchWorld(RULES);
  await world.process().routing.active.onApplicationBootstrap();
});
afterAll(() => world.close());
/** Not after the last block, whose rows are made once. */
let keepRows = false;
beforeEach(async () => {
  if (keepRows) return;
  await world.pool.query('TRUNCATE ledger.leads, first_touch.channel_problems, flow.notices CASCADE');
  for (const sink of [world.chat, world.webhook]) {
    sink.status = 200;
    sink.bodies.length = sink.texts.length = 0;
  }
});

/** A lead whose clock runs. */
async function started(attributes: Record<string, string> = {}) {
  const lead = await world.assigned(`p${++number}@acme.com`, attributes);
  await world.process().runClocks();
  return lead;
}
const clocksOf = (leadId: string) => world.process().reports.ofLead(leadId);
const ownerInOrg = (crmId: string) => world.org.fake.leads().find(({ Id }) => Id === crmId)!['OwnerId'];

describe('a lead that no person touches', () => {
  it('is reminded of, reported to the manager, and passed on; the act of the next owner ends the clock', async () => {
    const worker = world.process();
    const lead = await started({ company: 'Acme <!channel>' });
    await worker.send();
    expect(world.chat.texts).toHaveLength(1);
    expect(world.chat.texts[0]).toMatch(/\*New lead\*: Acme &lt;!channel&gt;, fit 91, intent high, hot\. Because: message: asks/);
    expect(world.chat.texts[0]).not.toContain('<!channel>');
    await world.passTime(STEPS);
    await worker.runSteps();
    const others = [ANN, BO, CY].filter((user) => user !== lead.ownerId);
    expect(await world.stepsOf(lead.leadId)).toEqual(
      ['remind: notified', 'manager: notified', 'reassign: to the next owner'].map((step) => `${lead.ownerId} ${step}`),
    );
    await worker.reassign();
    const second = String(ownerInOrg(lead.crmId));
    expect(others).toContain(second);
    await worker.runClocks();
    await worker.send();
    expect(await world.noticesOf(lead.leadId)).toEqual([
      `assigned to ${lead.ownerId}: sent`,
      `reminder to ${lead.ownerId}: not-needed`,
      `manager to ${MANAGER}: not-needed`,
      `passed-on to ${lead.ownerId}: sent`,
      `assigned to ${second}: sent`,
    ]);
    world.org.fake.addTask(lead.crmId, { CreatedById: second });
    await worker.readCrm();
    const [first, next] = await clocksOf(lead.leadId);
    expect(first).toMatchObject({ ownerId: lead.ownerId, endReason: 'reassigned', touch: null });
    expect(next).toMatchObject({ ownerId: second, endReason: 'touched', touch: 'task', businessMinutes: expect.any(Number) });
    expect(next!.steps.map(({ outcome }) => outcome)).toEqual(['not-needed', 'not-needed', 'not-needed']);
    expect(await worker.outcomes.ofPerson(lead.personKey)).toMatchObject([{ kind: 'touched', source: 'salesforce' }]);
    const { all } = await worker.reports.report(7, 'owner');
    expect(all).toMatchObject({ clocks: 2, touched: 1, inTime: 1, open: 0, passedOn: 1 });
  });

  it('goes to the fallback after enough owners, and never back', async () => {
    const worker = world.process();
    const lead = await started();
    const owners = [lead.ownerId];
    for (let pass = 0; pass < 3; pass++) {
      await world.passTime(['reassign']);
      await worker.runSteps();
      await worker.reassign();
      await worker.runClocks();
      owners.push(String(ownerInOrg(lead.crmId)));
    }
    expect(new Set(owners.slice(0, 2)).size).toBe(2);
    expect(owners.slice(2)).toEqual([QUEUE, QUEUE]);
    expect((await world.stepsOf(lead.leadId)).filter((step) => step.includes('reassign'))).toEqual([
      `${owners[0]} reassign: to the next owner`,
      `${owners[1]} reassign: to the fallback`,
      `${QUEUE} reassign: no other owner`,
    ]);
    const { rows } = await world.pool.query('SELECT DISTINCT kind FROM flow.notices');
    expect(rows).toEqual([{ kind: 'first-touch-late' }]);
  });

  it('whose owner this service has changed is passed on, though the CRM is read before the clock ends', async () => {
    const worker = world.process();
    const lead = await started();
    await world.passTime(['reassign']);
    await worker.runSteps();
    await worker.reassign();
    await world.pool.query('UPDATE first_touch.clocks SET read_at = NULL');
    await worker.readCrm();
    // A step that is late, and a link of the owner before, are about a decision that has ended.
    await worker.routing.reassignments.request({
      leadId: lead.leadId,
      assignmentId: (await clocksOf(lead.leadId))[0]!.assignmentId,
      to: null,
      who: 'first touch',
      reason: 'late',
      endReason: 'reassigned',
    });
    await worker.reassign();
    await worker.runClocks();
    expect((await clocksOf(lead.leadId)).map(({ endReason }) => endReason)).toEqual(['reassigned', null]);
    expect(await world.noticesOf(lead.leadId)).toContain(`passed-on to ${lead.ownerId}: due`);
  });
});

describe('a step', () => {
  it('has one effect though its worker ends between the claim and the effect, and ten others look for work', async () => {
    const lead = await started();
    await world.passTime(['remind']);
    const dead = world.process();
    const [claimed] = await dead.steps.claim(10, 60_000);
    expect(claimed).toMatchObject({ kind: 'remind' });
    // While the claim holds, no other worker gets the step.
    await world.process().runSteps();
    expect((await world.stepsOf(lead.leadId))[0]).toBe(`${lead.ownerId} remind: open`);
    await world.pool.query(
      "UPDATE first_touch.steps SET claimed_until = now() - interval '1 second' WHERE claimed_until > now()",
    );
    await Promise.all(Array.from({ length: 10 }, () => world.process().runSteps()));
    expect((await world.stepsOf(lead.leadId))[0]).toBe(`${lead.ownerId} remind: notified`);
    // The worker was frozen and not dead: its claim settles nothing.
    expect(await dead.steps.settle(claimed!, 'notified', dead.routing.database)).toBe(false);
    expect((await world.noticesOf(lead.leadId)).filter((notice) => notice.startsWith('reminder'))).toHaveLength(1);
  });

  it('waits where the CRM does not answer, so that no lead is taken from an owner who acted', async () => {
    const lead = await started();
    await world.passTime(STEPS);
    const down = () => Promise.reject(new AppError('CRM_UNAVAILABLE', 'down'));
    const crm = { outcomes: { acts: down } } as unknown as Pick<CrmProvider, 'outcomes' | 'changeOwner'>;
    await expect(world.process(crm).runSteps()).rejects.toMatchObject({ code: 'CRM_UNAVAILABLE' });
    expect(await world.stepsOf(lead.leadId)).toEqual(STEPS.map((step) => `${lead.ownerId} ${step}: open`));
    world.org.fake.addEvent(lead.crmId);
    await world.pool.query("UPDATE first_touch.steps SET claimed_until = '-infinity'");
    await world.process().runSteps();
    expect(await clocksOf(lead.leadId)).toMatchObject([{ endReason: 'touched', touch: 'event' }]);
    expect(await world.stepsOf(lead.leadId)).toEqual(STEPS.map((step) => `${lead.ownerId} ${step}: not-needed`));
  });
});

describe('a clock', () => {
  it.each<[string, (lead: { crmId: string }) => void, object]>([
    [
      'is ended by a changed status',
      ({ crmId }) => world.org.fake.changeRecord(crmId, { Status: 'Working - Contacted' }),
      { touch: 'status' },
    ],
    ['is ended by a conversion', ({ crmId }) => void world.org.fake.convertLead(crmId), { touch: 'converted' }],
    [
      'is ended by another owner',
      ({ crmId }) => world.org.fake.changeRecord(crmId, { OwnerId: MANAGER }),
      { endReason: 'owner-changed', touch: null },
    ],
    ['is ended by a deletion', ({ crmId }) => world.org.fake.deleteRecord(crmId), { endReason: 'gone' }],
    [
      'runs on after a Task of an integration',
      ({ crmId }) => void world.org.fake.addTask(crmId, { CreatedById: INTEGRATION_USER }),
      { endedAt: null },
    ],
    ['runs on after any other change', ({ crmId }) => world.org.fake.changeRecord(crmId, { Phone: '1' }), { endedAt: null }],
  ])('%s', async (_how, act, expected) => {
    const worker = world.process();
    const lead = await started();
    await worker.readCrm();
    await world.pool.query('UPDATE first_touch.clocks SET read_at = NULL');
    act(lead);
    await worker.readCrm();
    expect(await clocksOf(lead.leadId)).toMatchObject([expected]);
    const current = await worker.routing.assignments.current(lead.leadId);
    expect(current === null).toBe('endReason' in expected && expected.endReason === 'owner-changed');
  });

  it('is ended by an act that another system reports', async () => {
    const worker = world.process();
    const lead = await started();
    const outcome = {
      personKey: lead.personKey,
      kind: 'touched' as const,
      amount: null,
      currency: null,
      crmId: '',
      by: 'dialer',
    };
    await worker.outcomes.append({ ...outcome, source: 'dialer', at: new Date(Date.now() - 86_400_000).toISOString() });
    await worker.runClocks();
    expect(await clocksOf(lead.leadId)).toMatchObject([{ endedAt: null }]);
    await worker.outcomes.append({ ...outcome, source: 'dialer', at: new Date().toISOString() });
    await worker.runClocks();
    expect(await clocksOf(lead.leadId)).toMatchObject([{ endReason: 'touched', touch: 'reported' }]);
  });

  it('is exported with the person, and erased with it', async () => {
    const worker = world.process();
    const lead = await started();
    const { outcomes } = await worker.ledger.erasures.exportPerson(lead.personKey);
    expect(outcomes.find((held) => held['record'] === 'first touch')).toMatchObject({
      owner_id: lead.ownerId,
      steps: STEPS.map((kind) => ({ kind })),
    });
    await worker.ledger.erasures.erasePerson({ personKey: lead.personKey, rejections: [], spooled: 0, who: 'ann', graceMs: 0 });
    for (const table of ['clocks', 'steps', 'notices'])
      expect((await world.pool.query(`SELECT 1 FROM first_touch.${table}`)).rowCount, table).toBe(0);
  });
});

describe('notices', () => {
  it('wait while the chat fails, count as failing, and follow as one message per person; the clocks run', async () => {
    const worker = world.process();
    world.chat.status = 503;
    const leads = await Promise.all(Array.from({ length: 6 }, () => world.assigned(`p${++number}@acme.com`)));
    await Promise.all([worker.runClocks(), world.process().runClocks()]);
    for (let attempt = 0; attempt < 5; attempt++) {
      await worker.send();
      await world.pool.query("UPDATE first_touch.channel_problems SET paused_until = '-infinity'");
    }
    expect(await worker.notices.problems()).toMatchObject([{ channel: 'slack', problem: 'it answered 503', dropped: 0 }]);
    const { rows } = await world.pool.query('SELECT kind, subject FROM flow.notices');
    expect(rows).toEqual([{ kind: 'owner-notices-undelivered', subject: 'slack' }]);
    // The other channel was not delayed.
    expect(world.webhook.bodies).toHaveLength(3);
    expect((await Promise.all(leads.map(({ leadId }) => clocksOf(leadId)))).flat()).toHaveLength(6);
    world.chat.status = 200;
    await worker.send();
    expect(world.chat.texts.map((text) => text.split('\n').length)).toEqual([3, 3, 3]);
    expect(await worker.notices.problems()).toEqual([]);
    await worker.send();
    expect(world.chat.texts).toHaveLength(3);
  });
});

describe('the links of a notice', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    @Module({ controllers: [LinksController], providers: [{ provide: OwnerActsService, useValue: world.process().acts }] })
    class LinksModule {}
    app = await NestFactory.create<NestFastifyApplication>(LinksModule, createHttpAdapter(), {
      bodyParser: false,
      logger: false,
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  const linkOf = async (label: string) => {
    await world.process().send();
    const [, address = ''] = new RegExp(`<https://leads\\.example\\.com([^|>]+)\\|${label}>`).exec(world.chat.texts.at(-1)!)!;
    return address;
  };
  const get = (url: string) => app.inject({ method: 'GET', url });
  const post = async (url: string) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return (await app.inject({ method: 'POST', url, headers, payload: 'confirm=yes' })).statusCode;
  };

  it('ask when they are opened, act when they are confirmed, and act once', async () => {
    const lead = await started();
    const link = await linkOf('Claim');
    for (let scans = 0; scans < 3; scans++) expect((await get(link)).body).toContain('<form method="post">');
    expect(await clocksOf(lead.leadId)).toMatchObject([{ endedAt: null }]);
    expect(await post(link)).toBe(200);
    expect(await clocksOf(lead.leadId)).toMatchObject([{ endReason: 'claimed', touch: 'claim' }]);
    expect([await post(link), (await get(link)).statusCode]).toEqual([410, 410]);
    const forged = `${link.slice(0, -3)}AAA`;
    expect([await post(forged), (await get(forged)).statusCode]).toEqual([404, 404]);
  });

  it('change nothing where the log of acts cannot be written', async () => {
    const worker = world.process();
    const lead = await started();
    const links = [await linkOf('Claim')];
    for (const label of ['Not mine', 'Junk'])
      links.push(new RegExp(`<https://leads\\.example\\.com([^|>]+)\\|${label}>`).exec(world.chat.texts.at(-1)!)![1]!);
    await world.pool.query('ALTER TABLE ledger.operator_acts RENAME TO lost_acts');
    for (const link of links) expect(await post(link)).toBeGreaterThanOrEqual(500);
    await world.pool.query('ALTER TABLE ledger.lost_acts RENAME TO operator_acts');
    expect(await clocksOf(lead.leadId)).toMatchObject([{ endedAt: null }]);
    expect(await worker.outcomes.ofPerson(lead.personKey)).toEqual([]);
    expect((await world.pool.query('SELECT FROM routing.reassignments')).rowCount).toBe(0);
  });

  it('choose another owner with Not mine', async () => {
    const worker = world.process();
    const lead = await started();
    const link = await linkOf('Not mine');
    expect([await post(link), await post(link)]).toEqual([200, 410]);
    await worker.reassign();
    await worker.runClocks();
    expect(ownerInOrg(lead.crmId)).not.toBe(lead.ownerId);
    expect((await clocksOf(lead.leadId)).map(({ endReason }) => endReason)).toEqual(['not-mine', null]);
  });

  it('end the lead with Junk, owe the member a lead, and are a label for the scores', async () => {
    const worker = world.process();
    const lead = await started();
    const credit = 'SELECT sum(credit)::float AS sum FROM routing.turns';
    const before = (await world.pool.query<{ sum: number }>(credit)).rows[0]!.sum;
    expect(await post(await linkOf('Junk'))).toBe(200);
    expect((await world.pool.query<{ sum: number }>(credit)).rows[0]!.sum).toBeCloseTo(before + 1);
    expect(await worker.outcomes.ofPerson(lead.personKey)).toMatchObject([{ kind: 'disqualified', source: 'owner' }]);
    expect(await worker.routing.assignments.current(lead.leadId)).toBeNull();
  });
});

describe('what the pollers, a scrape and the report read', () => {
  const ROWS = 20_000;
  beforeAll(async () => {
    keepRows = true;
    // One clock in two hundred is open. Foreign keys would need as many leads.
    await world.pool.query(`TRUNCATE ledger.leads CASCADE; BEGIN; SET LOCAL session_replication_role = replica;
      INSERT INTO first_touch.clocks (assignment_id, lead_id, person_key, campaign_id, owner_id, pool, band, rules_version, pass, sla_minutes,
          decided_at, started_at, due_at, crm_lead_id, read_at, ended_at)
        SELECT 1000000 + n, gen_random_uuid(), sha256(n::text::bytea), 'c', 'o' || n % 50, 'p', 'hot', 1, 0, 5, t.at, t.at, t.at, '00Q', now(),
          CASE WHEN n % 200 > 0 THEN t.at END
        FROM generate_series(1, ${ROWS}) n, LATERAL (SELECT now() - n * interval '30 min' AS at) t;
      INSERT INTO first_touch.steps (assignment_id, position, kind, due_at, outcome)
        SELECT assignment_id, 0, 'remind', due_at, CASE WHEN ended_at IS NOT NULL THEN 'not-needed' END FROM first_touch.clocks;
      INSERT INTO first_touch.notices (assignment_id, kind, channel, recipient_id, state, next_at, settled_at)
        SELECT assignment_id, 'assigned', 'slack', owner_id, CASE WHEN ended_at IS NULL THEN 'due' ELSE 'sent' END, due_at, ended_at
        FROM first_touch.clocks;
      COMMIT; ANALYZE first_touch.clocks; ANALYZE first_touch.steps; ANALYZE first_touch.notices`);
  });

  it.each<[string, (parts: ReturnType<typeof recorded>['parts']) => Promise<unknown>, string[]]>([
    ['due steps', ({ steps }) => steps.claim(50, 1), ['steps_due']],
    ['due notices', ({ notices }) => notices.claim('slack', 60, 1), ['notices_due', 'notices_settled']],
    ['clocks to start', ({ clocks }) => clocks.waiting(), ['clocks_waiting']],
    ['clocks to ask the CRM about', ({ clocks }) => clocks.takeToRead(1, 1000), ['clocks_to_read']],
    ['clocks of a lead', ({ reports }) => reports.ofLead('00000000-0000-0000-0000-000000000000'), ['clocks_lead', 'steps_pkey']],
    ['the report of a week', ({ reports }) => reports.report(7, 'owner'), ['clocks_started']],
    ['late leads', ({ reports }) => reports.overdue(), []],
    ['reported acts', ({ clocks }) => clocks.reportedActs(), ['outcomes_person']],
    ['old clocks', ({ clocks }) => clocks.endOld(), []],
  ])('are found by an index: %s', async (_what, run, indexes) => {
    const { parts, statements } = recorded();
    await run(parts).catch(() => {});
    expect(statements).not.toEqual([]);
    const plans = await Promise.all(statements.map(([text, values]) => world.pool.query(`EXPLAIN ${text}`, values)));
    const plan = plans.flatMap(({ rows }) => rows.map((row) => Object.values(row as object).join())).join('\n');
    expect(plan).not.toMatch(/Seq Scan on (clocks|steps|notices)/);
    for (const index of indexes) expect(plan).toContain(index);
  });

  /** Repositories whose statements are kept and not run. */
  function recorded() {
    const statements: [string, unknown[] | undefined][] = [];
    const query = async (text: string, values?: unknown[]) => {
      statements.push([text, values]);
      return { rows: [], rowCount: 0 };
    };
    const database = { query } as unknown as Database;
    const parts = {
      clocks: new ClocksRepository(database),
      steps: new StepsRepository(database),
      notices: new NoticesRepository(database, ['slack']),
      reports: new FirstTouchReportRepository(database),
    };
    return { parts, statements };
  }
});
