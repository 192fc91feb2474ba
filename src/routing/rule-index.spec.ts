import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, type LeadFacts } from './conditions.js';
import { RuleIndex } from './rule-index.js';
import type { ConditionSource } from './rules.schema.js';

const FIELDS = ['campaignId', 'attributes.country', 'attributes.size', 'domain', 'email', 'attributes.site'];
const VALUES = ['DE', 'germany', ' Germany ', 'FR', '7', '007', '7.0', '.5', 'acme.com', 'mail.acme.com', '@acme.com', 'c1', ''];

const value = fc.oneof(fc.constantFrom<string | number | boolean>(...VALUES, 7, 0.5, true), fc.integer({ min: 0, max: 9 }));
const leaf: fc.Arbitrary<ConditionSource> = fc.record(
  {
    field: fc.constantFrom(...FIELDS),
    eq: value,
    in: fc.array(value, { minLength: 1, maxLength: 4 }),
    gte: fc.integer({ min: 0, max: 9 }),
    matchesDomain: fc.constantFrom<string | string[]>('acme.com', '*.acme.com', 'com', 'other.org', ['acme.com', 'x.de']),
    known: fc.boolean(),
  },
  { requiredKeys: ['field'] },
);
const { condition } = fc.letrec<{ condition: ConditionSource }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
}));
const lead: fc.Arbitrary<LeadFacts> = fc.record({
  email: fc.constantFrom('a@acme.com', 'a@mail.acme.com', 'a@other.org'),
  campaignId: fc.constantFrom('c1', 'C1 ', '7', 'c2'),
  attributes: fc.dictionary(fc.constantFrom('country', 'size', 'site'), fc.constantFrom(...VALUES)),
  enrichment: fc.constant({ fitScore: 5, intent: 'high' as const }),
  band: fc.constant('warm'),
  account: fc.constant(null),
});

describe('the index of the rules', () => {
  it('names every rule that a lead matches, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ when: condition }), { maxLength: 8 }), lead, (rules, facts) => {
        const found = new RuleIndex(rules).candidates(facts);
        const matching = rules.flatMap(({ when }, place) => {
          const verdict = evaluate(when, facts);
          return 'is' in verdict && verdict.is ? [place] : [];
        });
        expect(found.filter((place) => matching.includes(place))).toEqual(matching);
        expect(found).toEqual([...new Set(found)].toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('names one of a thousand rules for a value each', () => {
    const rules = Array.from({ length: 1000 }, (_, place) => ({
      when: { all: [{ any: [{ field: 'country', in: ['DE', 'FR'] }] }, { field: 'campaignId', eq: `c${place}` }] },
    }));
    const facts = { email: 'a@acme.com', campaignId: 'C7', attributes: { country: 'Germany' }, band: 'warm', account: null };
    expect(new RuleIndex(rules).candidates({ ...facts, enrichment: { fitScore: 5, intent: 'high' } })).toEqual([7]);
  });
});
