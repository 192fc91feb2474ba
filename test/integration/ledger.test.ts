import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/app-error.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { LEADS_PER_JOB } from '../../src/domain/lead-jobs.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { BulkActionsRepository } from '../../src/ledger/bulk-actions.repository.js';
import type { LeadToAccept } from '../../src/ledger/intake.repository.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
let ledger: LedgerRepositories;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 5, timeoutMs: 5000, name: 'test' });
  ledger = ledgerOn(pool, { contentIgnore: ['timestamp'] });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('TRUNCATE ledger.leads, ledger.events CASCADE'));

function lead(overrides: Partial<LeadToAccept> = {}): LeadToAccept {
  const email = overrides.email ?? 'ann@acme.com';
  const campaignId = overrides.campaignId ?? 'c1';
  return {
    id: leadIdOf(email, campaignId),
    personKey: personKeyOf(email),
    email,
    emailRaw: email,
    campaignId,
    name: 'Ann Lee',
    attributes: { title: 'VP Sales' },
    ...overrides,
  };
}

const enrichment: Enrichment = {
  fitScore: 80,
  intent: 'high',
  confidence: 0.6,
  evidence: [],
  reasoning: 'A reason.',
  scoreSource: 'heuristic',
  needsRescore: false,
  flags: [],
  provider: 'heuristic',
  scorerVersion: 'test',
};
const crm = { provider: 'postgres', leadId: '00Q1', memberId: '00v1' };

const fields = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => [`${prefix}${String(index).padStart(3, '0')}`, 'v'] as const);

async function kindsOf(id: string): Promise<string[]> {
  const found = await ledger.leads.findLead(id);
  expect(found!.events.map((event) => event.seq)).toEqual(found!.events.map((_, index) => index + 1));
  return found!.events.map((event) => event.kind);
}

describe('accept', () => {
  it('takes a lead once; the same content again changes nothing at all', async () => {
    const first = await ledger.intake.accept(lead());
    const before = await ledger.leads.findLead(first.leadId);
    const second = await ledger.intake.accept(lead({ emailRaw: 'ANN@acme.com' }));
    expect([first.outcome, second.outcome]).toEqual(['accepted', 'duplicate']);
    expect(await ledger.leads.findLead(first.leadId)).toEqual(before);
  });

  it('does not take a volatile attribute or a missing field for a change', async () => {
    await ledger.intake.accept(lead({ attributes: { title: 'VP Sales', timestamp: '1' } }));
    expect((await ledger.intake.accept(lead({ attributes: { title: 'VP Sales', timestamp: '2' } }))).outcome).toBe('duplicate');
    expect((await ledger.intake.accept(lead({ name: null, attributes: {} }))).outcome).toBe('duplicate');
  });

  it('makes a revision of changed content, and keeps what the new one does not mention', async () => {
    const { leadId } = await ledger.intake.accept(lead());
    const second = await ledger.intake.accept(lead({ name: null, attributes: { title: 'CEO', phone: '1' } }));
    expect(second).toMatchObject({ outcome: 'updated', revision: 2 });
    const { lead: row, events } = (await ledger.leads.findLead(leadId))!;
    expect(row).toMatchObject({ name: 'Ann Lee', attributes: { title: 'CEO', phone: '1' }, revision: 2, state: 'received' });
    expect(events[1]!.detail).toEqual({
      revision: 2,
      changed: { title: { from: 'VP Sales', to: 'CEO' }, phone: { from: null, to: '1' } },
    });
  });

  it('resolves a hundred concurrent posts of one key in order: one row, gap-free audit', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ledger.intake.accept(lead({ attributes: { step: String(index >> 2) } }))),
    );
    const count = (outcome: string) => outcomes.filter((answer) => answer.outcome === outcome).length;
    expect([count('accepted'), count('updated'), count('duplicate')]).toEqual([1, 24, 75]);
    const { lead: row } = (await ledger.leads.findLead(lead().id))!;
    expect(row.revision).toBe(25);
    expect(row.attributes).toEqual({ step: '24' });
    expect(await kindsOf(row.id)).toHaveLength(25);
  });

  it('answers exact repeats that arrive together with the commit of the first', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => ledger.intake.accept(lead())));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', ...Array.from({ length: 49 }, () => 'duplicate')]);
    // A repeat after other content is not a duplicate: the newest content counts.
    const words = ['a', 'b', 'a'].map((title) => ledger.intake.accept(lead({ attributes: { title } })));
    expect((await Promise.all(words)).map(({ outcome }) => outcome)).toEqual(['updated', 'updated', 'updated']);
    expect((await ledger.leads.findLead(lead().id))!.lead.attributes).toEqual({ title: 'a' });
  });

  it('gives two processes racing for one key one row, with one of them first', async () => {
    const other = ledgerOn(pool, { worker: 'other' });
    for (let round = 0; round < 30; round++) {
      const request = lead({ campaignId: `race-${round}` });
      const outcomes = await Promise.all([ledger.intake.accept(request), other.intake.accept(request)]);
      expect(outcomes.map((answer) => answer.outcome).toSorted()).toEqual(['accepted', 'duplicate']);
    }
  });

  it('lets a value that PostgreSQL cannot store fail alone', async () => {
    const good = Array.from({ length: 20 }, (_, index) => lead({ email: `a${index}@acme.com` }));
    const bad = lead({ email: 'bad@acme.com', name: 'a\u0000b' });
    const results = await Promise.allSettled(
      [...good.slice(0, 10), bad, ...good.slice(10)].map((item) => ledger.intake.accept(item)),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(20);
    expect((results[10] as PromiseRejectedResult).reason).toBeInstanceOf(AppError);
    expect(await ledger.leads.findLead(bad.id)).toBeNull();
  });
});

describe('the bounds of a lead', () => {
  it('remove the oldest fields that do not fit, never those that were sent, and say so in its events', async () => {
    const { leadId } = await ledger.intake.accept(lead({ attributes: Object.fromEntries(fields('a', 250)) }));
    await ledger.intake.accept(lead({ attributes: Object.fromEntries(fields('b', 250)) }));
    expect(Object.keys((await ledger.leads.findLead(leadId))!.lead.attributes)).toHaveLength(500);
    const last = Object.fromEntries(fields('c', 2));
    expect(await ledger.intake.accept(lead({ attributes: last }))).toMatchObject({ outcome: 'updated', revision: 3 });
    const { lead: row, events } = (await ledger.leads.findLead(leadId))!;
    expect(Object.keys(row.attributes)).toHaveLength(500);
    expect(row.attributes).toMatchObject(last);
    expect(events.at(-1)!.detail['removedFields']).toEqual(['b248', 'b249']);
    expect((await ledger.intake.accept(lead({ attributes: last }))).outcome).toBe('duplicate');
  });

  it('hold for bytes too', async () => {
    const big = (key: string) => lead({ attributes: { [key]: 'x'.repeat(50_000) } });
    for (const key of ['a', 'b', 'c', 'd']) await ledger.intake.accept(big(key));
    const { lead: row, events } = (await ledger.leads.findLead(lead().id))!;
    expect(Object.keys(row.attributes)).toEqual(['a', 'd']);
    expect(events.map(({ detail }) => detail['removedFields'])).toEqual([undefined, undefined, ['b'], ['c']]);
  });

  it('keep the first and the newest events, and one for those between', async () => {
    await ledger.intake.accept(lead({ attributes: { step: '0' } }));
    await pool.query('UPDATE ledger.leads SET event_seq = 700');
    await pool.query(
      "INSERT INTO ledger.events (lead_id, seq, kind) SELECT id, seq, 'x' FROM ledger.leads, generate_series(2, 700) seq",
    );
    for (const step of ['1', '2']) await ledger.intake.accept(lead({ attributes: { step } }));
    const { events } = (await ledger.leads.findLead(lead().id))!;
    const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
    expect(events.map(({ seq }) => seq)).toEqual([...numbers(1, 101), ...numbers(203, 702)]);
    expect(events[100]).toMatchObject({ kind: 'events-removed', detail: { upTo: 202 } });
    expect(events.at(-1)!.kind).toBe('revised');
  });
});

describe('the fence', () => {
  it('refuses the checkpoint of a run that was overtaken by another claim', async () => {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    const frozen = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
    const second = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
    await ledger.results.checkpoint(second, enrichment);
    await expect(ledger.results.checkpoint(frozen, { ...enrichment, fitScore: 1 })).rejects.toMatchObject({ code: 'STALE_RUN' });
    expect((await ledger.leads.findLead(leadId))!.lead.enrichment!.fitScore).toBe(80);
  });

  it('refuses every late write of a run that a new revision has overtaken', async () => {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
    await ledger.intake.accept(lead({ attributes: { title: 'CEO' } }));
    const error = { stage: 'enrichment', code: 'X', class: 'transient', message: '', at: '2026-01-01T00:00:00Z' } as const;
    await expect(ledger.results.checkpoint(claim, enrichment)).rejects.toMatchObject({ code: 'STALE_RUN' });
    await expect(ledger.results.recordFailure(claim, error, null)).rejects.toMatchObject({ code: 'STALE_RUN' });
    expect(await kindsOf(leadId)).toEqual(['received', 'revised']);
  });

  it('gives nothing to a job of an older epoch', async () => {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    await ledger.intake.accept(lead({ attributes: { title: 'CEO' } }));
    expect(await ledger.claims.claimForEnrichment({ leadId, epoch })).toBeNull();
    expect(await ledger.claims.claimForEnrichment({ leadId, epoch: epoch + 1 })).not.toBeNull();
  });
});

describe('the way of a lead', () => {
  it('goes received, enriched, synced, each once', async () => {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    await ledger.results.checkpoint((await ledger.claims.claimForEnrichment({ leadId, epoch }))!, enrichment);
    expect(await ledger.claims.claimForEnrichment({ leadId, epoch })).toBeNull();
    const claim = (await ledger.claims.claimForSync({ leadId, epoch }))!;
    expect(claim.projection.lead.id).toBe(leadId);
    await ledger.results.markSynced(claim, crm);
    expect(await ledger.claims.claimForSync({ leadId, epoch })).toBeNull();
    expect((await ledger.leads.findLead(leadId))!.lead).toMatchObject({
      state: 'synced',
      crm,
      attempts: { enrichment: 0, 'crm-sync': 0 },
    });
    expect(await kindsOf(leadId)).toEqual(['received', 'enriched', 'synced']);
  });

  it('projects the newest scored content of the person, whichever row asks', async () => {
    const old = await ledger.intake.accept(lead({ campaignId: 'c1' }));
    const young = await ledger.intake.accept(lead({ campaignId: 'c2', attributes: { title: 'CEO' } }));
    await ledger.results.checkpoint((await ledger.claims.claimForEnrichment(old))!, enrichment);
    // The newer row has no score yet, so the projection is the older row.
    expect((await ledger.claims.claimForSync(old))!.projection.lead.id).toBe(old.leadId);
    await ledger.results.checkpoint((await ledger.claims.claimForEnrichment(young))!, enrichment);
    const [a, b] = [(await ledger.claims.claimForSync(old))!, (await ledger.claims.claimForSync(young))!];
    expect([a.projection.lead.id, b.projection.lead.id]).toEqual([young.leadId, young.leadId]);
    expect(a.projection.version).toBe(b.projection.version);
  });

  it('counts failures by stage, and starts anew with a revision', async () => {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    const fail = async (at: Date | null) => {
      const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
      await ledger.results.recordFailure(
        claim,
        { stage: 'enrichment', code: 'AI_UNAVAILABLE', class: 'dependency-down', message: 'm', at: '2026-01-01T00:00:00Z' },
        at,
      );
      return claim.attempts;
    };
    expect([await fail(new Date()), await fail(new Date()), await fail(null)]).toEqual([0, 1, 2]);
    expect((await ledger.leads.findLead(leadId))!.lead).toMatchObject({
      state: 'dead',
      attempts: { enrichment: 3, 'crm-sync': 0 },
    });
    expect(await ledger.claims.claimForEnrichment({ leadId, epoch })).toBeNull();
    await ledger.intake.accept(lead({ attributes: { title: 'CEO' } }));
    expect((await ledger.leads.findLead(leadId))!.lead).toMatchObject({
      state: 'received',
      attempts: { enrichment: 0 },
      lastError: null,
    });
    expect(await kindsOf(leadId)).toEqual(['received', 'attempt-failed', 'attempt-failed', 'dead-lettered', 'revised']);
  });
});

describe('leads from the spool', () => {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  const spooled = (receivedAt: string, entry: string, title: string) => ({
    ...lead({ attributes: { title } }),
    receivedAt,
    entry,
  });

  it('are taken in their order, each content a revision', async () => {
    const answers = await ledger.intake.acceptSpooled([
      spooled(at(-9), '1-0', 'a'),
      spooled(at(-8), '2-0', 'b'),
      spooled(at(-7), '3-0', 'b'),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['accepted', 'updated', 'duplicate']);
    const { lead: row } = (await ledger.leads.findLead(lead().id))!;
    expect([row.attributes, row.revision]).toEqual([{ title: 'b' }, 2]);
  });

  it('are history only where the ledger has newer content, once, however often they are drained', async () => {
    await ledger.intake.accept(lead({ attributes: { title: 'new' } }));
    for (let drain = 0; drain < 2; drain++) {
      expect((await ledger.intake.acceptSpooled([spooled(at(-60), '1-0', 'old')]))[0]!.outcome).toBe('duplicate');
    }
    const { lead: row, events } = (await ledger.leads.findLead(lead().id))!;
    expect([row.attributes, row.revision, row.state]).toEqual([{ title: 'new' }, 1, 'received']);
    expect(events.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['received', 1],
      ['late-content', 2],
    ]);
    expect(events[1]!.detail).toMatchObject({ attributes: { title: 'old' }, entry: '1-0' });
  });
});

describe('an unreachable PostgreSQL', () => {
  it('is an error with a code', async () => {
    const nowhere = openPool({ url: 'postgres://u:p@127.0.0.1:1/x', max: 1, timeoutMs: 300, name: 'test' });
    const cut = ledgerOn(nowhere);
    await expect(cut.intake.accept(lead())).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await nowhere.end();
  });
});

describe('a statement that PostgreSQL refuses', () => {
  /** Simulates a service version whose statement names a missing column. */
  async function withoutColumn(name: string, act: () => Promise<unknown>): Promise<void> {
    await pool.query(`ALTER TABLE ledger.leads RENAME COLUMN ${name} TO gone`);
    try {
      await act();
    } finally {
      await pool.query(`ALTER TABLE ledger.leads RENAME COLUMN gone TO ${name}`);
    }
  }

  it('is our mistake and no outage: no lead waits for PostgreSQL to come back', async () => {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    await withoutColumn('claimed_by', async () => {
      const refused = ledger.claims.claimForEnrichment({ leadId, epoch });
      await expect(refused).rejects.toMatchObject({ code: 'UNEXPECTED', message: expect.stringContaining('42703') });
    });
    expect(await ledger.claims.claimForEnrichment({ leadId, epoch })).not.toBeNull();
  });

  it('is no outage for a webhook either: the ack path stays open for the next lead', async () => {
    await withoutColumn('replaced', () => expect(ledger.intake.accept(lead())).rejects.toMatchObject({ code: 'UNEXPECTED' }));
    expect((await ledger.intake.accept(lead())).outcome).toBe('accepted');
  });

  it('that one lead alone provokes fails for that lead alone', async () => {
    await pool.query("ALTER TABLE ledger.leads ADD CONSTRAINT refuse CHECK (name <> 'provokes')");
    try {
      const names = Array.from({ length: 21 }, (_, index) => (index === 10 ? 'provokes' : `Ann ${index}`));
      const results = await Promise.allSettled(
        names.map((name, index) => ledger.intake.accept(lead({ email: `a${index}@acme.com`, name }))),
      );
      const refused = results.flatMap((result, index) => (result.status === 'rejected' ? [[index, result.reason.code]] : []));
      expect(refused).toEqual([[10, 'UNEXPECTED']]);
    } finally {
      await pool.query('ALTER TABLE ledger.leads DROP CONSTRAINT refuse');
    }
  });
});

describe('a correction that changes the key of a dead letter', () => {
  async function deadLetter() {
    const { leadId, epoch } = await ledger.intake.accept(lead());
    const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
    const error = { stage: 'enrichment', code: 'X', class: 'permanent', message: '', at: '2026-01-01T00:00:00Z' } as const;
    await ledger.results.recordFailure(claim, error, null);
    return leadId;
  }
  const corrected = lead({ email: 'anne@acme.com' });

  it('stores the new lead and discards the old one together', async () => {
    const id = await deadLetter();
    expect(await ledger.deadLetters.replaceDeadLetter(id, corrected, 'bea')).toMatchObject({ outcome: 'accepted' });
    expect((await ledger.leads.findLead(id))!.events.at(-1)).toMatchObject({
      kind: 'discarded',
      detail: { by: 'bea', reason: `corrected as ${corrected.id}` },
    });
    expect((await ledger.leads.findLead(corrected.id))!.lead.state).toBe('received');
  });

  it('stores nothing where the old one is no dead letter, or cannot be discarded', async () => {
    const { leadId } = await ledger.intake.accept(lead());
    expect(await ledger.deadLetters.replaceDeadLetter(leadId, corrected, 'bea')).toBeNull();
    await pool.query('TRUNCATE ledger.leads, ledger.events CASCADE');
    const id = await deadLetter();
    await pool.query("ALTER TABLE ledger.leads ADD CONSTRAINT refuse CHECK (state <> 'discarded')");
    await expect(ledger.deadLetters.replaceDeadLetter(id, corrected, 'bea')).rejects.toMatchObject({ code: 'UNEXPECTED' });
    await pool.query('ALTER TABLE ledger.leads DROP CONSTRAINT refuse');
    expect([(await ledger.leads.findLead(id))!.lead.state, await ledger.leads.findLead(corrected.id)]).toEqual(['dead', null]);
  });
});

describe('rejections that are open', () => {
  it('come oldest first and all of them, also those that are replayed meanwhile', async () => {
    const { rejections } = ledger;
    const rejected = { contentType: 'application/json', code: 'INVALID_BODY', detail: '', problems: [] };
    const ids: string[] = [];
    for (let n = 0; n < 120; n++) ids.push(await rejections.storeRejection({ ...rejected, body: Buffer.from(String(n)) }));
    const seen: string[] = [];
    for await (const { id } of rejections.openRejections(110)) {
      seen.push(id);
      if (seen.length % 2 === 0) await rejections.markReplayed(id, lead().id, 'bea');
    }
    expect(seen).toEqual(ids.slice(0, 110));
    expect(await rejections.countOpenRejections()).toBe(65);
  });
});

it('a dead worker leaves the leads of its jobs: those it had not begun, had claimed, and had failed without a later job', async () => {
  const accept = (name: string) => ledger.intake.accept(lead({ email: `${name}@acme.com` }));
  const [waits, claimed, failed] = [await accept('waits'), await accept('claimed'), await accept('failed')];
  const [elsewhere, dead] = [await accept('elsewhere'), await accept('dead')];
  const named = [waits, claimed, failed, elsewhere, dead];
  const [dying, living] = [ledgerOn(pool, { worker: 'dying' }), ledgerOn(pool, { worker: 'living' })];
  const error = { stage: 'enrichment', code: 'X', class: 'transient', message: '', at: '2026-01-01T00:00:00Z' } as const;
  const dueAt = new Date(Date.now() + 3_600_000);
  await dying.claims.claimForEnrichment(claimed);
  await dying.results.recordRetry((await dying.claims.claimForEnrichment(failed))!, error, dueAt);
  await dying.results.recordFailure((await dying.claims.claimForEnrichment(dead))!, error, null);
  await living.claims.claimForEnrichment(elsewhere);
  const open = await ledger.openLeads.openLeadsOfDeadWorkers(named, ['dying']);
  expect(new Map(open.map(({ leadId, epoch, nextAttemptAt }) => [leadId, [epoch, nextAttemptAt]]))).toEqual(
    new Map([
      [waits.leadId, [1, null]],
      [claimed.leadId, [1, null]],
      [failed.leadId, [2, dueAt]],
    ]),
  );
});

it('a person with more leads than a job may name is synced again in jobs of that size', async () => {
  const campaigns = Array.from({ length: LEADS_PER_JOB + 1 }, (_, index) => `c${index}`);
  const [{ personKey }] = (await Promise.all(
    campaigns.map(async (campaignId) => {
      await ledger.intake.accept(lead({ campaignId }));
      return lead({ campaignId });
    }),
  )) as [LeadToAccept];
  await pool.query("UPDATE ledger.leads SET state = 'synced', enrichment = $1, crm = $2", [enrichment, crm]);
  const again = await ledger.erasures.recordForgotten({ id: randomUUID(), personKey, failures: 0 }, 1);
  expect(again).toHaveLength(campaigns.length);
  const sizes = new Map<string, number>();
  for (const { jobId } of again) sizes.set(jobId, (sizes.get(jobId) ?? 0) + 1);
  expect(Math.max(...sizes.values())).toBeLessThanOrEqual(LEADS_PER_JOB);
});

describe('a bulk replay of dead letters', () => {
  const people = ['ann@acme.com', 'bob@acme.com', 'cy@acme.com'].map((email) => lead({ email }));
  const [ann, bob, cy] = people.map(({ id }) => id) as [string, string, string];

  async function started() {
    for (const { id: leadId } of people) {
      const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch: 1 }))!;
      const error = { stage: 'enrichment', code: 'X', class: 'permanent', message: '', at: '2026-01-01T00:00:00Z' } as const;
      await ledger.results.recordFailure(claim, error, null);
    }
    const actions = new BulkActionsRepository(ledger.database);
    const openIds = people.map(({ id }) => id);
    const asked = { kind: 'replay-dead-letters', who: 'bea', filter: { code: 'X' }, perSecond: 3 } as const;
    const id = randomUUID();
    await actions.recordBulkAction({ id, ...asked, leadIds: [], openIds });
    // A form that is sent twice begins it once.
    await actions.recordBulkAction({ id, ...asked, leadIds: [], openIds });
    const due = async () => (await actions.listOpenRows()).find((open) => open.id === id);
    const stored = async () =>
      (await pool.query('SELECT to_jsonb(b) AS row FROM ledger.bulk_actions b WHERE id = $1', [id])).rows;
    return { id, actions, due, stored };
  }
  const erase = (email: string) =>
    ledger.erasures.erasePerson({ personKey: personKeyOf(email), rejections: [], spooled: 0, who: 'bea', graceMs: 0 });

  beforeEach(async () => {
    await pool.query('TRUNCATE ledger.bulk_actions');
    await Promise.all(people.map((person) => ledger.intake.accept(person)));
  });

  it('refuses a lead that has another error by now, and leaves it as it is', async () => {
    const { id, actions, due } = await started();
    await pool.query(`UPDATE ledger.leads SET last_error = last_error || '{"code": "Y"}' WHERE id = $1`, [bob]);
    const leads = await ledger.deadLetters.replayOpenRows((await due())!);
    expect(leads.map(({ leadId }) => leadId).toSorted()).toEqual([ann, cy].toSorted());
    expect(await actions.findBulkAction(id)).toMatchObject({ open: 0, refused: [{ id: bob, code: 'NOT_FOUND' }], leadCount: 2 });
    expect((await ledger.leads.findLead(bob))!.lead.state).toBe('dead');
  });

  it('names no lead that is erased: while it waits, after it was refused, or as it has its turn', async () => {
    const { id, actions, due, stored } = await started();
    const turn = (await due())!;
    await erase('ann@acme.com');
    expect(JSON.stringify(await stored())).not.toContain(ann);
    expect((await due())!.rows).toEqual([bob, cy]);
    await ledger.deadLetters.replayOpenRows(turn);
    expect(JSON.stringify(await stored())).not.toContain(ann);
    await actions.settleRows(id, { settled: [], leadIds: [], refused: [{ id: bob, code: 'NOT_FOUND', detail: '' }] });
    await erase('bob@acme.com');
    expect(JSON.stringify(await stored())).not.toContain(bob);
    expect(await actions.findBulkAction(id)).toMatchObject({ open: 0, refused: [], leadCount: 1 });
  });
});
