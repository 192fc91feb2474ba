import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { parseBody, parseWebhookBody } from './parse-body.js';
import { readKeptBody, textOfKeptBody } from './read-kept-body.js';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const JSON_BODY = '{"email":"lea@acme.example","name":"Jürgen","campaign_id":"c1"}';
const FIELDS = { email: 'lea@acme.example', name: 'Jürgen', campaign_id: 'c1' };
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

const read = (body: Buffer | string, type: string | undefined) => parseWebhookBody(Buffer.from(body as string), type);
const replay = (body: Buffer | string, contentType: string, charset?: string, replaced: string[] = []) =>
  readKeptBody({ body: Buffer.from(body as string), contentType }, { charset, replaced }).fields;

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
  throw new Error('it was accepted');
}

describe('parseWebhookBody', () => {
  it.each([
    [undefined, JSON_BODY],
    ['', JSON_BODY],
    ['text/plain', JSON_BODY],
    ['text/json', ` \n${JSON_BODY}`],
    ['application/json ; charset=utf-8', JSON_BODY],
    ['APPLICATION/JSON', JSON_BODY],
    ['application/json; charset="UTF-8"', `\ufeff${JSON_BODY}`],
    [FORM, JSON_BODY],
    ['json', JSON_BODY],
    ['application/json', 'email=lea%40acme.example&name=J%C3%BCrgen&campaign_id=c1'],
    ['text/plain', 'email=lea%40acme.example&name=J%C3%BCrgen&campaign_id=c1'],
    [FORM, 'email=x&email=lea%40acme.example&name=J%C3%BCrgen&campaign_id=c1'],
    ['application/json', `\ufeff\ufeff${JSON_BODY}`],
    [FORM, 'email=lea%40acme.example&amp;name=J%C3%BCrgen&amp;campaign_id=c1'],
    [FORM, 'email=lea%40acme.example;name=J%C3%BCrgen; campaign_id=c1'],
    [FORM, 'email=lea@acme.example\r\nname=Jürgen\r\ncampaign_id=c1'],
    [FORM, '?email=lea%40acme.example&name=J%C3%BCrgen&campaign_id=c1'],
    [`${FORM}; charset=ISO-8859-1`, 'email=lea%40acme.example&name=J%FCrgen&campaign_id=c1'],
    [`${FORM}; charset=iso-8859-1`, Buffer.from('email=lea@acme.example&name=Jürgen&campaign_id=c1', 'latin1')],
    ['application/json; charset=windows-1252', Buffer.from(JSON_BODY, 'latin1')],
    ['application/json; charset=latin1', JSON_BODY],
    ["application/json; charset='iso-8859-1'", Buffer.from(JSON_BODY, 'latin1')],
    ['application/json; charset=ISO8859_1', Buffer.from(JSON_BODY, 'latin1')],
    ['application/json; charset=UTF_8', JSON_BODY],
    [FORM, 'email=lea%40acme.example&name=J%u00FCrgen&campaign_id=c1'],
    [FORM, `${encodeURIComponent(JSON_BODY)}=`],
    [FORM, encodeURIComponent(JSON_BODY).toLowerCase().replace('j%c3', 'J%c3')],
    ['application/json; charset=utf-16', Buffer.from(`\ufeff${JSON_BODY}`, 'utf16le')],
    ['application/json; charset=utf-16', Buffer.from(JSON_BODY, 'utf16le')],
    ['application/json; charset=utf-16', JSON_BODY],
    ['application/json', utf16be(JSON_BODY)],
    ['application/json', utf16be(`\ufeff${JSON_BODY}`)],
  ])('reads a body of %s by what it plainly is', (type, body) => {
    expect(read(body, type).value).toEqual(FIELDS);
  });

  it.each(['campaign_id', 'campaignId', 'Campaign ID'])('keeps the quotation marks of %s in a form of JSON texts', (key) => {
    const { value, notes } = read(`email="lea@acme.example"&name="J\\u00fcrgen"&n=7&x=null&${key}="c1"`, FORM);
    expect(value).toEqual({ email: 'lea@acme.example', name: 'Jürgen', n: '7', x: '', [key]: '"c1"' });
    expect(notes).toContainEqual(expect.objectContaining({ message: expect.stringContaining('encoded as JSON') }));
  });

  it('decodes the whole of Windows-1252', () => {
    const bytes = Buffer.from('{"a":"\x80\x92\xe4"}', 'latin1');
    expect(read(bytes, 'application/json; charset=windows-1252').value).toEqual({ a: '€’ä' });
  });

  it('replaces an emoji that the sender cut, and nothing else that is not UTF-8', () => {
    const cut = (bytes: string) => Buffer.from(`{"email":"a@b.co","message":"Call me ${bytes}"}`, 'latin1');
    for (const bytes of ['\xf0\x9f', '\xf0\x9f\x98', '\xed\xa0\xbd']) {
      const { value, notes } = read(cut(bytes), 'application/json');
      expect(value).toEqual({ email: 'a@b.co', message: 'Call me \ufffd' });
      expect(notes).toMatchObject([{ kind: 'character' }]);
    }
    for (const bytes of ['\xfc', '\xe9\x96', '\xf0\x9f\xfc'])
      expect(refusal(() => read(cut(bytes), 'application/json'))).toBeDefined();
  });

  it('takes the last of a repeated key, also an empty one, and notes that another value is gone', () => {
    const { value, notes } = read('email=a%40b.co&campaign_id=c1&company=Acme&company=&title=CTO&title=CTO', FORM);
    expect(value).toEqual({ email: 'a@b.co', campaign_id: 'c1', company: '', title: 'CTO' });
    expect(notes).toEqual([expect.objectContaining({ path: 'company', message: expect.stringContaining('sent twice') })]);
  });

  it('takes the last of a repeated field of JSON too, and notes it; not a name in two objects, or in a text', () => {
    const twice = read(
      '{"email":"a@b.co","campaign_id":"c1","company":"Acme","company":"B","a":{"id":1},"b":{"id":2}}',
      JSON_TYPE,
    );
    expect(twice.value).toMatchObject({ company: 'B' });
    expect(twice.notes).toEqual([{ kind: 'encoding', path: 'company', message: 'is in the body twice; the last one counts' }]);
    expect(read('{"email":"a@b.co","message":"{\\"email\\": 1} \\"n\\":","n":[{"n":1},{"n":2}]}', JSON_TYPE).notes).toEqual([]);
  });

  it('notes what it made of a wrong header', () => {
    expect(read(JSON_BODY, 'text/plain').notes).toEqual([
      { kind: 'encoding', path: '', message: 'the Content-Type says text/plain; the body was read as JSON' },
    ]);
    expect(read(JSON_BODY, 'application/json').notes).toEqual([]);
    expect(read(JSON_BODY, 'application/json; charset=latin1').notes[0]!.message).toMatch(/says latin1, the bytes are UTF-8/);
  });

  it.each([
    ['<lead/>', 'text/xml', 'UNSUPPORTED_MEDIA_TYPE', /XML/],
    ['{"email":"a@b.co","name":"J+APw-rgen"}', 'application/json; charset=utf-7', 'INVALID_BODY', /utf-7/i],
    ['hello', 'text/plain', 'UNSUPPORTED_MEDIA_TYPE', /neither/],
    ['--x\r\n', 'multipart/form-data; boundary=x', 'UNSUPPORTED_MEDIA_TYPE', /multipart form is not read on arrival; a replay/],
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 1]), 'application/json', 'UNSUPPORTED_MEDIA_TYPE', /compressed with zstd/],
    [Buffer.from('PK\u0003\u0004x'), undefined, 'UNSUPPORTED_MEDIA_TYPE', /a ZIP file/],
    ['hello', undefined, 'UNSUPPORTED_MEDIA_TYPE', /no Content-Type/],
    ['', 'application/json', 'INVALID_BODY', /empty/],
    ['  ', 'application/json', 'INVALID_BODY', /empty/],
    [Buffer.from(JSON_BODY, 'latin1'), 'application/json', 'INVALID_BODY', /byte FC at line 1, column 38.*windows-1252/],
    [Buffer.from(JSON_BODY, 'latin1'), 'application/json; charset=utf-8', 'INVALID_BODY', /says that it is/],
    [JSON_BODY, 'application/json; charset=klingon', 'INVALID_BODY', /klingon/],
    ['email=a%40b.co&name=J%FCrgen', FORM, 'INVALID_BODY', /"name" are not UTF-8.*windows-1252/],
    ['<lead/>', 'application/json', 'INVALID_BODY', /is XML or HTML/],
    ['{"n":NaN}', 'application/json', 'INVALID_BODY', /column 6, the value of "n" is NaN, which JSON does not have/],
    ['{"a":1 /* x */}', 'application/json', 'INVALID_BODY', /column 8, a comment begins/],
    ['{"a":"x",,"b":1}', 'application/json', 'INVALID_BODY', /column 10, there is a comma too many/],
    ['{\u00a0"a":1}', 'application/json', 'INVALID_BODY', /column 2, U\+00A0 NO-BREAK SPACE stands between the fields/],
    ['email=%ZZ', FORM, 'INVALID_BODY', /"email", the percent sign at position 1/],
    ['email=a@b.co&company=100% Organic', FORM, 'INVALID_BODY', /"company", the percent sign at position 4/],
  ])('refuses %j as %s with %s', (body, type, code, message) => {
    const error = refusal(() => read(body, type));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it.each([
    ['{"email": , "name": "Ann"}', /no value for "email".*default/],
    ['{"email": "a@b.co", "name": , "campaign_id": }', /"name", "campaign_id"/],
    ['{"email": "a@b.co"', /line 1, column 19, the text ends/],
    [
      '{"email":"a@b.co",\n "message":"Line one\nline two"}',
      /line 2, column 21, a line break \(U\+000A LINE FEED\) .*"message".*\\\\n/,
    ],
    ['{"message":"a\tb"}', /column 14, a tab/],
    ['{"message":"the "big" plan"}', /column 17, a quotation mark stands inside the text of "message"/],
    ['{"email": ""amy@acme.example"", "name": "Amy"}', /two quotation marks begin the text of "email".*do not add quotes/],
    ['{"email": amy@acme.example, "name": "Amy"}', /"email" has no quotation marks/],
    ['{"path": "C:\\Users"}', /backslash/],
    ['{"a": "b",}', /comma follows/],
    ['{"a": "b" "c": "d"}', /comma is missing/],
    ['{“a”: “b”}', /U\+201C/],
    ['{"a": 1}{"a": 2}', /one object per request/],
    ['{"email":"a@b.co"};', /column 19, there is text after the end/],
    ['{"email":"a@b.co"}\u0000\u0000', /text after the end/],
    ["{'a': 1}", /U\+0027/],
  ])('names line, column and cause of %s', (body, message) => {
    const { detail } = { detail: refusal(() => read(body, 'application/json')).message };
    expect(detail).toMatch(message);
    expect(detail).not.toMatch(/a@b\.co|amy@/);
  });

  it('says that the tokens of a form are not encoded, where it shows', () => {
    const { value, notes } = read('email=max@acme.example&name=Max Moe&company=Jack & Jill Construction&campaign_id=c1', FORM);
    expect(value).toMatchObject({ company: 'Jack ', campaign_id: 'c1' });
    expect(notes.map(({ path }) => path)).toEqual(['', 'company']);
    expect(notes[1]!.message).toMatch(/may be cut.*Request Token Encoding/);
  });

  it('is strict for everything but webhooks', () => {
    expect(refusal(() => parseBody(Buffer.from(JSON_BODY), 'text/plain')).code).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect(refusal(() => parseBody(Buffer.from(JSON_BODY), undefined)).code).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect(parseBody(Buffer.from(JSON_BODY), 'application/json').value).toEqual(FIELDS);
  });

  it('answers any bytes with a value or a refusal, and a repair is JSON that means the same', () => {
    const type = fc.constantFrom(
      'application/json',
      FORM,
      'text/plain',
      'application/json; charset=utf-16',
      'x; charset=shift_jis',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\ \n\ta1=&%é\u0000'), maxLength: 60 }).map((text) => Buffer.from(`{${text}`)),
    );
    fc.assert(
      fc.property(bytes, type, (body, contentType) => {
        for (const work of [() => parseWebhookBody(body, contentType), () => replay(body, contentType)]) {
          try {
            work();
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
            expect((error as AppError).class).toBe('input');
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('readKeptBody', () => {
  it.each([
    ['{"email": , "name": "Ann"}', { email: null, name: 'Ann' }],
    ['{"email":"a@b.co","message":"one\ntwo\tthree"}', { email: 'a@b.co', message: 'one\ntwo\tthree' }],
    ['{"message":"the "big" plan","email":"a@b.co"}', { message: 'the "big" plan', email: 'a@b.co' }],
    ['{"email": ""amy@acme.example"", "company": "", "x": ""Y""}', { email: 'amy@acme.example', company: '', x: 'Y' }],
    ['{"email": amy@acme.example, "company": Acme, Inc., "n": 7}', { email: 'amy@acme.example', company: 'Acme, Inc.', n: 7 }],
    ['{"path": "C:\\Users", "a": 1,}', { path: 'C:\\Users', a: 1 }],
    ['{"a":{"b":"x "y" z"},"c":["d",1]}', { a: { b: 'x "y" z' }, c: ['d', 1] }],
    ['{"email":"a@b.co"}\u0000\u0000', { email: 'a@b.co' }],
    ['{"email":"a@b.co"};\n', { email: 'a@b.co' }],
    ['{“email”: “a@b.co”, "name": "O’Hara", “n”: 7}', { email: 'a@b.co', name: 'O’Hara', n: 7 }],
    ['{‘email’: ‘a@b.co’, ‘name’: ‘O’Hara’}', { email: 'a@b.co', name: 'O’Hara' }],
    ["{'email': 'a@b.co', 'name': 'Ann'}", { email: 'a@b.co', name: 'Ann' }],
    ['{"name": undefined, "email": "a@b.co"}', { name: 'undefined', email: 'a@b.co' }],
    ['{,"email":"a@b.co",, "n": 7,,}', { email: 'a@b.co', n: 7 }],
    ['{\u00a0"email":\u00a0"a@b.co",\ufeff"n": 7}', { email: 'a@b.co', n: 7 }],
    // The tokens were encoded as those of a form; a text with a plain percent sign was not.
    [
      '{"email":"ann%40b.co","name":"Ann+Lee","company":"J%C3%BCrgen","n":7,}',
      { email: 'ann@b.co', name: 'Ann Lee', company: 'Jürgen', n: 7 },
    ],
    ['{"email":"ann%40b.co","message":"100% sure",}', { email: 'ann%40b.co', message: '100% sure' }],
    ['{"email":"a@b.co","name":"O\\\'Brien","path":"C:\\users"}', { email: 'a@b.co', name: "O'Brien", path: 'C:\\users' }],
    ['{email: "a@b.co", name: null}', { email: 'a@b.co', name: null }],
    ['{"email":"a@b.co", // who\n /* what */ "url": "https://b.co/*x*/"}', { email: 'a@b.co', url: 'https://b.co/*x*/' }],
  ])('corrects %s, which has one correction', (body, fields) => {
    expect(replay(body, 'application/json')).toEqual(fields);
  });

  it.each([
    ['{"email": "a@b.co"', /ends/],
    ['{"email": "a@b.co"}{"email": "b@b.co"}', /one object per request/],
    ['{“email”: “a@b.co, “name”: ”Ann”}', /not valid JSON/],
    [`{'email': 'say "hi"'}`, /straight quotation mark/],
    ['{"message":"he said "x", "email": "evil@b.co", "email": "a@b.co"}', /not valid JSON/],
    ['{"a": "b" "c": "d"}', /comma is missing/],
    ['{email: ann@b.co, name: Ann}', /not valid JSON/],
    ['{a-b: 1}', /straight quotation mark/],
  ])('does not guess at %s', (body, message) => {
    expect(refusal(() => replay(body, 'application/json')).message).toMatch(message);
  });

  const multipart = (...parts: string[]) =>
    `${parts.map((part) => `--x1\r\nContent-Disposition: form-data; ${part}`).join('\r\n')}\r\n--x1--\r\n`;

  it.each([
    [JSON.stringify([{ email: 'x', name: 'Ann' }]), 'application/json'],
    [JSON.stringify({ lead: { email: 'x', name: 'Ann' } }), 'application/json'],
    [JSON.stringify(JSON.stringify({ email: 'x', name: 'Ann' })), 'application/json'],
    [`payload=${encodeURIComponent('{"email":"x","name":"Ann"}')}`, FORM],
  ])('reads the lead inside of %s, so that a correction meets its fields', (body, type) => {
    expect(replay(body, type)).toEqual({ email: 'x', name: 'Ann' });
  });

  it('reads the text fields of a multipart form', () => {
    const type = 'multipart/form-data; boundary=x1';
    const body = multipart(
      'name="email"\r\n\r\nlea@acme.example',
      'name="name"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nJürgen',
      'name=message\r\n\r\none\r\ntwo\r\n',
      'name="campaign_id"\r\n\r\nc1',
    );
    expect(replay(body, type)).toEqual({ ...FIELDS, message: 'one\r\ntwo\r\n' });
    expect(replay(body.replaceAll('\r\n', '\n'), type)).toMatchObject(FIELDS);
    const latin = Buffer.from(body, 'latin1');
    expect(refusal(() => replay(latin, type)).problems).toMatchObject([{ path: 'name' }]);
    expect(replay(latin, type, 'windows-1252')).toMatchObject(FIELDS);
    expect(refusal(() => replay(body.slice(0, -10), type)).message).toMatch(/cut off/);
    expect(refusal(() => replay(multipart('name="cv"; filename="cv.pdf"\r\n\r\n%PDF'), type)).message).toMatch(/has a file/);
    expect(refusal(() => replay('hello', type)).message).toMatch(/does not begin with a boundary/);
  });

  it('reads other charsets by the same rules, or by one that is named, and never keeps a damaged character', () => {
    const json = Buffer.from(JSON_BODY, 'latin1');
    expect(refusal(() => replay(json, 'application/json')).message).toMatch(/"name" is not UTF-8/);
    expect(replay(json, 'application/json', 'windows-1252')).toEqual(FIELDS);
    expect(replay(json, 'application/json', undefined, ['name'])).toMatchObject({ email: FIELDS.email, campaign_id: 'c1' });
    const form = 'email=lea@acme.example&name=J%FCrgen&campaign_id=c1';
    expect(refusal(() => replay(form, FORM)).problems).toMatchObject([{ path: 'name' }]);
    expect(replay(form, `${FORM}; charset=ISO-8859-1`)).toEqual(FIELDS);
    expect(replay(form, FORM, undefined, ['name'])).toMatchObject({ email: FIELDS.email });
    expect(replay('email=a@b.co&company=100% Organic', FORM)).toEqual({ email: 'a@b.co', company: '100% Organic' });
    expect(textOfKeptBody({ body: json, contentType: 'application/json; charset=latin1' })).toBe(JSON_BODY);
  });
});
