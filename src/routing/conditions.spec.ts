import { describe, expect, it } from 'vitest';
import { evaluate, type LeadFacts } from './conditions.js';
import { countryCode } from './country-codes.js';
import { THREE_LETTERS } from './country-names.js';
import { domainWord } from './domain-words.js';
import { numberRange } from './number-range.js';
import type { ConditionSource, Territory } from './rules.schema.js';
import { fitOf } from './territories.js';

const leadOf = (attributes: Record<string, string>, more: Partial<LeadFacts> = {}): LeadFacts => ({
  email: 'jo@acme.com',
  campaignId: 'c1',
  attributes,
  enrichment: { fitScore: 50, intent: 'high' },
  band: 'warm',
  account: null,
  ...more,
});

type Verdict = 'yes' | 'no' | string;
const verdictOf = (condition: ConditionSource, lead: LeadFacts): Verdict => {
  const verdict = evaluate(condition, lead);
  return 'is' in verdict ? (verdict.is ? 'yes' : 'no') : verdict.missing.join();
};

describe('a condition', () => {
  const unclear = 'exact number in attributes.employees';
  const employees = { field: 'attributes.employees', gte: 1000 };
  const size = { field: 'attributes.size', gte: 100 };
  it.each<[ConditionSource, Record<string, string>, Verdict]>([
    [employees, { employees: '5,000' }, 'yes'],
    [employees, { employees: '5.000' }, 'yes'],
    [employees, { employees: '5 000 employees' }, 'yes'],
    [employees, { employees: "5'000" }, 'yes'],
    [employees, { employees: '1,000+' }, 'yes'],
    [employees, { employees: '1001-5000' }, 'yes'],
    [employees, { employees: '1.5k' }, 'yes'],
    [employees, { employees: '51–200' }, 'no'],
    [employees, { employees: '<50' }, 'no'],
    [employees, { employees: '500-5000' }, unclear],
    [employees, { employees: '200+' }, unclear],
    [employees, { employees: 'many' }, unclear],
    [employees, { employees: '2026-11-28' }, unclear],
    [employees, {}, 'attributes.employees'],
    // What is not known is not the opposite.
    [{ not: employees }, { employees: 'many' }, unclear],
    [{ not: employees }, { employees: '11-50' }, 'yes'],
    [{ field: 'attributes.employees', lte: 200 }, { employees: '51-200' }, 'yes'],
    [size, { size: '1.500' }, 'exact number in attributes.size'],
    [size, { size: '150.5' }, 'yes'],
    [size, { size: '99,5' }, 'no'],
    [size, { size: '1e3' }, 'yes'],
    [size, { size: '-500' }, 'no'],
    [{ field: 'attributes.country', eq: 'DE' }, { country: 'DEU' }, 'yes'],
    [{ field: 'attributes.country', eq: 'Korea, Republic of' }, { country: '대한민국' }, 'yes'],
    [{ field: 'country', in: ['CI'] }, { country: "Cote d'Ivoire" }, 'yes'],
    [{ field: 'attributes.country', eq: 'DE' }, { country: 'Europe' }, 'no'],
    [{ field: 'attributes.language', in: ['de'] }, { language: 'de-AT' }, 'yes'],
    [{ field: 'attributes.language', in: ['de'] }, { language: 'de_CH' }, 'yes'],
    [{ field: 'attributes.language', eq: 'de' }, { language: 'German' }, 'yes'],
    [{ field: 'attributes.language', eq: 'Deutsch' }, { language: 'de' }, 'yes'],
    [{ field: 'attributes.language', eq: 'de-AT' }, { language: 'de' }, 'no'],
    [{ field: 'attributes.language', eq: 'en' }, { language: 'English (US)' }, 'yes'],
    [{ field: 'attributes.state', eq: 'California' }, { state: 'CA', country: 'USA' }, 'yes'],
    [{ field: 'attributes.state', eq: 'CA' }, { state: 'california' }, 'yes'],
    [{ field: 'attributes.state', eq: 'Québec' }, { state: 'QC', country: 'Canada' }, 'yes'],
    // Cagliari in Italy, and a country that is not known.
    [{ field: 'attributes.state', eq: 'California' }, { state: 'CA', country: 'IT' }, 'no'],
    [{ field: 'attributes.state', eq: 'California' }, { state: 'CA' }, 'no'],
    [{ field: 'attributes.company', eq: 'M\u00fcller' }, { company: 'mu\u0308ller ' }, 'yes'],
    [{ field: 'attributes.site', matchesDomain: 'acme.com' }, { site: 'https://www.acme.com/en?x=a@b.org' }, 'yes'],
    [{ field: 'email', matchesDomain: ['https://www.acme.com/'] }, {}, 'yes'],
    [{ field: 'attributes.vip', eq: true }, { vip: 'TRUE' }, 'yes'],
    [{ field: 'attributes.code', eq: '007' }, { code: '7' }, 'no'],
    [{ field: 'attributes.code', eq: 7 }, { code: '007' }, 'yes'],
    [{ field: 'attributes.__proto__', known: true }, {}, 'no'],
  ])('%j of %j: %s', (condition, attributes, verdict) => {
    expect(verdictOf(condition, leadOf(attributes))).toBe(verdict);
  });

  it('knows addresses of international domains in each spelling', () => {
    const condition = { field: 'email', matchesDomain: 'müller.de' };
    expect(verdictOf(condition, leadOf({}, { email: 'jo@mail.xn--mller-kva.de' }))).toBe('yes');
  });
});

describe('a territory', () => {
  it.each<[Partial<Territory>, Record<string, string>, number | string]>([
    [{ postalCodes: ['80'] }, { zip: 'D-80 331' }, 1.02],
    [{ postalCodes: ['D-80'] }, { zip: '80331' }, 1.02],
    [{ postalCodes: ['SW1'] }, { zip: 'sw1a 1aa' }, 1.03],
    [{ postalCodes: ['80000..81999'] }, { zip: '81541' }, 1.01],
    [{ postalCodes: ['80000..81999'] }, { zip: '82000' }, 'no'],
    [{ postalCodes: ['80..81'] }, { zip: '8' }, 'no'],
    [{ postalCodes: ['80331..80331'] }, { zip: '80331' }, 1.05],
    [{ postalCodes: ['01'] }, { zip: '1067', country: 'Germany' }, 1.02],
    [{ postalCodes: ['10'] }, { zip: '1067', country: 'DE' }, 'no'],
    [{ postalCodes: ['10'] }, { zip: '1067', country: 'AT' }, 1.02],
    [{ postalCodes: ['021'] }, { zip: '2134', country: 'US' }, 1.03],
    [{ countries: ['DE', 'AT'] }, { country: 'AUT' }, 1],
    [{ countries: ['DE'], postalCodes: ['80'] }, { 'lead.Country Code': 'DE', ZipCode: '80331' }, 2.02],
    [{ countries: ['DE'], regions: ['BY'] }, {}, 'attributes.country,attributes.region'],
    [{ languages: ['fr'] }, { language: 'fr-CA' }, 1],
    [{ regions: ['Ontario'] }, { region: 'ON', country: 'CA' }, 1],
    [{ employees: { min: 1000 } }, { company_size: '1,001-5,000' }, 1],
    [{ employees: { max: 50 } }, { employees: '51-200' }, 'no'],
    [{ employees: { min: 100 } }, { employees: '51-200' }, 'exact number in attributes.employees'],
  ])('%j with %j: %s', (where, attributes, expected) => {
    const fit = fitOf({ name: 'A', target: { rep: 'ann' }, ...where } as Territory, leadOf(attributes));
    const found = fit.fits ? fit.specificity : fit.missing.length === 0 ? 'no' : fit.missing.join();
    expect(found).toEqual(typeof expected === 'number' ? expect.closeTo(expected) : expected);
  });
});

it('a number is read with all that it may mean', () => {
  expect(numberRange('1.500', false)).toEqual({ from: 1.5, to: 1500 });
  expect(numberRange('1.000.000', false)).toEqual({ from: 1e6, to: 1e6 });
  expect(numberRange('1.234,5', false)).toEqual({ from: 1234.5, to: 1234.5 });
  expect(numberRange('0.125', false)).toEqual({ from: 0.125, to: 0.125 });
  expect(numberRange('up to 50', true)).toEqual({ from: -Infinity, to: 50 });
  for (const text of ['', '+49 30 1234', '200-51', '12 monkeys 3', 'x'.repeat(1e6)]) expect(numberRange(text, false)).toBeNull();
});

it('a domain is read from what people write', () => {
  const same = [
    'acme.com',
    'ACME.com.',
    '@acme.com',
    '*.acme.com',
    'www.acme.com',
    'http://www2.acme.com:8080/x',
    'jo/x@acme.com',
  ];
  for (const text of same) expect(domainWord(text), text).toBe('acme.com');
  expect(domainWord('www.com')).toBe('www.com');
});

it('a country has one code of three letters', () => {
  expect(new Set(THREE_LETTERS.map((each) => each.slice(2))).size).toBe(249);
  for (const each of THREE_LETTERS) expect(countryCode(each.slice(2)), each).toBe(each.slice(0, 2));
  const codes = ['Hong Kong', 'Viet Nam', 'Österreich', 'osterreich', 'Magyarország', 'Russian Federation', 'U.K.'].map(
    countryCode,
  );
  expect(codes).toEqual(['HK', 'VN', 'AT', 'AT', 'HU', 'RU', 'GB']);
});
