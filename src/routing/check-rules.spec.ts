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
    ['an unknown key', { ...base, fallbck: 1 }, /fallbck: is not known here; did you mean fallback\?/],
    [
      'an unknown key of a member',
      { ...base, pools: [{ name: 'all', members: [{ rep: 'ann', wieght: 2 }] }] },
      /pools\[0\]\.members\[0\]\.wieght: is not known here; did you mean weight\?/,
    ],
    [
      'an unknown key of a condition',
      { ...base, rules: [rule('a', { all: [{ feild: 'email', known: true }] })] },
      /rules\[0\]\.when\.all\[0\]\.feild: is not known here; did you mean field\?/,
    ],
    [
      'conditions nested without end',
      JSON.parse(`{"rules":[{"name":"a","when":${'{"not":'.repeat(50_000)}1${'}'.repeat(50_000)}}]}`) as object,
      /must not be nested more than 100 levels/,
    ],
    ['half of a character', { ...base, name: '\ud83d' }, /half of a character/],
    ['a key that is nothing like one', { ...base, zzz: 1 }, /zzz: is not known here$/m],
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
    [
      'territories that overlap in other words',
      { territories: [place('A', 'ann', { countries: ['DE'] }), place('B', 'bo', { countries: ['Germany'] })] },
      /`B` overlaps `A`/,
    ],
    [
      'a country in other words below',
      { rules: [rule('a', { field: 'country', in: ['Germany'] }), rule('b', { field: 'country', eq: 'DEU' })] },
      /`b` is never reached/,
    ],
    ['an unknown country in a rule', { rules: [rule('a', { field: 'country', in: ['DE', 'EMEA'] })] }, /`EMEA` is no country/],
    [
      'hours that name a day twice',
      { reps: [{ id: 'ann', hours: { 'mon-fri': '09:00-17:00', wed: '09:00-12:00', sat: '09:00-12:00' } }, { id: 'bo' }] },
      /^reps\[0\]\.hours: `mon-fri` and `wed` name the same day, which has the hours of both$/,
    ],
    ['an unknown band', { rules: [rule('a', { field: 'band', eq: 'lukewarm' })] }, /`lukewarm` is none of cold, warm, hot/],
    [
      'an unknown intent',
      { rules: [rule('a', { not: { field: 'enrichment.intent', eq: 'hihg' } })] },
      /when\.not: `hihg` is none/,
    ],
    [
      'a field that no lead has',
      { rules: [rule('a', { field: 'enrichment.fitscore', gte: 80 })] },
      /`enrichment\.fitscore` is a field that no lead has; did you mean enrichment\.fitScore\?/,
    ],
    ['bounds that no number meets', { rules: [rule('a', { ...hot, lte: 20 })] }, /no number is at least 80 and at most 20/],
    ['text for a domain', { rules: [rule('a', { field: 'email', matchesDomain: 'Acme Inc' })] }, /`acme inc` is no domain/],
    ['a name for a domain', { targets: [place('A', 'ann', { domains: ['acme'] })] }, /`acme` is the domain of no company/],
    ['a mail provider', { targets: [place('A', 'ann', { domains: ['gmail.com'] })] }, /`gmail\.com` is a mail provider/],
    [
      'a domain in two lists',
      { targets: [place('A', 'ann', { domains: ['acme.com'] }), place('B', 'bo', { domains: ['https://www.Acme.com/'] })] },
      /targets\[1\]\.domains: `acme\.com` is also in `A` above/,
    ],
    [
      'a range with a hyphen',
      { territories: [place('A', 'ann', { postalCodes: ['80000-81999'] })] },
      /a range is written `80000\.\.81999`/,
    ],
    ['a range backwards', { territories: [place('A', 'ann', { postalCodes: ['82..81'] })] }, /`82\.\.81` is no range/],
    ['codes with a hyphen', { territories: [place('A', 'ann', { postalCodes: ['00-950', '12345-6789', 'D-80'] })] }, null],
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
    const managed = { ...rules, reps: [{ id: 'ann', crmUserId: id, manager: 'zoe' }] };
    expect(found(managed, [{ userId: user, active: true }])).toEqual([
      'reps[0].manager: `zoe` is none of the reps and no user of the CRM',
    ]);
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
    ['www.acme.com.', 'acme.com'],
    ['müller.de', 'xn--mller-kva.de'],
    ['https://www.facebook.com/acme', null],
    ['sites.google.com/view/acme', null],
    ['https://www.linkedin.com', 'linkedin.com'],
    ['http://shop.acme.com:8080', 'shop.acme.com'],
    ['n/a', null],
    ['', null],
    [null, null],
  ])('%s is %s', (website, host) => {
    expect(hostOf(website)).toBe(host);
  });
});
