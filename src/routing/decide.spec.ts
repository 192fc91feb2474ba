import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { World } from './availability.js';
import type { LeadFacts } from './conditions.js';
import { decide, type DecisionRequest } from './decide.js';
import type { Turn } from './pool-turn.js';
import { readRoutingRules, type CompiledRules } from './rules.js';
import { readableTrace } from './trace.js';

function compiled(document: object): CompiledRules {
  const read = readRoutingRules(document);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.rules;
}

interface State {
  at?: string;
  inactive?: string[];
  absent?: Record<string, { from: string; to: string }[]>;
  open?: Record<string, number>;
}

function worldOf({ at = '2026-11-27T12:00:00Z', inactive = [], absent = {}, open = {} }: State = {}): World & {
  at: Date;
} {
  const turns = new Map<string, Map<string, Turn>>();
  const today = new Map<string, number>();
  let stamp = 0;
  return {
    at: new Date(at),
    member: (ownerId) => ({ active: !inactive.includes(ownerId), absent: absent[ownerId] ?? [] }),
    turnsOf(pool) {
      const found = turns.get(pool) ?? new Map<string, Turn>();
      turns.set(pool, found);
      return found;
    },
    today: (rep) => today.get(rep) ?? 0,
    open: (rep) => open[rep] ?? 0,
    given: ({ rep }) => void today.set(rep, (today.get(rep) ?? 0) + 1),
    nextStamp: () => ++stamp,
  };
}

function requestOf(lead: Partial<LeadFacts> & { fitScore?: number } = {}, more: Partial<DecisionRequest> = {}): DecisionRequest {
  const { fitScore = 50, ...facts } = lead;
  const enrichment = { fitScore, intent: 'high' as const };
  const known = { email: 'jo@acme.com', campaignId: 'c1', attributes: {}, enrichment, band: 'warm', account: null };
  return { lead: { ...known, ...facts }, existing: null, excluded: new Map(), ...more };
}

const rep = (id: string, more: object = {}) => ({ id, crmUserId: `005-${id}`, ...more });
const REPS = ['ann', 'bo', 'cy'].map((id) => rep(id));
const pool = (name: string, members = ['ann', 'bo', 'cy'], more: object = {}) => ({
  name,
  members: members.map((each) => ({ rep: each })),
  ...more,
});
/** With `then` written as JSON: an object literal with this key is taken for a promise. */
const rule = (name: string, when: object, target: object): object =>
  JSON.parse(`{"name":"${name}","when":${JSON.stringify(when)},"then":${JSON.stringify(target)}}`) as object;
const place = (name: string, where: object, target: object): object =>
  JSON.parse(`{"name":"${name}",${JSON.stringify(where).slice(1, -1)},"then":${JSON.stringify(target)}}`) as object;
const base = { reps: REPS, pools: [pool('all')], fallback: { queue: '00G-inbox' } };
const toAll = rule('Everyone', { field: 'email', known: true }, { pool: 'all' });
const account = { id: '001A', ownerId: '005-bo', name: 'Acme', type: 'Customer', industry: null };

describe('a decision', () => {
  const document = {
    ...base,
    targets: [place('Top 100', { domains: ['acme.com'] }, { rep: 'cy' })],
    territories: [
      place('Germany', { countries: ['DE'] }, { rep: 'ann' }),
      place('Bavaria', { countries: ['DE'], regions: ['Bayern', 'Bavaria'] }, { rep: 'bo' }),
      place('Munich', { countries: ['DE'], postalCodes: ['80', '81'] }, { rep: 'cy' }),
    ],
    rules: [
      rule(
        'Hot',
        { all: [{ field: 'enrichment.fitScore', gte: 80 }, { not: { field: 'domain', matchesDomain: 'rival.com' } }] },
        { rep: 'ann' },
      ),
      toAll,
    ],
  };
  const of = (attributes: Record<string, string>, more = {}) => ({ email: 'jo@other.com', attributes, ...more });

  it.each<[string, Parameters<typeof requestOf>, string, string]>([
    ['the existing owner', [{ account }, { existing: { ownerId: '005-cy', source: 'in the CRM' } }], 'existing owner', '005-cy'],
    ['the account', [{ account }], 'matched account', '005-bo'],
    ['the target list', [{ email: 'jo@mail.acme.com' }], 'Top 100', '005-cy'],
    ['the territory', [of({ country: 'Germany' })], 'Germany', '005-ann'],
    ['the more specific territory', [of({ country: 'de', state: 'Bayern' })], 'Bavaria', '005-bo'],
    ['the longest postal code', [of({ country: 'Deutschland', state: 'Bayern', zip: '80 331' })], 'Munich', '005-cy'],
    ['a rule', [of({}, { fitScore: 80 })], 'Hot', '005-ann'],
    ['the negation in a rule', [{ email: 'jo@eu.rival.com', fitScore: 90 }], 'Everyone', '005-ann'],
  ])('is made by %s', (_, request, ruleName, ownerId) => {
    const decision = decide(compiled(document), requestOf(...request), worldOf());
    expect(decision).toMatchObject({ rule: ruleName, owner: { ownerId } });
    expect(decision.trace.at(-1)).toMatchObject({ outcome: 'chosen' });
  });

  it('says of each rule before why it did not decide, and quotes no value of the lead', () => {
    const rules = compiled(document);
    const { trace } = decide(rules, requestOf({ email: 'jo@other.com', attributes: { country: 'FR' } }), worldOf());
    expect(readableTrace(trace, rules.source).map(({ name, outcome }) => [name, outcome])).toEqual([
      ['matched account', 'no-match'],
      ['target lists', 'no-match'],
      ['Germany', 'no-match'],
      ['Bavaria', 'no-match'],
      ['Munich', 'no-match'],
      ['Hot', 'no-match'],
      ['Everyone', 'matched'],
      ['pool all', 'chosen'],
    ]);
    expect(JSON.stringify(trace)).not.toMatch(/other\.com|FR/);
  });

  it('tells missing data from no match, within all, any and not', () => {
    const rules = [
      rule(
        'A',
        {
          all: [
            { field: 'attributes.size', gte: 5 },
            { field: 'attributes.country', eq: 'FR' },
          ],
        },
        { rep: 'ann' },
      ),
      rule('B', { not: { field: 'attributes.size', gte: 5 } }, { rep: 'ann' }),
      rule(
        'C',
        {
          any: [
            { field: 'attributes.size', gte: 5 },
            { field: 'attributes.country', in: ['DE'] },
          ],
        },
        { rep: 'bo' },
      ),
    ];
    const { source } = compiled({ ...base, rules });
    const { owner, trace } = decide(compiled({ ...base, rules }), requestOf({ attributes: { country: 'DE' } }), worldOf());
    expect(owner).toMatchObject({ rep: 'bo' });
    expect(readableTrace(trace, source).map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(
      expect.arrayContaining(['A no-match', 'B missing-data', 'C matched']),
    );
  });

  it.each([
    ['an inactive owner', { inactive: ['005-bo'] }, 'is inactive'],
    ['an absent owner', { absent: { '005-bo': [{ from: '2026-11-27T11:00', to: '2026-11-27T13:00' }] } }, 'is absent'],
  ])('passes over the account of %s', (_, state, why) => {
    const { rule: name, trace } = decide(compiled({ ...base, rules: [toAll] }), requestOf({ account }), worldOf(state));
    expect(name).toBe('Everyone');
    expect(trace[0]).toMatchObject({ outcome: 'skipped', why: expect.stringContaining(why) });
  });

  it('passes over the account of an owner who is no rep, where the rules say so', () => {
    const accounts = { owners: 'reps' };
    const rules = compiled({ ...base, accounts, rules: [toAll] });
    expect(decide(rules, requestOf({ account: { ...account, ownerId: '005-import' } }), worldOf())).toMatchObject({
      rule: 'Everyone',
      trace: [{ outcome: 'skipped', why: expect.stringContaining('who is none of the reps') }, {}, {}],
    });
    expect(decide(rules, requestOf({ account }), worldOf()).rule).toBe('matched account');
  });

  it.each<[string, object, State, string | null]>([
    ['to the fallback', {}, {}, '00G-inbox'],
    ['to who works first', { whenNone: 'next-working' }, {}, '005-bo'],
    ['to another pool', { whenNone: { pool: 'night' } }, {}, '005-cy'],
  ])('goes %s where no member is there', (_, more, state, ownerId) => {
    const hours = { 'mon-fri': '09:00-17:00' };
    const reps = [rep('ann', { hours }), rep('bo', { hours, timeZone: 'Europe/Berlin' }), rep('cy')];
    const pools = [pool('all', ['ann', 'bo'], more), pool('night', ['cy'])];
    const rules = compiled({ ...base, reps, pools, rules: [toAll] });
    // A Saturday; Monday begins in Berlin first.
    const decision = decide(rules, requestOf(), worldOf({ at: '2026-11-28T12:00:00Z', ...state }));
    expect(decision.owner?.ownerId ?? null).toBe(ownerId);
  });

  it('gives a lead to a member of the fallback rather than to whenNone, and never to an absent one', () => {
    const reps = [
      rep('ann', { hours: {} }),
      rep('bo', { dailyCap: 0 }),
      rep('cy', { absences: [{ from: '2026-11-01', to: '2026-11-30' }] }),
    ];
    const rules = compiled({ ...base, reps, rules: [toAll], fallback: { pool: 'all' } });
    const world = worldOf();
    const owners = Array.from({ length: 4 }, () => decide(rules, requestOf(), world).owner?.rep);
    expect(owners).toEqual(['ann', 'bo', 'ann', 'bo']);
    const none = decide(rules, requestOf(), worldOf({ inactive: ['005-ann', '005-bo'] }));
    expect(none.owner).toBeNull();
    expect(none.trace.at(-1)).toMatchObject({ name: 'CRM', outcome: 'chosen' });
  });

  it('keeps to caps per day and of open leads', () => {
    const reps = [rep('ann', { dailyCap: 2 }), rep('bo', { openCap: 3 }), rep('cy')];
    const rules = compiled({ ...base, reps, rules: [toAll] });
    const world = worldOf({ open: { bo: 3 } });
    expect(Array.from({ length: 6 }, () => decide(rules, requestOf(), world).owner!.rep)).toEqual([
      'ann',
      'cy',
      'ann',
      'cy',
      'cy',
      'cy',
    ]);
  });

  it.each([
    ['before the clocks go forward', '2026-03-27T08:30:00Z', true],
    ['before the clocks go forward, too early', '2026-03-27T07:30:00Z', false],
    ['after it', '2026-03-30T07:30:00Z', true],
    ['on a public holiday', '2026-12-25T10:00:00Z', false],
    ['in the free half of a day', '2026-12-24T12:00:00Z', false],
    ['in the worked half of it', '2026-12-24T10:00:00Z', true],
  ])('counts hours in the time zone of the member: %s', (_, at, there) => {
    const absences = [{ from: '2026-12-24T12:00', to: '2026-12-24T18:00' }];
    const own = { timeZone: 'Europe/Berlin', hours: { 'mon-fri': '09:00-17:00' }, absences, holidays: 'DE' };
    const document = {
      ...base,
      reps: [rep('ann', own)],
      holidays: { DE: ['2026-12-25'] },
      pools: [pool('all', ['ann'])],
      rules: [toAll],
    };
    expect(decide(compiled(document), requestOf(), worldOf({ at })).owner!.rep === 'ann').toBe(there);
  });

  it('gives each member its share whatever leads come in what batches, and is the same each time', () => {
    const leads = fc.array(fc.record({ country: fc.constantFrom('DE', 'US', ''), score: fc.integer({ min: 0, max: 100 }) }), {
      minLength: 1,
      maxLength: 200,
    });
    const rules = compiled({
      ...base,
      pools: [
        pool('all'),
        {
          name: 'dach',
          members: [
            { rep: 'ann', weight: 3 },
            { rep: 'bo', weight: 2 },
          ],
        },
      ],
      rules: [rule('DACH', { field: 'attributes.country', in: ['DE'] }, { pool: 'dach' }), toAll],
    });
    fc.assert(
      fc.property(leads, (batch) => {
        const run = () => {
          const world = worldOf();
          return batch.map(({ country, score }) =>
            decide(rules, requestOf({ fitScore: score, attributes: country ? { country } : {} }), world),
          );
        };
        const decisions = run();
        expect(run()).toEqual(decisions);
        for (const [name, shares] of Object.entries({ dach: { ann: 0.6, bo: 0.4 }, all: { ann: 1 / 3, bo: 1 / 3, cy: 1 / 3 } })) {
          const ofPool = decisions.filter((each) => each.pool === name);
          for (const [member, share] of Object.entries(shares)) {
            const had = ofPool.filter(({ owner }) => owner!.rep === member).length;
            expect(Math.abs(had - share * ofPool.length)).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it('does not give a lead back to an owner who had it', () => {
    const rules = compiled({ ...base, rules: [toAll], fallback: { pool: 'all' } });
    const excluded = new Map([
      ['005-ann', 'had it before'],
      ['005-cy', 'had it before'],
    ]);
    expect(decide(rules, requestOf({}, { excluded }), worldOf()).owner).toMatchObject({ rep: 'bo' });
  });
});
