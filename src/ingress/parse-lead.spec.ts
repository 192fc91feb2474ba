import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../domain/app-error.js';
import { parseFormBody, parseJsonBody } from '../platform/http/parse-body.js';
import { parseLead } from './parse-lead.js';

const minimal = { email: 'ann@acme.com', campaign_id: 'c1' };

function refusal(body: unknown): AppError {
  try {
    parseLead(body);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
  throw new Error('the body was accepted');
}
const paths = (body: unknown) => refusal(body).problems.map((problem) => problem.path);

describe('parseLead', () => {
  it('reads the minimal lead', () => {
    expect(parseLead(minimal)).toEqual({
      email: 'ann@acme.com',
      emailRaw: 'ann@acme.com',
      campaignId: 'c1',
      name: null,
      attributes: {},
    });
  });

  it('keeps what else was sent, flat and as strings, without the empty', () => {
    const { attributes } = parseLead({
      ...minimal,
      company: 'Jack & Jill',
      title: '',
      phone: null,
      lead: { first_name: 'Ann', tags: ['a', 1], deep: { score: 7, opted: false } },
    });
    expect(attributes).toEqual({
      company: 'Jack & Jill',
      'lead.first_name': 'Ann',
      'lead.tags': '["a",1]',
      'lead.deep.score': '7',
      'lead.deep.opted': 'false',
    });
  });

  it('takes a campaign id as a number, and none that a number cannot hold', () => {
    expect(parseLead({ ...minimal, campaign_id: 987 }).campaignId).toBe('987');
    expect(paths({ ...minimal, campaign_id: 2 ** 53 })).toEqual(['campaign_id']);
    expect(paths({ ...minimal, campaign_id: 1.5 })).toEqual(['campaign_id']);
    expect(paths({ ...minimal, campaign_id: 'x'.repeat(256) })).toEqual(['campaign_id']);
    expect(parseLead({ ...minimal, campaign_id: '😀'.repeat(255) }).campaignId).toHaveLength(510);
  });

  it('names every field that is wrong, and says what to do', () => {
    const error = refusal({ name: 7 + '\0', company: '\ud800' });
    expect(error.problems.map((problem) => problem.path).toSorted()).toEqual(['campaign_id', 'company', 'email', 'name']);
    expect(error.message).toContain('{{lead.Email Address}}');
  });

  it.each([[[]], ['text'], [null], [7], [true]])('refuses %j, which is no object', (body) => {
    expect(refusal(body).code).toBe('INVALID_BODY');
  });

  it('refuses keys that could reach a prototype, wherever they are', () => {
    expect(paths({ ...minimal, constructor: 'x' })).toEqual(['constructor']);
    expect(paths({ ...minimal, a: JSON.parse('{"__proto__": {"x": 1}}') })).toEqual(['__proto__']);
    expect(paths(parseJsonBody(Buffer.from('{"email":"a@b.co","campaign_id":"1","__proto__":{"admin":true}}')))).toEqual([
      '__proto__',
    ]);
    expect(paths({ ...minimal, __proto__: null, prototype: 1 })).toEqual(['prototype']);
  });

  it('caps depth and number of fields', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 9; level++) deep = { d: deep };
    expect(refusal({ ...minimal, deep }).message).toContain('8 levels');
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, 'x']));
    expect(refusal({ ...minimal, ...many }).message).toContain('fields');
  });

  it('never throws anything but a refusal, and never lets a NUL or half a surrogate through', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))),
        (extra) => {
          const body = typeof extra === 'object' && extra !== null && !Array.isArray(extra) ? { ...extra, ...minimal } : extra;
          try {
            const lead = parseLead(body);
            const text = JSON.stringify(lead.attributes);
            expect(text).not.toContain('\\u0000');
            expect(text.isWellFormed()).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
            expect((error as AppError).class).toBe('input');
          }
        },
      ),
    );
  });
});

describe('parsing', () => {
  const message = (text: string) => {
    try {
      parseJsonBody(Buffer.from(text));
    } catch (error) {
      return (error as AppError).message;
    }
    throw new Error('parsed');
  };

  it('recognises a template whose token was empty, and names the token', () => {
    expect(message('{"email": , "name": "Ann"}')).toMatch(/no value for "email".*default/);
    expect(message('{"email": "a@b.co", "name": , "campaign_id": }')).toMatch(/"name", "campaign_id"/);
  });

  it('says what else can be wrong', () => {
    expect(message('{"email": "a@b.co"')).toMatch(/not valid JSON/);
    expect(message('  ')).toMatch(/empty/);
    expect(() => parseJsonBody(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(/UTF-8/);
    expect(() => parseFormBody(Buffer.from('email=%ZZ'))).toThrow(/percent/);
  });

  it('decodes a form as Marketo renders it; the last of a repeated key counts', () => {
    expect(parseFormBody(Buffer.from('email=ann%2Bx%40acme.com&name=Ann+Lee&campaign_id=987&name=Ann+Li'))).toEqual({
      email: 'ann+x@acme.com',
      name: 'Ann Li',
      campaign_id: '987',
    });
  });
});
