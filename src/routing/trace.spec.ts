import { describe, expect, it } from 'vitest';
import type { RoutingRules } from './rules.schema.js';
import { readableTrace, type StoredTrace } from './trace.js';

const source = {
  rules: Array.from({ length: 100 }, (_, place) => ({ name: `rule ${place}`, when: { field: 'campaignId', eq: `c${place}` } })),
} as unknown as RoutingRules;

describe('a trace', () => {
  const matched = { name: 'rule 80', outcome: 'matched', why: 'campaignId is c80' } as const;
  const trace: StoredTrace = [
    { unmatched: 'rules', count: 80, missing: { 'attributes.size, attributes.country': [1] } },
    matched,
  ];

  it('names the first rules that did not match and counts the rest', () => {
    const steps = readableTrace(trace, source);
    expect(steps).toHaveLength(62);
    expect(steps.slice(0, 2)).toEqual([
      { name: 'rule 0', outcome: 'no-match', why: 'not: campaignId is c0' },
      { name: 'rule 1', outcome: 'missing-data', why: 'the lead has no attributes.size, attributes.country' },
    ]);
    expect(steps.slice(-2)).toEqual([{ name: 'rules', outcome: 'no-match', why: '20 more did not match' }, matched]);
  });

  it('counts them where this release cannot read the rules', () => {
    expect(readableTrace(trace, null)).toEqual([{ name: 'rules', outcome: 'no-match', why: '80 did not match' }, matched]);
  });
});
