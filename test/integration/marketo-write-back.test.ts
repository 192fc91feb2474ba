import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import type { WriteBackOptions } from '../../src/marketo/write-back/write-back.poller.js';
import { ApiQuota } from '../../src/marketo/api-quota.js';
import { untilQuotaReset } from '../../src/marketo/client/quota-day.js';
import { fieldMapSchema } from '../../src/marketo/field-map.js';
import { RF_FIELDS } from '../support/fakes/marketo/people.js';
import { eventually } from '../support/eventually.js';
import { FULL } from '../support/full.js';
import { inChunks, marketoWorld, type MarketoWorld } from '../support/marketo-world.js';

let world: MarketoWorld;
let count = 0;
const nextEmail = () => `person${++count}@acme.com`;

beforeAll(async () => {
  // Without a wait between its polls this file would meet the limit of calls, and repeat what it refuses.
  world = await marketoWorld({ limits: { calls: Infinity } });
  // The first look begins now.
  await world.updates.collect();
});
afterAll(() => world.close());
beforeEach(async () => {
  world.fake.calls.length = 0;
  await world.pool.query('UPDATE ledger.marketo_stages SET leased_until = NULL, open_until = NULL, failures = 0');
});

async function scored(fitScore: number, known = true) {
  const email = nextEmail();
  const id = world.fake.people.add({ email });
  const leadId = await world.webhook({ email, ...(known ? { id } : {}) });
  await world.score(leadId, fitScore);
  return { email, id, leadId };
}

const syncs = () => world.fake.callsOf('/rest/v1/leads.json').filter(({ method }) => method === 'POST');
const inputs = () => syncs().flatMap(({ body }) => (body as { input: Record<string, unknown>[] }).input);

describe('a score', () => {
  it('is written by id, else by e-mail, and never creates a person', async () => {
    const [ann, bob] = [await scored(82), await scored(40, false)];
    const before = world.fake.people.all.length;
    await world.writeBack().poll();
    expect(world.fake.people.get(ann.id)).toMatchObject({ rfFitScore: 82, rfIntent: 'high', rfReason: 'Scored 82.' });
    expect(world.fake.people.get(bob.id)).toMatchObject({ rfFitScore: 40, rfIntent: 'low' });
    expect(world.fake.people.all).toHaveLength(before);
    expect(
      syncs()
        .map(({ body }) => (body as { lookupField: string }).lookupField)
        .toSorted(),
    ).toEqual(['email', 'id']);
    expect(syncs().every(({ body }) => (body as { action: string }).action === 'updateOnly')).toBe(true);
    expect(await world.update(bob.email)).toMatchObject({ state: 'sent', marketo_id: String(bob.id) });
  });

  it('is written again with what changed alone, and not where nothing did', async () => {
    const { email, id } = await scored(70);
    const poller = world.writeBack();
    await poller.poll();
    const [first] = inputs();
    const leadId = await world.webhook({ id, email, company: 'Acme' });
    await world.score(leadId, 70);
    world.fake.calls.length = 0;
    await poller.poll();
    // Version and time alone are no reason to write.
    expect(syncs()).toEqual([]);
    await world.score(await world.webhook({ id, email, company: 'Acme Ltd' }), 71);
    await poller.poll();
    // The time may be of the same second.
    expect(Object.keys(inputs()[0]!).filter((name) => name !== 'rfScoredAt')).toEqual([
      'id',
      'rfFitScore',
      'rfReason',
      'rfVersion',
    ]);
    expect(Object.keys(first!)).toHaveLength(7);
  });

  it('of a person who has two rows comes from the newest content, whichever is scored last', async () => {
    const { email, id, leadId } = await scored(10);
    const newer = await world.webhook({ id, email }, 988);
    await world.score(newer, 90);
    // The older row is scored again.
    await world.pool.query(`UPDATE ledger.leads SET enrichment = jsonb_set(enrichment, '{fitScore}', '15') WHERE id = $1`, [
      leadId,
    ]);
    await world.writeBack().poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 90 });
  });

  it('of two addresses with one Marketo id is the one that Marketo shows', async () => {
    const { id, email } = await scored(20);
    const other = nextEmail();
    await world.score(await world.webhook({ id, email: other }), 95);
    world.fake.people.get(id)!['email'] = other.toUpperCase();
    await world.writeBack().poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 95 });
    expect(await world.update(email)).toMatchObject({ state: 'skipped', last_code: 'MARKETO_PERSON_MISMATCH' });
  });

  it('that is a field in Marketo and sent back by a webhook makes no new revision', async () => {
    const { SCORE_ATTRIBUTES } = await import('../../src/domain/score-attributes.js');
    const { loadConfig } = await import('../../src/platform/config/config.js');
    const choices = { aiProviders: ['heuristic'], crmProviders: ['postgres'] };
    const { CONTENT_IGNORE } = loadConfig({ CONTENT_IGNORE: 'utm_*' }, choices);
    expect(CONTENT_IGNORE).toEqual(expect.arrayContaining(['utm_*', 'rfFitScore', 'rf_fit_score', ...SCORE_ATTRIBUTES]));
    expect(CONTENT_IGNORE).not.toContain('rfp');
  });
});

describe('what sales made of a person', () => {
  const assigned = async (leadId: string, email: string, ownerId: string) => {
    await world.pool.query('UPDATE routing.assignments SET ended_at = now() WHERE lead_id = $1 AND ended_at IS NULL', [leadId]);
    await world.pool.query(
      `WITH version AS (
         INSERT INTO routing.rule_versions (hash, rules, who) SELECT '\\x01'::bytea, '{}', 'test'
         WHERE NOT EXISTS (SELECT 1 FROM routing.rule_versions) RETURNING version
       )
       INSERT INTO routing.assignments (lead_id, person_key, revision, owner_id, rule, rules_version, trace)
       SELECT $1, decode($2, 'hex'), 1, $3, 'test', version, '[]'
       FROM (SELECT version FROM version UNION SELECT version FROM routing.rule_versions LIMIT 1) v`,
      [leadId, personKeyOf(email), ownerId],
    );
  };
  const became = (email: string, kind: string, at: string) =>
    world.pool.query("INSERT INTO feedback.outcomes (person_key, kind, at, source) VALUES (decode($1, 'hex'), $2, $3, 'test')", [
      personKeyOf(email),
      kind,
      at,
    ]);

  it('is written when it changes, without a new score, and costs no call where it does not', async () => {
    const { id, email, leadId } = await scored(72);
    await world.pool.query(`INSERT INTO routing.members (user_id, name) VALUES ('005A', 'Bo Meyer') ON CONFLICT DO NOTHING`);
    await assigned(leadId, email, '005A');
    const withProbability: WriteBackOptions['withProbability'] = async (projection) => ({ ...projection, probability: 0.4 });
    const poller = world.writeBack('one', { withProbability });
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 72, rfOwner: 'Bo Meyer', rfProbability: 0.4 });
    const sentSince = async () => {
      world.fake.calls.length = 0;
      await poller.poll();
      await poller.poll();
      return inputs();
    };
    expect(await sentSince()).toEqual([]);
    await became(email, 'qualified', '2026-11-27T10:00:00Z');
    expect(await sentSince()).toEqual([{ id, rfOutcome: 'qualified' }]);
    // Another call by sales takes nothing back.
    await became(email, 'touched', '2026-11-27T11:00:00Z');
    expect(await sentSince()).toEqual([]);
    await became(email, 'won', '2026-11-27T12:00:00Z');
    await assigned(leadId, email, '005B');
    expect(await sentSince()).toEqual([{ id, rfOwner: '005B', rfOutcome: 'won' }]);
    await world.ledger.erasures.erasePerson({
      personKey: personKeyOf(email),
      rejections: [],
      spooled: 0,
      who: 'ann',
      graceMs: 0,
    });
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: null, rfOwner: null, rfOutcome: null });
  });

  it('that changes during a call is written by the next one', async () => {
    const { id, email } = await scored(74);
    const poller = world.writeBack('one', {
      withProbability: async (projection) => {
        // The person is taken, and the call is about to be made.
        if (projection.lead.email === email) {
          await became(email, 'qualified', '2026-11-27T10:00:00Z');
          await world.updates.collect();
        }
        return projection;
      },
    });
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 74 });
    expect(await world.update(email)).toMatchObject({ state: 'owed' });
    await world.writeBack().poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfOutcome: 'qualified' });
    expect(await world.update(email)).toMatchObject({ state: 'sent' });
  });

  it('of before the set-up is written by a backfill; what Marketo has no field for is left out', async () => {
    const { id, email, leadId } = await scored(73);
    const { people } = world.fake;
    const { fields } = people;
    people.fields = fields.filter(({ name }) => name !== 'rfProbability');
    const withProbability: WriteBackOptions['withProbability'] = async (projection) => ({ ...projection, probability: 0.4 });
    await world.writeBack('one', { withProbability }).poll();
    expect(people.get(id)).toMatchObject({ rfFitScore: 73 });
    expect(people.get(id)!['rfProbability']).toBeUndefined();
    people.fields = fields;
    await became(email, 'converted', '2026-11-27T10:00:00Z');
    // Neither the score nor the outcome is of the time that a look has in view.
    await world.pool.query("UPDATE feedback.outcomes SET first_seen_at = now() - interval '1 day' WHERE kind = 'converted'");
    await world.pool.query("UPDATE ledger.events SET at = now() - interval '1 day' WHERE lead_id = $1", [leadId]);
    await world.writeBack().poll();
    expect(people.get(id)!['rfOutcome']).toBeUndefined();
    expect(await world.updates.backfill('', 5000, false, true)).toMatchObject({ owed: 1 });
    await world.updates.backfill('', 5000, false, false);
    await world.writeBack().poll();
    expect(people.get(id)).toMatchObject({ rfOutcome: 'converted' });
  });
});

describe('a person whom Marketo does not take', () => {
  it('is found by e-mail after a merge, and skipped where gone', async () => {
    const [merged, gone] = [await scored(60), await scored(61)];
    const winner = world.fake.people.add({ email: merged.email });
    world.fake.people.merge(merged.id, winner);
    world.fake.people.remove(gone.id);
    const poller = world.writeBack();
    await poller.poll();
    expect(world.fake.people.get(winner)).toMatchObject({ rfFitScore: 60 });
    expect(await world.update(merged.email)).toMatchObject({ state: 'sent', marketo_id: String(winner) });
    expect(await world.update(gone.email)).toMatchObject({ state: 'skipped', last_code: 'MARKETO_PERSON_GONE' });
  });

  it.each(['a webhook names', 'the address leads to'])(
    'and was made anew there gets all fields in the record that %s, though the score is as before',
    async (which) => {
      const { id, email } = await scored(62);
      const poller = world.writeBack();
      await poller.poll();
      world.fake.people.remove(id);
      const anew = world.fake.people.add({ email });
      const byId = which === 'a webhook names';
      // Of the values, the reason alone is another.
      const leadId = await world.webhook({ id: byId ? anew : id, email, company: 'New' });
      await world.score(leadId, 62);
      await world.pool.query(
        `UPDATE ledger.leads SET enrichment = jsonb_set(enrichment, '{reasoning}', '"Other."') WHERE id = $1`,
        [leadId],
      );
      await poller.poll();
      await poller.poll();
      expect(world.fake.people.get(anew)).toMatchObject({ rfFitScore: 62, rfIntent: 'high', rfReason: 'Other.' });
    },
  );

  it('is a dead letter where several have the address, and the others of the call are written', async () => {
    const [ann, bob] = [await scored(30, false), await scored(31, false)];
    world.fake.people.add({ email: ann.email });
    const poller = world.writeBack();
    await poller.poll();
    expect(await world.update(ann.email)).toMatchObject({ state: 'dead', last_code: 'MARKETO_PERSON_AMBIGUOUS' });
    expect(world.fake.people.get(bob.id)).toMatchObject({ rfFitScore: 31 });
    world.fake.people.merge(world.fake.people.all.at(-1)!.id, ann.id);
    expect(await world.updates.backfill('', 5000, true, true)).toMatchObject({ owed: expect.any(Number), next: null });
    await world.updates.backfill('', 5000, true, false);
    await poller.poll();
    expect(world.fake.people.get(ann.id)).toMatchObject({ rfFitScore: 30 });
  });

  it('is a dead letter where its lead partition is closed to us, and the others are written', async () => {
    const [ann, bob] = [await scored(32), await scored(33)];
    world.fake.people.outOfReach.add(ann.id);
    const poller = world.writeBack();
    await poller.poll();
    expect(await world.update(ann.email)).toMatchObject({ state: 'dead', last_code: 'MARKETO_PARTITION_DENIED' });
    expect(world.fake.people.get(bob.id)).toMatchObject({ rfFitScore: 33 });
    world.fake.people.outOfReach.clear();
    await world.updates.backfill('', 5000, true, false);
    await poller.poll();
    expect(world.fake.people.get(ann.id)).toMatchObject({ rfFitScore: 32 });
  });

  it('is a setting where the field is missing or of another type: the scores wait, and are written when it is there', async () => {
    const { id, email } = await scored(44);
    const { people } = world.fake;
    const poller = world.writeBack();
    const others = people.fields.filter(({ name }) => name !== 'rfReason');
    // A single person whose value no field of this type takes would be a dead letter, and then the next one.
    for (const [fields, message] of [
      [others, 'no field rfReason'],
      [[...others, { name: 'rfReason', dataType: 'integer' as const }], 'type of rfReason (integer)'],
    ] as const) {
      people.fields = [...fields];
      await poller.poll();
      const row = (await world.stages.stages()).find(({ stage }) => stage === 'marketo-sync');
      expect(row).toMatchObject({ code: 'MARKETO_MISCONFIGURED', message: expect.stringContaining(message) });
      expect(await world.update(email)).toMatchObject({ state: 'owed' });
      await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    }
    people.fields = [...others, RF_FIELDS[2]!];
    await poller.poll();
    expect(people.get(id)).toMatchObject({ rfReason: 'Scored 44.' });
  });
});

describe('the record that a webhook names', () => {
  /** Marketo's log has a call of the webhook for the record that brought a lead of the person. */
  const logged = (id: number, leadId: string) =>
    world.pool.query(
      `INSERT INTO ledger.marketo_calls (guid, marketo_id, campaign_id, at, failed, class, lead_id)
       VALUES ('logged' || $1::bigint, $1::bigint, 987, now(), false, 'matched', $2)`,
      [id, leadId],
    );

  it('is not written where it is of another person, and that person still is', async () => {
    const ann = await scored(50);
    const bob = nextEmail();
    // The template sends a wrong id.
    await world.score(await world.webhook({ id: ann.id, email: bob }), 91);
    await world.writeBack().poll();
    expect(await world.update(bob)).toMatchObject({
      state: 'dead',
      last_code: 'MARKETO_PERSON_MISMATCH',
      last_message: expect.stringContaining('another address'),
    });
    expect(world.fake.people.get(ann.id)).toMatchObject({ rfFitScore: 50 });
    expect(await world.update(ann.email)).toMatchObject({ state: 'sent' });
    // A call of the log proves nothing where two people name the record.
    await logged(ann.id, (await world.webhook({ id: ann.id, email: bob }, 988)) && ann.leadId);
    await world.identities.oweKnown();
    expect(await world.update(bob)).toMatchObject({ state: 'dead' });
  });

  it('is written where its address was changed in Marketo, once the log shows that the person was called for it', async () => {
    const { id, email, leadId } = await scored(52);
    const poller = world.writeBack();
    world.fake.people.get(id)!['email'] = nextEmail();
    await poller.poll();
    expect(await world.update(email)).toMatchObject({ state: 'dead', last_code: 'MARKETO_PERSON_MISMATCH' });
    await logged(id, leadId);
    await world.identities.oweKnown();
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 52 });
    // At the first write it is known at once.
    const next = await scored(53);
    world.fake.people.get(next.id)!['email'] = nextEmail();
    await logged(next.id, next.leadId);
    await poller.poll();
    expect(world.fake.people.get(next.id)).toMatchObject({ rfFitScore: 53 });
  });

  it('is looked at once: later scores of the person cost no look-up', async () => {
    const { id, email } = await scored(54);
    const poller = world.writeBack();
    await poller.poll();
    const lookUps = () => world.fake.calls.filter(({ query }) => query.get('filterType') === 'id');
    expect(lookUps()).toHaveLength(1);
    world.fake.people.get(id)!['email'] = nextEmail();
    await world.score(await world.webhook({ id, email, company: 'New' }), 55);
    await poller.poll();
    expect(lookUps()).toHaveLength(1);
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 55 });
  });
});

describe('a poller', () => {
  it('can be started and stopped again and again: one loop, no lease left, calls of failures counted', async () => {
    const { id } = await scored(63);
    const poller = world.writeBack('one', { everyMs: 5 });
    for (let round = 0; round < 5; round++) {
      poller.start();
      poller.start();
      await poller.stop();
      await poller.stop();
    }
    world.fake.failNext({ kind: 'code', code: '611' }, 1, /leads\.json/);
    const stage = async () => (await world.stages.stages()).find((row) => row.stage === 'marketo-sync')!;
    const [before, seen] = [(await stage()).calls, world.fake.calls.length];
    poller.start();
    await eventually(() => expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 63 }));
    await poller.stop();
    expect((await stage()).calls - before).toBe(world.fake.calls.length - seen);
    const { rows } = await world.pool.query("SELECT leased_by FROM ledger.marketo_stages WHERE stage = 'marketo-sync'");
    expect(rows).toEqual([{ leased_by: null }]);
    expect(world.fake.limits.highest.inFlight).toBeLessThan(5);
  });
});

describe('while Marketo fails', () => {
  it('nothing is called until the breaker lets one through, and then all is written', async () => {
    const { id } = await scored(55);
    const [one, two] = [world.writeBack('one'), world.writeBack('two')];
    world.fake.down(true);
    await one.poll();
    await world.pool.query("UPDATE ledger.marketo_stages SET open_until = now() + interval '1 hour', leased_until = NULL");
    world.fake.down(false);
    await two.poll();
    expect(world.fake.calls).toEqual([]);
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL, leased_until = NULL');
    await two.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 55 });
    expect((await world.stages.stages()).every(({ failures }) => failures === 0)).toBe(true);
  });

  it('one process writes at a time, a paused task writes nothing', async () => {
    const { id } = await scored(56);
    await world.writeBack('one', { windowMs: 3_600_000 }).poll();
    await world.writeBack('two').poll();
    expect(world.fake.calls).toEqual([]);
    await world.stages.pause('marketo-sync', 'ann');
    await world.writeBack('one').poll();
    expect(world.fake.calls).toEqual([]);
    await world.stages.resume('marketo-sync', 'ann');
    await world.writeBack('one').poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 56 });
  });

  // Marketo answers 604 when it stops waiting for its database, which may still write.
  it.each([{ kind: 'drop', after: true } as const, { kind: 'code', code: '604' } as const])(
    'a call with an unknown outcome is not overtaken: newer values wait until it has ended: %j',
    async (fault) => {
      const { id, email } = await scored(57);
      world.fake.failNext(fault, 1, /leads\.json/, 'POST');
      await world.writeBack('one', { holdMs: 3_600_000 }).poll();
      await world.score(await world.webhook({ id, email, company: 'New' }), 99);
      world.fake.calls.length = 0;
      await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
      await world.writeBack().poll();
      expect(syncs()).toEqual([]);
      await world.pool.query('UPDATE ledger.marketo_updates SET held_until = NULL');
      await world.writeBack().poll();
      expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 99 });
    },
  );

  it('a call that was executed without an answer leaves no older value behind, even where the score is again as before', async () => {
    const { id, email } = await scored(61);
    const poller = world.writeBack();
    await poller.poll();
    await world.score(await world.webhook({ id, email, company: 'New' }), 62);
    world.fake.failNext({ kind: 'code-after', code: '604' }, 1, /leads\.json/, 'POST');
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 62 });
    await world.score(await world.webhook({ id, email, company: 'Newer' }), 61);
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 61, rfReason: 'Scored 61.' });
  });

  it('an older call that ends after a newer one is written over', async () => {
    const { id, email } = await scored(58);
    await world.updates.collect();
    await world.identities.settle([{ personKey: personKeyOf(email), marketoId: id, seen: 'own' }]);
    const late = (await world.updates.take(100)).find(({ marketoId }) => marketoId === id);
    await world.score(await world.webhook({ id, email, company: 'Newer' }), 97);
    await world.writeBack().poll();
    world.fake.people.get(id)!['rfFitScore'] = 58;
    const { version } = late!.projection!;
    const settled = { personKey: personKeyOf(email), version, state: 'sent', fields: { rfFitScore: 58 } } as const;
    await world.updates.settle([{ ...settled, facts: null, marketoId: id, byEmail: false, code: null, message: null }]);
    await world.writeBack().poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 97 });
  });

  it('the calls of the day are not used up for others', async () => {
    const { id } = await scored(59);
    const recorded: unknown[] = [];
    const quota = new ApiQuota({
      dailyCalls: 50_000,
      stopPercent: 90,
      record: async (reading) => void recorded.push(reading),
      now: Date.now,
      logger: { warn: () => {} },
    });
    world.fake.limits.used = 46_000;
    await world.writeBack('one', { quota }).poll();
    expect(recorded).toMatchObject([{ used: 46_001 }]);
    const stage = (await world.stages.stages()).find((row) => row.stage === 'marketo-sync')!;
    expect(stage.code).toBe('MARKETO_DAILY_LIMIT_REACHED');
    // The wait is in the ledger: it holds for all processes and across restarts.
    expect(Math.abs(stage.openForMs! - untilQuotaReset(Date.now()))).toBeLessThan(60_000);
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    await world.writeBack().poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 59 });
  });
});

describe('an erasure', () => {
  const erase = (email: string) =>
    world.ledger.erasures.erasePerson({ personKey: personKeyOf(email), rejections: [], spooled: 0, who: 'ann', graceMs: 0 });

  it('clears the fields that were written, and leaves others and other people alone', async () => {
    const [ann, bob] = [await scored(64), await scored(65)];
    const poller = world.writeBack();
    await poller.poll();
    const { marketo } = await world.ledger.erasures.exportPerson(personKeyOf(ann.email));
    expect(marketo).toMatchObject([{ marketo_id: ann.id, sent: { rfFitScore: 64 } }]);
    await erase(ann.email);
    await poller.poll();
    expect(world.fake.people.get(ann.id)).toMatchObject({ email: ann.email, rfFitScore: null, rfReason: null, rfVersion: null });
    expect(world.fake.people.get(bob.id)).toMatchObject({ rfFitScore: 65 });
    expect(await world.update(ann.email)).toBeUndefined();
    expect(await world.erasures.countDue()).toBe(0);
  });

  it('during a call clears what that call has written', async () => {
    const { email, id } = await scored(66);
    await world.updates.collect();
    await world.identities.settle([{ personKey: personKeyOf(email), marketoId: id, seen: 'own' }]);
    const taken = (await world.updates.take(100)).find(({ marketoId }) => marketoId === id);
    await erase(email);
    world.fake.people.get(id)!['rfFitScore'] = 66;
    const settled = { personKey: taken!.personKey, version: taken!.projection!.version, state: 'sent' } as const;
    await world.updates.settle([
      { ...settled, fields: { rfFitScore: 66 }, facts: null, marketoId: id, byEmail: false, code: null, message: null },
    ]);
    await world.writeBack().poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: null });
  });

  it('after a call without an answer, which was the first, clears what that call has written', async () => {
    const { email, id } = await scored(68);
    world.fake.failNext({ kind: 'drop', after: true }, 1, /leads\.json/, 'POST');
    const poller = world.writeBack();
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 68 });
    await erase(email);
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: null, rfReason: null });
  });

  it('of a person with a field that Marketo has no more clears the others, and holds up no score', async () => {
    const [ann, bob] = [await scored(69), await scored(70)];
    const { people } = world.fake;
    await world.writeBack().poll();
    await world.pool.query(`UPDATE ledger.marketo_updates SET sent = sent || '{"rfOld": 1}' WHERE marketo_id = $1`, [ann.id]);
    await erase(ann.email);
    await world.score(await world.webhook({ id: bob.id, email: bob.email, company: 'New' }), 71);
    await world.writeBack().poll();
    expect(people.get(ann.id)).toMatchObject({ rfFitScore: null });
    expect(people.get(bob.id)).toMatchObject({ rfFitScore: 71 });
    expect(await world.erasures.countDue()).toBe(0);
  });

  it('is not done where Marketo gives no result for a person', async () => {
    const { email, id } = await scored(72);
    await world.writeBack().poll();
    await erase(email);
    world.fake.failNext({ kind: 'body', body: { success: true, result: [] } }, 1, /leads\.json/, 'POST');
    await world.writeBack().poll();
    expect(await world.erasures.countDue()).toBe(1);
    await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    await world.writeBack().poll();
    expect(await world.erasures.countDue()).toBe(0);
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: null });
  });

  it('leaves the fields where MARKETO_ERASE says so', async () => {
    const { email, id } = await scored(67);
    const poller = world.writeBack('one', { erase: 'leave' });
    await poller.poll();
    await erase(email);
    await poller.poll();
    expect(world.fake.people.get(id)).toMatchObject({ rfFitScore: 67 });
    expect(await world.erasures.countDue()).toBe(0);
  });
});

describe('a backlog', () => {
  it('takes at most 0.01 calls per person, under faults too, and ends with every score written once or more', async () => {
    const people = FULL ? 10_000 : 900;
    const ids = await inChunks(people, async (index) => {
      const email = nextEmail();
      const id = world.fake.people.add({ email });
      await world.score(await world.webhook({ email, id }), index % 101);
      return id;
    });
    world.fake.failNext({ kind: 'code-after', code: '604' }, 1, /leads\.json/, 'POST');
    const poller = world.writeBack();
    const stage = async () => (await world.stages.stages()).find((row) => row.stage === 'marketo-sync')!;
    const before = (await stage()).calls;
    for (let polls = 0; polls < 200 && ((await world.updates.owed()).count > 0 || polls < 2); polls++) {
      if (polls === 1) world.fake.revokeToken();
      world.fake.down(polls === 2);
      await poller.poll();
      await world.pool.query('UPDATE ledger.marketo_stages SET open_until = NULL');
    }
    for (const [index, id] of ids.entries()) expect(world.fake.people.get(id)!['rfFitScore']).toBe(index % 101);
    expect(world.fake.calls.length / people).toBeLessThanOrEqual(0.01);
    // Those that met the outage are counted too.
    expect(((await stage()).calls - before) / people).toBeLessThanOrEqual(FULL ? 0.01 : 0.015);
  }, 300_000);

  it('is found by its index, however many people are settled', async () => {
    await world.pool.query(`INSERT INTO ledger.marketo_updates (person_key, version, sent_version, state)
      SELECT sha256(i::text::bytea), 1, 1, 'sent' FROM generate_series(1, 20000) i`);
    await world.pool.query('ANALYZE ledger.marketo_updates');
    const plans = ["state = 'owed' AND due_at <= now()", "state IN ('skipped', 'dead')"];
    for (const where of plans) {
      const { rows } = await world.pool.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT state, count(*) FROM ledger.marketo_updates WHERE ${where} GROUP BY state`,
      );
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/marketo_updates_(?:due|ended)/);
    }
  });
});

describe('a field map', () => {
  it.each([
    [{ person: [{ to: 'email', from: 'leadId' }], webhook: { fields: { email: 'email' } } }, 'must not be id, email'],
    [{ person: [{ to: 'a', from: 'nothing' }], webhook: { fields: { email: 'email' } } }, 'must be campaignId'],
    [
      {
        person: [
          { to: 'a', from: 'version' },
          { to: 'A', from: 'version' },
        ],
        webhook: { fields: { email: 'email' } },
      },
      'twice',
    ],
    [{ person: [{ to: 'a', from: 'version' }], webhook: { fields: { name: 'firstName' } } }, 'needs "email"'],
  ])('that is wrong says where: %j', (map, message) => {
    expect(JSON.stringify(fieldMapSchema.safeParse(map).error?.issues)).toContain(message.replaceAll('"', '\\"'));
  });
});
