import { describe, expect, it } from 'vitest';
import { checkIntent } from './check-rules.js';
import { hostOf } from './directory.repository.js';
import { readRoutingRules } from './rules.js';

const leadsTo = (owner: object, more: object) =>
  JSON.parse(JSON.stringify(more).replace(/\}$/u, `,"then":${JSON.stringify(owner)}}`)) as object;
const reps = [{ id: 'ann' }, { id: 'bo' }];
const pools = [{ name: 'all', members: [{ rep: 'ann' }, { rep: 'bo' }] }];
const base = { reps, pools, fallback: { pool: 'all' } };
const rule = (name: string, when: object) => leadsTo({ rep: 'ann' }, { name, when });
const place = (name: string, rep: string, where: object) => leadsTo({ rep }, { name, ...where });

function found(document: object, users: { userId: string; active: boolean }[] | null = null): string[] {
  const read = readRoutingRules(document);
  const list = 'problems' in read ? read.problems : checkIntent(read.rules.source, users);
  return list.map(({ path, message }) => `${path}: ${message}`);
}

describe('rules', () => {
  it.each<[string, object, RegExp]>([
    ['an unknown rep', { ...base, fallback: { rep: 'zoe' } }, /fallback\.rep: `zoe` is none of the reps/],
    ['an unknown pool', { ...base, fallback: { pool: 'x' } }, /fallback\.pool: `x` is none of the pools/],
    ['no fallback', { reps, pools }, /fallback: is required/],
    ['two owners', { ...base, fallback: { pool: 'all', rep: 'ann' } }, /fallback: must name one of/],
    [
      'a fallback without weight',
      { ...base, pools: [{ name: 'all', members: [{ rep: 'ann', weight: 0 }] }] },
      /no member with a weight above 0/,
    ],
    [
      'a wrong time zone',
      { ...base, reps: [{ id: 'ann', timeZone: 'Mars' }, { id: 'bo' }] },
      /reps\[0\]: time zone "Mars" is not an IANA name/,
    ],
    ['a rep twice', { ...base, reps: [...reps, { id: 'ann' }] }, /reps: the name `ann` occurs more than once/],
    [
      'two reps who are one user',
      {
        ...base,
        reps: [
          { id: 'ann', crmUserId: 'u' },
          { id: 'bo', crmUserId: 'u' },
        ],
      },
      /several reps are the user `u`/,
    ],
    [
      'a condition without a comparison',
      { ...base, rules: [rule('a', { field: 'email' })] },
      /rules\[0\]\.when: must compare `field`/,
    ],
    [
      'an unknown field',
      { ...base, rules: [rule('a', { field: 'scroe', eq: 1 })] },
      /rules\[0\]\.when\.field: must be email, domain/,
    ],
    ['an unknown key', { ...base, fallbck: 1 }, /fallbck: is not known here/],
    [
      'an unknown list of holidays',
      { ...base, reps: [{ id: 'ann', holidays: 'DE' }, { id: 'bo' }] },
      /holidays: `DE` is none of the lists/,
    ],
    [
      'users that are one',
      {
        ...base,
        reps: [
          { id: 'ann', crmUserId: '005000000000001' },
          { id: 'bo', crmUserId: '005000000000001AAA' },
        ],
      },
      /several reps are the user `005000000000001AAA`/,
    ],
    ...['25:00-08:00', '20:00-20:00', '00:00-24:00'].map((quietHours): [string, object, RegExp] => [
      `the quiet hours ${quietHours}`,
      { ...base, firstTouch: { minutes: { other: 5 }, quietHours } },
      /firstTouch\.quietHours: .* is no range of times/,
    ]),
  ])('with %s are refused', (_, document, message) => {
    expect(found(document).join('\n')).toMatch(message);
  });

  const hot = { field: 'enrichment.fitScore', gte: 80 };
  it.each<[string, object, RegExp | null]>([
    ['the same rule twice', { rules: [rule('a', hot), rule('b', hot)] }, /rules\[1\]: the rule `b` is never reached/],
    [
      'a narrower rule below',
      {
        rules: [rule('a', { field: 'enrichment.fitScore', gte: 50 }), rule('b', { all: [hot, { field: 'email', known: true }] })],
      },
      /`b` is never reached/,
    ],
    [
      'a list within a list',
      { rules: [rule('a', { field: 'country', in: ['DE', 'AT'] }), rule('b', { field: 'country', eq: 'de' })] },
      /`b` is never reached/,
    ],
    ['a wider rule below', { rules: [rule('a', hot), rule('b', { field: 'enrichment.fitScore', gte: 50 })] }, null],
    ['another field', { rules: [rule('a', hot), rule('b', { field: 'email', known: true })] }, null],
    [
      'a pool that no rule names',
      { pools: [...pools, { name: 'x', members: [{ rep: 'bo' }] }] },
      /no rule leads to the pool `x`/,
    ],
    ['a pool without members', { pools: [...pools, { name: 'x', members: [] }] }, /the pool `x` has no members/],
    [
      'a weight of zero',
      { pools: [{ name: 'all', members: [{ rep: 'ann' }, { rep: 'bo', weight: 0 }] }] },
      /the weight of `bo` is 0/,
    ],
    ['a rep in no pool', { reps: [...reps, { id: 'cy' }] }, /reps\[2\]: `cy` is in no pool and no rule/],
    [
      'territories that overlap',
      { territories: [place('A', 'ann', { countries: ['DE'] }), place('B', 'bo', { countries: ['FR', 'de'] })] },
      /`B` overlaps `A`/,
    ],
    [
      'territories of other dimensions',
      { territories: [place('A', 'ann', { countries: ['DE'] }), place('B', 'bo', { countries: ['DE'], regions: ['NRW'] })] },
      null,
    ],
    ['an unknown country', { territories: [place('A', 'ann', { countries: ['Atlantis'] })] }, /`Atlantis` is no country/],
  ])('with %s: %#', (_, more, message) => {
    const warnings = found({ ...base, ...more }).join('\n');
    if (message === null) expect(warnings).toBe('');
    else expect(warnings).toMatch(message);
  });

  it('are compared with the users of the CRM, where these are known', () => {
    expect(found(base)).toEqual([]);
    expect(found(base, [{ userId: 'ann', active: false }])).toEqual([
      'reps[0].crmUserId: the user `ann` is inactive in the CRM',
      'reps[1].crmUserId: `bo` is no user of the CRM',
    ]);
    const [user, id] = ['005000000000001AAA', '005000000000001'];
    const rules = { reps: [{ id: 'ann', crmUserId: id }], pools: [], fallback: { rep: 'ann' } };
    const firstTouch = { minutes: { other: 5 }, slackUsers: { [id]: 'U012', '005000000000002': 'U013' }, automationUsers: ['x'] };
    expect(found({ ...rules, firstTouch }, [{ userId: user, active: true }])).toEqual([
      'firstTouch.slackUsers: `005000000000002` is no user of the CRM',
      'firstTouch.automationUsers: `x` is no user of the CRM',
    ]);
  });

  it('say where the steps of the first touch end', () => {
    expect(found({ ...base, firstTouch: { minutes: { other: 5 } } })).toEqual([
      expect.stringMatching(
        /^firstTouch\.maxReassignments: after 2 owners the last one keeps the lead, since the fallback is a pool/,
      ),
    ]);
    const remind = JSON.parse('[{ "do": "remind", "atPercent": 50 }]') as unknown;
    expect(found({ ...base, firstTouch: { minutes: { other: 5 }, steps: remind } })).toEqual([]);
  });
});

describe('the host of a website', () => {
  it.each([
    ['https://www.Acme.com/de?x', 'acme.com'],
    ['acme.co.uk', 'acme.co.uk'],
    ['http://shop.acme.com:8080', 'shop.acme.com'],
    ['n/a', null],
    ['', null],
    [null, null],
  ])('%s is %s', (website, host) => {
    expect(hostOf(website)).toBe(host);
  });
});
