import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/app-error.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import type { LeadInput } from '../../src/domain/lead.js';
import type { WebhookCall } from '../../src/ledger/marketo-calls.repository.js';
import type { ReconciliationRun } from '../../src/ledger/marketo-runs.repository.js';
import { DEFAULT_FIELD_MAP } from '../../src/marketo/field-map.js';
import { acceptRepair } from '../../src/marketo/reconciliation/accept-repair.js';
import { Random } from '../chaos/random.js';
import { eventually } from '../support/eventually.js';
import { FULL } from '../support/full.js';
import { inChunks, marketoWorld, type MarketoWorld } from '../support/marketo-world.js';

const MINUTE = 60_000;
const CAMPAIGN = 987;
let world: MarketoWorld;
let count = 0;

beforeAll(async () => {
  world = await marketoWorld({ limits: { calls: Infinity } });
});
afterAll(() => world.close());
beforeEach(async () => {
  world.fake.calls.length = 0;
  await world.pool.query('UPDATE ledger.marketo_stages SET leased_until = NULL, open_until = NULL, failures = 0');
});

type Fate = 'arrives' | 'lost before' | 'answer lost' | 'repeated' | 'rejected';

/** Marketo calls our webhook for a new person, and this comes of it. */
async function called(fate: Fate, { campaign = CAMPAIGN, at = Date.now(), sentAs = String(campaign) } = {}) {
  const email = `person${++count}@acme.com`;
  const id = world.fake.people.add({ email, firstName: 'Ann', lastName: `No ${count}`, company: 'Acme' });
  const error = fate === 'lost before' || fate === 'answer lost' ? 'Read timed out' : undefined;
  const log = () => world.fake.activities.webhookCalled({ personId: id, campaignId: campaign, at, ...(error ? { error } : {}) });
  if (fate === 'rejected') {
    const body = Buffer.from(`{"email": , "marketo_id": "${id}"}`);
    await world.ledger.rejections.storeRejection({
      contentType: 'application/json',
      body,
      code: 'INVALID_BODY',
      detail: '',
      problems: [],
    });
  } else if (fate !== 'lost before') {
    await world.webhook({ id, email, name: `Ann No ${count}`, company: 'Acme' } as never, sentAs);
  }
  log();
  if (fate === 'repeated') log();
  return { id, email, leadId: leadIdOf(email, sentAs) };
}

const isThere = async (leadId: string) =>
  (await world.pool.query('SELECT 1 FROM ledger.leads WHERE id = $1', [leadId])).rowCount === 1;
const eventsOf = async (leadId: string) =>
  (
    await world.pool.query<{ kind: string; detail: { notes?: { kind: string }[] } }>(
      'SELECT kind, detail FROM ledger.events WHERE lead_id = $1 ORDER BY seq',
      [leadId],
    )
  ).rows;
const newestRun = async (): Promise<ReconciliationRun> => (await world.runs.newest(1))[0]!;
const classOf = async (id: number) =>
  (
    await world.pool.query<{ class: string }>('SELECT class FROM ledger.marketo_calls WHERE marketo_id = $1 ORDER BY guid', [id])
  ).rows.map((row) => row.class);

describe('a window', () => {
  it('classes each call, reports what is missing, and takes nothing in', async () => {
    const there = await called('arrives');
    const repeated = await called('repeated');
    const late = await called('answer lost');
    const lost = await called('lost before');
    const rejected = await called('rejected');
    const gone = await called('lost before');
    world.fake.people.remove(gone.id);
    const bare = await called('lost before');
    world.fake.people.get(bare.id)!['email'] = 'no address';
    await world.reconciliation('one', { mode: 'report' }).poll();
    expect(await newestRun()).toMatchObject({
      mode: 'report',
      counts: { matched: 3, 'answer-lost': 1, missing: 1, rejected: 1, gone: 1, unusable: 1 },
    });
    expect(await Promise.all([there, repeated, late, lost, rejected, gone, bare].map(({ id }) => classOf(id)))).toEqual([
      ['matched'],
      ['matched', 'matched'],
      ['answer-lost'],
      ['missing'],
      ['rejected'],
      ['gone'],
      ['unusable'],
    ]);
    expect(await isThere(lost.leadId)).toBe(false);
    expect(await world.calls.countMissing()).toMatchObject({ count: 1 });
    expect(await world.calls.missing(10)).toMatchObject([{ leadId: lost.leadId, failed: true }]);
  });

  it('is repaired through the code of the webhook, with its source in the trail, and audited', async () => {
    const [missing] = await world.calls.missing(10);
    await world.reconciliation().poll();
    expect(await isThere(missing!.leadId!)).toBe(true);
    expect(await eventsOf(missing!.leadId!)).toMatchObject([
      { kind: 'received', detail: { notes: [{ kind: 'reconciliation' }] } },
    ]);
    expect(await world.calls.countMissing()).toEqual({ count: 0, oldest: null });
    const acts = await world.ledger.auditLog.listActs({ act: 'marketo-repair' }, 10, null);
    expect(acts).toMatchObject([{ who: 'reconciliation', detail: { repaired: 1 } }]);
  });

  it('overlaps the one before, so a call that Marketo logs late is found once', async () => {
    const at = Date.now() - 20 * MINUTE;
    const lost = await called('lost before', { at });
    const activity = world.fake.activities.all.at(-1)!;
    activity.visibleAt = Date.now() + MINUTE;
    await world.reconciliation().poll();
    expect(await isThere(lost.leadId)).toBe(false);
    activity.visibleAt = 0;
    await world.reconciliation().poll();
    await world.reconciliation().poll();
    expect(await eventsOf(lost.leadId)).toHaveLength(1);
  });

  it('that fails is not passed over, and is continued by another process at the page where it was', async () => {
    const lost = await Promise.all(Array.from({ length: 5 }, () => called('lost before')));
    const before = (await world.stages.stages()).find(({ stage }) => stage === 'marketo-reconciliation')!.position;
    world.fake.activities.emptyEvery = 2;
    world.fake.failNext({ kind: 'drop' }, 1, /leads\.json/);
    await world.reconciliation('one').poll();
    const after = (await world.stages.stages()).find(({ stage }) => stage === 'marketo-reconciliation')!;
    expect(after).toMatchObject({ position: before, code: 'MARKETO_UNAVAILABLE' });
    expect(await newestRun()).toMatchObject({ endedAt: null, readAll: true, code: 'MARKETO_UNAVAILABLE' });
    await world.pool.query('UPDATE ledger.marketo_stages SET leased_until = NULL, open_until = NULL');
    world.fake.calls.length = 0;
    await world.reconciliation('two').poll();
    expect(world.fake.callsOf('/rest/v1/activities.json')).toEqual([]);
    for (const { leadId } of lost) expect(await isThere(leadId)).toBe(true);
    expect(await newestRun()).toMatchObject({ endedAt: expect.any(Date), code: null });
    world.fake.activities.emptyEvery = 0;
  });

  it('whose pages lead nowhere fails instead of using up the calls of the day', async () => {
    const lost = await called('lost before');
    world.fake.activities.stuck = true;
    await world.reconciliation().poll();
    expect(world.fake.callsOf('/rest/v1/activities.json')).toHaveLength(1);
    expect(await newestRun()).toMatchObject({ endedAt: null, code: 'MARKETO_UNAVAILABLE' });
    world.fake.activities.stuck = false;
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    await world.reconciliation().poll();
    expect(await isThere(lost.leadId)).toBe(true);
  });

  it('that fails again and again is read from its begin: the paging token may be the cause, whatever Marketo answers', async () => {
    const lost = await called('lost before');
    world.fake.failNext({ kind: 'code', code: '611' }, 10, /activities\.json/);
    for (let failures = 1; failures <= 10; failures++) {
      await world.reconciliation().poll();
      await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
      if (failures === 1) await world.pool.query("UPDATE ledger.marketo_runs SET token = 'old' WHERE ended_at IS NULL");
      expect((await newestRun()).token).toBe(failures < 10 ? 'old' : null);
    }
    await world.reconciliation().poll();
    expect(await isThere(lost.leadId)).toBe(true);
  });

  it('stops between two pages where the calls of the day are used up', async () => {
    await called('lost before');
    world.fake.activities.emptyEvery = 1;
    let checks = 0;
    const check = async () => {
      if (++checks > 3) throw new AppError('MARKETO_DAILY_LIMIT_REACHED', 'used up', { retryAfterMs: 1 });
    };
    await world.reconciliation('one', { quota: { check } }).poll();
    world.fake.activities.emptyEvery = 0;
    expect(world.fake.callsOf('/rest/v1/activities.json')).toHaveLength(2);
    expect(await newestRun()).toMatchObject({ endedAt: null, code: 'MARKETO_DAILY_LIMIT_REACHED' });
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    await world.reconciliation().poll();
    expect(await newestRun()).toMatchObject({ endedAt: expect.any(Date) });
  });

  it('finds one lost call of a person whose other call was rejected, and the call whose campaign is not named', async () => {
    const rejected = await called('rejected');
    world.fake.activities.webhookCalled({ personId: rejected.id, campaignId: CAMPAIGN, at: Date.now() });
    const unnamed = await called('arrives');
    world.fake.activities.all.at(-1)!.campaignId = null;
    await world.reconciliation('one', { mode: 'report' }).poll();
    expect((await classOf(rejected.id)).toSorted()).toEqual(['missing', 'rejected']);
    expect(await classOf(unnamed.id)).toEqual(['matched']);
    await world.reconciliation().poll();
    expect((await classOf(rejected.id)).toSorted()).toEqual(['rejected', 'repaired']);
  });

  it('counts leads of Marketo that its log has no call for, as where MARKETO_WEBHOOK names another webhook', async () => {
    const other = await called('arrives');
    await called('arrives');
    Object.assign(world.fake.activities.all.at(-2)!, { primaryAttributeValueId: 9, primaryAttributeValue: 'Renamed' });
    // A window leaves its last minutes to the next one.
    const ago = "now() - interval '15 minutes'";
    await world.pool.query(`UPDATE ledger.events SET at = ${ago} WHERE lead_id = $1`, [other.leadId]);
    const run = await world.runs.request('ann', 'report', new Date(Date.now() - 30 * MINUTE));
    await world.reconciliation().poll();
    expect((await world.runs.find(run.id))!.counts).toMatchObject({ unlogged: 1 });
    world.fake.activities.all.splice(-2, 1);
  });

  it('names other webhooks, and takes nothing in for their calls', async () => {
    const other = await called('lost before');
    Object.assign(world.fake.activities.all.at(-1)!, { primaryAttributeValueId: 9, primaryAttributeValue: 'Other' });
    await world.reconciliation().poll();
    expect(await newestRun()).toMatchObject({ webhooks: ['Other (9)'] });
    expect(await isThere(other.leadId)).toBe(false);
  });

  it('that an operator asks for does not move the watermark, and is run where the schedule is off', async () => {
    const lost = await called('lost before', { at: Date.now() - 300 * MINUTE });
    const run = await world.runs.request('ann', 'repair', new Date(Date.now() - 400 * MINUTE));
    const before = (await world.stages.stages()).find(({ stage }) => stage === 'marketo-reconciliation')!.position;
    await world.reconciliation('one', { mode: 'off' }).poll();
    expect(await world.runs.find(run.id)).toMatchObject({ requestedBy: 'ann', counts: { repaired: expect.any(Number) } });
    expect(await isThere(lost.leadId)).toBe(true);
    expect((await world.stages.stages()).find(({ stage }) => stage === 'marketo-reconciliation')!.position).toEqual(before);
  });
});

describe('a repair', () => {
  it('takes in at most its limit, and the rest in the next run', async () => {
    const lost = await Promise.all(Array.from({ length: 5 }, () => called('lost before')));
    const there = () => Promise.all(lost.map(({ leadId }) => isThere(leadId))).then((all) => all.filter(Boolean).length);
    await world.reconciliation('one', { repairLimit: 2 }).poll();
    expect(await there()).toBe(2);
    await world.reconciliation('one').poll();
    expect(await there()).toBe(5);
  });

  it('compares by e-mail where the template sends no id, and learns from that what the template sends', async () => {
    const own = await marketoWorld();
    const log = (id: number) => own.fake.activities.webhookCalled({ personId: id, campaignId: CAMPAIGN, at: Date.now() });
    const people = [1, 2, 3].map((n) => {
      const email = `plain${n}@acme.com`;
      return { email, id: own.fake.people.add({ email }) };
    });
    // Of the first two the webhook arrived.
    for (const { email } of people.slice(0, 2)) await own.webhook({ email }, CAMPAIGN);
    for (const { id } of people) log(id);
    const fieldMap = { ...DEFAULT_FIELD_MAP, webhook: { fields: { email: 'email' }, campaigns: {} } };
    await own.reconciliation('one', { fieldMap }).poll();
    expect((await own.runs.newest(1))[0]).toMatchObject({ counts: { matched: 2, repaired: 1 } });
    await own.close();
  });

  it('makes no lead where the campaign_id that the template sends is not known', async () => {
    // This campaign's webhook sends a text of its own.
    for (let n = 0; n < 3; n++) await called('arrives', { campaign: 555, sentAs: 'launch_2024' });
    await world.reconciliation().poll();
    const lost = await called('lost before', { campaign: 555, sentAs: 'launch_2024' });
    const unknown = await called('lost before', { campaign: 556 });
    await world.reconciliation().poll();
    expect(await isThere(lost.leadId)).toBe(true);
    expect(await isThere(leadIdOf(lost.email, '555'))).toBe(false);
    // Templates differ, so nothing says what an unseen campaign sends.
    expect(await isThere(unknown.leadId)).toBe(false);
    expect(await world.calls.missing(1)).toMatchObject([{ reason: expect.stringContaining('webhook.campaigns') }]);
    const fieldMap = { ...DEFAULT_FIELD_MAP, webhook: { ...DEFAULT_FIELD_MAP.webhook, campaigns: { '556': 'named' } } };
    await world.reconciliation('one', { fieldMap }).poll();
    expect(await isThere(leadIdOf(unknown.email, 'named'))).toBe(true);
  });

  it('does not bring back a person who was erased, and takes in a call of after the erasure', async () => {
    const lost = await called('lost before');
    const there = await called('arrives');
    const person = { rejections: [], spooled: 0, who: 'ann', graceMs: 0 };
    await world.pool.query("UPDATE ledger.marketo_stages SET position = now() WHERE stage = 'marketo-sync'");
    await world.ledger.erasures.erasePerson({ ...person, personKey: personKeyOf(there.email) });
    await world.reconciliation().poll();
    expect(await isThere(there.leadId)).toBe(false);
    expect(await classOf(there.id)).toEqual(['erased']);
    expect(await isThere(lost.leadId)).toBe(true);
    world.fake.activities.webhookCalled({ personId: there.id, campaignId: CAMPAIGN, at: Date.now() + 2000 });
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await world.reconciliation().poll();
    expect(await isThere(there.leadId)).toBe(true);
  });

  it('does not bring back a person who is erased between the look-up and the acceptance', async () => {
    const lost = await called('lost before');
    // The erasure waits for a lead that another statement holds, and has not ended when the repair begins.
    const held = await world.webhook({ id: lost.id, email: lost.email }, 'other');
    const holder = await world.pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM ledger.leads WHERE id = $1 FOR UPDATE', [held]);
    const person = { rejections: [], spooled: 0, who: 'ann', graceMs: 0 };
    const erased = world.ledger.erasures.erasePerson({ ...person, personKey: personKeyOf(lost.email) });
    const waiting = async (count: number) =>
      expect((await world.pool.query('SELECT 1 FROM pg_locks WHERE NOT granted')).rowCount).toBe(count);
    await eventually(() => waiting(1));
    const repair = world.reconciliation().poll();
    await eventually(() => waiting(2));
    await holder.query('COMMIT');
    holder.release();
    await Promise.all([erased, repair]);
    expect(await isThere(lost.leadId)).toBe(false);
    // The erasure has removed the call too; the next window has it again.
    await world.reconciliation().poll();
    expect(await classOf(lost.id)).toEqual(['erased']);
    expect(await isThere(lost.leadId)).toBe(false);
  });

  it('takes in the others where the ledger cannot store one', async () => {
    const [bad, good] = [await called('lost before'), await called('lost before')];
    const accept = async (input: LeadInput, call: WebhookCall) => {
      if (input.email === bad.email) throw new AppError('INVALID_LEAD', 'PostgreSQL cannot store a value of this lead.');
      return acceptRepair({ repairs: world.repairs, publisher: { publish: () => {} } }, input, call);
    };
    await world.reconciliation('one', { accept }).poll();
    expect(await Promise.all([bad, good].map(({ id }) => classOf(id)))).toEqual([['unusable'], ['repaired']]);
    expect(await isThere(good.leadId)).toBe(true);
    expect(await newestRun()).toMatchObject({ endedAt: expect.any(Date), code: null });
  });

  it('makes no second lead of a person whose address was changed in Marketo after a repeated call', async () => {
    const there = await called('arrives');
    await world.score(there.leadId, 50);
    await world.updates.collect();
    await world.updates.collect();
    await world.reconciliation().poll();
    world.fake.activities.webhookCalled({ personId: there.id, campaignId: CAMPAIGN, at: Date.now() });
    const email = `changed${count}@acme.com`;
    world.fake.people.get(there.id)!['email'] = email;
    await world.reconciliation().poll();
    expect(await classOf(there.id)).toEqual(['matched', 'matched']);
    expect(await isThere(leadIdOf(email, String(CAMPAIGN)))).toBe(false);
    // With content that the ledger does not have, the call was lost: the webhook would have sent the new address.
    world.fake.activities.webhookCalled({ personId: there.id, campaignId: CAMPAIGN, at: Date.now() });
    world.fake.people.get(there.id)!['company'] = 'New';
    await world.reconciliation().poll();
    expect(await isThere(leadIdOf(email, String(CAMPAIGN)))).toBe(true);
  });

  it('makes no revision of a person who was merged after the call, whose activities are of the surviving record now', async () => {
    const merged = await called('arrives');
    const winner = world.fake.people.add({ email: merged.email, firstName: 'Ann', lastName: `No ${count}`, company: 'Acme' });
    world.fake.merge(merged.id, winner);
    await world.reconciliation().poll();
    expect(await classOf(winner)).toEqual(['matched']);
    expect(await eventsOf(merged.leadId)).toHaveLength(1);
  });

  it('does not bring back a person whose Marketo id was never known here, even where Marketo was not in use', async () => {
    const lost = await called('lost before');
    const positions = await world.pool.query('SELECT stage, position FROM ledger.marketo_stages');
    await world.pool.query('UPDATE ledger.marketo_stages SET position = NULL');
    const person = { rejections: [], spooled: 0, who: 'ann', graceMs: 0 };
    await world.ledger.erasures.erasePerson({ ...person, personKey: personKeyOf(lost.email) });
    for (const { stage, position } of positions.rows)
      await world.pool.query('UPDATE ledger.marketo_stages SET position = $2 WHERE stage = $1', [stage, position]);
    await world.reconciliation().poll();
    expect(await classOf(lost.id)).toEqual(['erased']);
    expect(await isThere(lost.leadId)).toBe(false);
    // What is kept is neither the address nor the key in the CRM.
    const { rows } = await world.pool.query('SELECT e::text AS row FROM ledger.marketo_erasures e');
    expect(JSON.stringify(rows)).not.toContain(personKeyOf(lost.email));
  });
});

describe('an erased person', () => {
  it('is remembered for eight days, and longer while an open run or a window of before the erasure may still need it', async () => {
    const day = (count: number) => new Date(Date.now() - count * 1440 * MINUTE);
    const left = async () => {
      await world.ledger.erasures.prune();
      return (await world.pool.query('SELECT marketo_id::int AS id FROM ledger.marketo_erasures ORDER BY id')).rows.map(
        ({ id }) => id,
      );
    };
    await world.pool.query('DELETE FROM ledger.marketo_erasures');
    await world.pool.query(
      `INSERT INTO ledger.marketo_erasures (marketo_id, at, fields, done_at)
       SELECT n, at, '{}', at FROM unnest($1::timestamptz[]) WITH ORDINALITY AS e (at, n)`,
      [[day(91), day(12), day(9), day(7)]],
    );
    const run = await world.runs.request('ann', 'repair', day(10.5));
    expect(await left()).toEqual([3, 4]);
    await world.runs.finish(run, {}, 0);
    const set = 'UPDATE ledger.marketo_stages SET extracted_until = $1';
    await world.pool.query(set, [day(9)]);
    expect(await left()).toEqual([3, 4]);
    await world.pool.query(set, [null]);
    expect(await left()).toEqual([4]);
  });
});

describe('many calls', () => {
  it('with 3 % lost before us, 3 % of answers lost, and outages of both: exactly the lost ones are taken in, each once', async () => {
    const many = FULL ? 10_000 : 900;
    const own = await marketoWorld();
    const shared = world;
    world = own;
    try {
      const random = new Random(23);
      // For a while this service is down, and each call is lost.
      const isAway = (n: number) => n >= many / 3 && n < many / 3 + many / 50;
      const fates = Array.from({ length: many }, (_, n): Fate =>
        isAway(n) || random.chance(0.03) ? 'lost before' : random.chance(0.03) ? 'answer lost' : 'arrives',
      );
      const base = Date.now() - 2 * MINUTE;
      const leads = await inChunks(many, async (n) => {
        const { leadId } = await called(fates[n]!, { at: base + n });
        return { fate: fates[n]!, leadId };
      });
      const lost = leads.filter(({ fate }) => fate === 'lost before');
      const events = async () =>
        (await own.pool.query<{ count: number }>('SELECT count(*)::int AS count FROM ledger.events')).rows[0]!.count;
      own.fake.activities.emptyEvery = 3;
      own.fake.failNext({ kind: 'code', code: '611' }, 1, /activities\.json/);
      own.fake.revokeToken();
      const poller = own.reconciliation();
      for (let polls = 0; polls < 8 && (await own.runs.newest(1))[0]?.endedAt == null; polls++) {
        own.fake.down(polls === 1);
        await poller.poll();
        await own.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
      }
      expect((await newestRun()).counts).toEqual({
        matched: fates.filter((fate) => fate === 'arrives').length,
        'answer-lost': fates.filter((fate) => fate === 'answer lost').length,
        repaired: lost.length,
      });
      expect(own.fake.calls.length / many).toBeLessThanOrEqual(0.02);
      expect((await newestRun()).calls / many).toBeLessThanOrEqual(0.02);
      for (const { leadId } of lost) expect(await eventsOf(leadId)).toMatchObject([{ kind: 'received' }]);
      expect(await events()).toBe(many);
      await poller.poll();
      expect(await events()).toBe(many);
      // Nothing but reading: no score is there yet, so nothing was written to Marketo.
      expect(own.fake.calls.every(({ method }) => method === 'GET')).toBe(true);
    } finally {
      world = shared;
      await own.close();
    }
  }, 300_000);

  it('are found by their indexes', async () => {
    await world.pool.query(`INSERT INTO ledger.marketo_calls (guid, marketo_id, at, failed, class)
      SELECT 'g' || i, i, now() - i * interval '20 seconds', false, 'matched' FROM generate_series(1, 20000) i`);
    await world.pool.query('ANALYZE ledger.marketo_calls');
    for (const where of ["class = 'missing'", "at >= now() - interval '45 minutes' AND at < now()"]) {
      const { rows } = await world.pool.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT class, count(*) FROM ledger.marketo_calls WHERE ${where} GROUP BY class`,
      );
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/marketo_calls_(?:open|at)/);
    }
  });
});
