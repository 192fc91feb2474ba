import { describe, expect, it } from 'vitest';
import type { PersonProjection } from '../port.js';
import { DEFAULT_FIELD_MAP, leadFieldsOf } from './field-map.js';
import { fieldMapSchema } from './field-map.schema.js';

const projection = (name: string | null, attributes: Record<string, string> = {}): PersonProjection => ({
  lead: {
    id: '0193e4a0-0000-8000-8000-000000000000',
    personKey: 'ab'.repeat(32),
    email: 'ann@acme.com',
    emailRaw: 'Ann@Acme.com',
    campaignId: 'c1',
    name,
    attributes,
    revision: 1,
  },
  enrichment: {
    fitScore: 80,
    intent: 'high',
    confidence: 0.8,
    evidence: [
      { signal: 'asks for a quote', polarity: 'positive' },
      { signal: 'VP', polarity: 'positive' },
    ],
    reasoning: 'Asks for a quote.',
    scoreSource: 'ai',
    needsRescore: false,
    flags: [],
    provider: 'gemini',
    scorerVersion: 'p1',
  },
  version: 42,
});
const map = (lead: object[]) => fieldMapSchema.parse({ lead });

describe('the field map', () => {
  it('fills what a Lead needs, with placeholders on create only', () => {
    const created = leadFieldsOf(DEFAULT_FIELD_MAP, projection(null), 'create');
    expect(created).toMatchObject({ LastName: '[not provided]', Company: 'acme.com', RF_Fit_Score__c: 80, RF_Version__c: 42 });
    const updated = leadFieldsOf(DEFAULT_FIELD_MAP, projection(null), 'update');
    expect(updated).not.toHaveProperty('LastName');
    expect(updated).not.toHaveProperty('Company');
    expect(updated).not.toHaveProperty('LeadSource');
    expect(updated).toMatchObject({ RF_Fit_Score__c: 80, RF_Person_Key__c: 'ab'.repeat(32) });
  });

  it('updates what was said, and never what sales may have typed since', () => {
    const said = projection('Ann Lee', { company: 'Acme', title: 'VP', message: 'hello' });
    const updated = leadFieldsOf(DEFAULT_FIELD_MAP, said, 'update');
    expect(updated).toMatchObject({ FirstName: 'Ann', LastName: 'Lee', Company: 'Acme' });
    expect(Object.keys(updated)).not.toContain('Title');
    expect(Object.keys(updated)).not.toContain('Description');
  });

  it('sends the probability of conversion where the map names it and there is one', () => {
    const rules = map([{ to: 'P__c', from: 'probability' }]);
    expect(leadFieldsOf(rules, { ...projection('Ann'), probability: 0.25 }, 'update')).toMatchObject({ P__c: 0.25 });
    expect(leadFieldsOf(rules, projection('Ann'), 'update')).not.toHaveProperty('P__c');
  });

  it('transforms, translates values, and takes the first source that says something', () => {
    const rules = [
      { to: 'A', from: ['attributes.no', 'attributes.employees'], transform: 'number' },
      { to: 'B', from: 'enrichment.intent', values: { high: 'Hot', '*': 'Cold' } },
      { to: 'C', from: 'enrichment.evidence', transform: 'lines' },
      { to: 'D', from: 'attributes.when', transform: 'date' },
      { to: 'E', from: 'attributes.opt_in', transform: 'boolean' },
      { to: 'F', from: 'attributes.country', transform: 'upper' },
      { to: 'G', constant: false },
      { to: 'H', from: 'attributes.nonsense', transform: 'number' },
    ];
    const said = projection(null, {
      no: '',
      employees: '250',
      when: '2026-03-04T10:00:00Z',
      opt_in: 'Yes',
      country: 'de',
      nonsense: 'many',
    });
    expect(leadFieldsOf(map(rules), said, 'create')).toEqual({
      A: 250,
      B: 'Hot',
      C: 'asks for a quote\nVP',
      D: '2026-03-04',
      E: true,
      F: 'DE',
      G: false,
      RF_Person_Key__c: 'ab'.repeat(32),
      RF_Version__c: 42,
    });
  });

  it.each([
    ['number', '120212345678901234', undefined],
    ['number', '9007199254740991', 9007199254740991],
    ['number', '0x10', undefined],
    ['number', '1,000', undefined],
    ['number', '1.234,50', 1234.5],
    ['number', '$1,234.50', 1234.5],
    ['number', '12,5', 12.5],
    ['number', "1'234'567", 1234567],
    ['number', '50 %', 50],
    ['number', '10-50', undefined],
    ['number', '1,23,456', undefined],
    ['number', 'Infinity', undefined],
    ['number', '-2.50', -2.5],
    ['boolean', 'ja', true],
    ['boolean', 'Nein', false],
    ['boolean', '0', false],
    ['boolean', 'I agree to the terms', undefined],
  ] as const)('reads the %s %s, or leaves it out and says so', (transform, text, value) => {
    const unreadable: string[] = [];
    const rules = map([{ to: 'A', from: 'attributes.a', transform }]);
    expect(leadFieldsOf(rules, projection(null, { a: text }), 'create', unreadable)['A']).toBe(value);
    expect(unreadable).toEqual(value === undefined ? ['A'] : []);
  });

  it.each([
    [[{ to: 'A' }], 'needs either'],
    [[{ to: 'A', from: 'email', constant: 'x' }], 'needs either'],
    [[{ to: 'A', from: 'phone' }], 'must be email'],
    [[{ to: 'a b', from: 'email' }], 'API name'],
    [
      [
        { to: 'A', from: 'email' },
        { to: 'a', from: 'name' },
      ],
      'twice',
    ],
  ])('refuses %j', (lead, message) => {
    const parsed = fieldMapSchema.safeParse({ lead });
    expect(parsed.success).toBe(false);
    expect(parsed.error!.issues.map((issue) => issue.message).join()).toContain(message);
  });
});
