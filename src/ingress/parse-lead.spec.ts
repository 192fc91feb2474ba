import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../domain/app-error.js';
import { parseWebhookBody } from '../platform/http/parse-body.js';
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
const parseJsonBody = (bytes: Buffer) => parseWebhookBody(bytes, 'application/json').value;
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
    const error = refusal({ name: ['Ann', 'Bo'], constructor: 'x' });
    expect(error.problems.map((problem) => problem.path).toSorted()).toEqual(['campaign_id', 'constructor', 'email', 'name']);
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

  it('refuses nested arrays as it refuses nested objects, at any depth', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 9, maxLength: 5000, size: 'max' }), (levels) => {
        const nested = levels.reduce<unknown>((inner, isArray) => (isArray ? [inner] : { d: inner }), 'x');
        expect(refusal({ ...minimal, nested }).message).toContain('8 levels');
      }),
      { numRuns: 20 },
    );
    const text = `{"email":"a@b.co","campaign_id":"d","z":${'['.repeat(30_000)}1234567890123456789${']'.repeat(30_000)}}`;
    expect(refusal(parseJsonBody(Buffer.from(text))).message).toContain('8 levels');
    expect(parseLead({ ...minimal, z: [[['a']]] }).attributes).toEqual({ z: '[[["a"]]]' });
  });

  it('keeps the digits of large numbers, at any depth, and refuses them as a campaign', () => {
    const large = '120212345678901234';
    const body = (campaign: string) =>
      parseJsonBody(
        Buffer.from(`{"email":"a@b.co","campaign_id":${campaign},"id":${large},"ads":[{"id":${large}}],"x":{"y":${large}}}`),
      );
    expect(parseLead(body('1042')).attributes).toEqual({ id: large, ads: `[{"id":${large}}]`, 'x.y': large });
    const campaigns = ['1042', '"1042"', '1042.0', '1.042e3'].map((campaign) => parseLead(body(campaign)).campaignId);
    expect(new Set(campaigns)).toEqual(new Set(['1042']));
    expect(parseLead(body('"01042"')).campaignId).toBe('01042');
    for (const campaign of ['9007199254740993', large, '1e400', '0.5']) expect(paths(body(campaign))).toEqual(['campaign_id']);
  });

  it('replaces a character that cannot be kept in an optional field, and refuses it in email and campaign_id', () => {
    const lead = parseLead({ ...minimal, name: 'Fay \ud83d', message: 'Budget\u0000 200k', 'utm\u0000': 'x', list: ['\ud800'] });
    expect(lead).toMatchObject({ name: 'Fay \ufffd', attributes: { message: 'Budget\ufffd 200k', utm: 'x' } });
    expect(lead.attributes['list']!.isWellFormed()).toBe(true);
    expect(lead.notes!.map(({ path, kind }) => `${path} ${kind}`)).toEqual(
      expect.arrayContaining([' character', 'message character', 'name character']),
    );
    expect(refusal({ ...minimal, email: 'a\u0000b@c.de' }).message).toMatch(/U\+0000 NULL at position 2/);
    const cut = parseWebhookBody(Buffer.from('{"email":"a@b.co","campaign_id":"c\xf0\x9f"}', 'latin1'), 'application/json');
    expect(() => parseLead(cut.value, cut.notes)).toThrow(/campaign_id: has U\+FFFD/);
    expect(refusal({ ...minimal, campaign_id: 'c\ud800' }).message).toMatch(/U\+D800 half of a surrogate pair at position 2/);
  });

  it('refuses tokens and placeholders in required fields by name, and leaves them out elsewhere', () => {
    const broken = { ...minimal, campaign_id: '{{campaign.id}}', email: '${lead.email}' };
    expect(refusal(broken).message).toMatch(/\$\{lead.email\}.*\{\{campaign.id\}\}/);
    for (const placeholder of ['null', 'NULL', 'undefined', 'edit me', 'N/A', '[object Object]']) {
      expect(paths({ ...minimal, campaign_id: placeholder }), placeholder).toEqual(['campaign_id']);
      const lead = parseLead({ ...minimal, name: placeholder, company: placeholder });
      expect([lead.name, lead.attributes, lead.notes!.length], placeholder).toEqual([null, {}, 2]);
    }
    const tokens = parseLead({
      ...minimal,
      name: '{{lead.First Name}} {{lead.Last Name:default=edit me}}',
      company: 'Acme {{my.Suffix}}',
      title: '%TITLE%',
      phone: '*|PHONE|*',
      message: 'We use {{handlebars}} and 100% cotton',
    });
    expect([tokens.name, tokens.attributes]).toEqual([
      null,
      { company: 'Acme', message: 'We use {{handlebars}} and 100% cotton' },
    ]);
    expect(tokens.notes!.every(({ kind, message }) => kind === 'token' && /not replaced/.test(message))).toBe(true);
  });

  it.each([
    ['{campaignid}', '{campaignid}'],
    ['{Campaign.Id}', '{Campaign.Id}'],
    ['__CAMPAIGN_ID__', '__CAMPAIGN_ID__'],
    ['[[campaign id]]', '[[campaign id]]'],
    ['{{${campaign.id}}}', '${campaign.id}'],
    ['#{campaign.id}', '#{campaign.id}'],
    ["@{triggerBody()?['id']}", "@{triggerBody()?['id']}"],
    ['%%=v(@id)=%%', '%%=v(@id)=%%'],
    ['{% campaign.id %}', '{% campaign.id %}'],
    ['<<Campaign ID>>', '<<Campaign ID>>'],
    ['%(campaign)s', '%(campaign)s'],
    ['%7B%7Bcampaign.id%7D%7D', '%7B%7Bcampaign.id%7D%7D'],
    ['&#123;&#123;campaign.id&#125;&#125;', '&#123;&#123;campaign.id&#125;&#125;'],
    ['[CAMPAIGN_ID]', '[CAMPAIGN_ID]'],
    ['%campaign_name%', '%campaign_name%'],
    ['_|TEXT:FNAME|_', '_|TEXT:FNAME|_'],
    ['[% user.campaign.value %]', '[% user.campaign.value %]'],
    ['{contact.first_name}', '{contact.first_name}'],
    ['$!{lead.id}', '$!{lead.id}'],
    ['$(email)', '$(email)'],
    ['@@Email Address@@', '@@Email Address@@'],
    ['{{campaign.id', '{{campaign.id'],
    ['campaign.id}}', 'campaign.id}}'],
    ['lead.Full Name', 'lead.Full Name'],
    ['｛｛lead.Name｝｝', '｛｛lead.Name｝｝'],
    ['{{lead.Company Name:default=}}', '{{lead.Company Name:default=}}'],
    ['{0}', '{0}'],
  ])('names the token %s of another system, and leaves it out elsewhere', (text, token) => {
    expect(refusal({ ...minimal, campaign_id: text }).message).toContain(`the token ${token} was not replaced`);
    expect(parseLead({ ...minimal, name: text, company: text })).toMatchObject({ name: null, attributes: {} });
  });

  it.each([
    '{6F9619FF-8B86-D011-B42D-00CF4FC964FF}',
    '100% off',
    'spring_2026',
    '[Webinar] Spring',
    'a{b}c',
    '50%off%',
    '#launch',
    'company.com',
    'title',
  ])('takes the campaign %s for what it is', (campaign) => {
    expect(parseLead({ ...minimal, campaign_id: campaign }).campaignId).toBe(campaign);
  });

  it.each(['undefined undefined', 'null null', '(not set)', '[not provided]', '\\N', 'none', '{null}', '#SPILL!'])(
    'takes %j for no value',
    (text) => {
      expect(paths({ ...minimal, campaign_id: text })).toEqual(['campaign_id']);
      expect(parseLead({ ...minimal, name: text, company: text })).toMatchObject({ name: null, attributes: {} });
    },
  );

  it.each([
    'n.a.',
    'Not Applicable',
    'unknown',
    'TBD',
    '-',
    '?',
    "'null'",
    'undefined, undefined',
    '[edit me]',
    'Your Name',
    '%s',
  ])('takes %j for no value of a campaign, a company or a name, and for what it is elsewhere', (text) => {
    expect(paths({ ...minimal, campaign_id: text })).toEqual(['campaign_id']);
    expect(parseLead({ ...minimal, name: text, company: text, first_name: text })).toMatchObject({ name: null, attributes: {} });
  });

  it('keeps the same texts where they may be an answer', () => {
    const said = { allergies: 'Unknown', rating: '-', budget: 'not set' };
    expect(parseLead({ ...minimal, ...said }).attributes).toEqual(said);
    expect(parseLead({ ...minimal, company: 'None' }).attributes).toEqual({});
  });

  it.each([
    ['Ann null', 'Ann'],
    ['null Lee', 'Lee'],
    ['Ann NULL', 'Ann'],
    ['Ann undefined', 'Ann'],
    ['ANN UNDEFINED', 'ANN UNDEFINED'],
    ['Ann N/A', 'Ann'],
    ['Ann (not set)', 'Ann'],
    ['CHRISTOPHER NULL', 'CHRISTOPHER NULL'],
    ['christopher null', 'christopher null'],
    ['Nullmeyer Ann', 'Nullmeyer Ann'],
  ])('reads the name %j, which a template joined, as %j', (sent, name) => {
    const lead = parseLead({ ...minimal, name: sent });
    expect([lead.name, lead.notes?.length ?? 0]).toEqual([name, sent === name ? 0 : 1]);
  });

  it.each(['None', 'Null', 'NA', 'Nil', 'Nan', 'Noné', 'Test', 'Not Provided Ltd'])('takes the name %s for a name', (name) => {
    const lead = parseLead({ ...minimal, name, first_name: name });
    expect(lead).toMatchObject({ name, attributes: { first_name: name } });
    expect(lead.notes).toBeUndefined();
  });

  it.each(['N/A Consulting', 'Null GmbH', 'None of the Above Ltd', 'Test', 'Unknown Worlds', 'TBD Media', '(un)known', 'Nana'])(
    'takes %s for a company and for a campaign',
    (text) => {
      const lead = parseLead({ ...minimal, company: text, campaign_id: text });
      expect(lead).toMatchObject({ campaignId: text, attributes: { company: text } });
      expect(lead.notes).toBeUndefined();
    },
  );

  it.each(['• E-mail', '- Mobile number', '(Title)', '"Company"', '#message', '@company', '* City', '+ Country'])(
    'takes %j for an answer and for a campaign, although it is the name of a field between signs',
    (text) => {
      const lead = parseLead({ ...minimal, answer: text, campaign_id: text });
      expect(lead).toMatchObject({ campaignId: text, attributes: { answer: text } });
      expect(lead.notes?.filter(({ kind }) => kind !== 'encoding') ?? []).toEqual([]);
    },
  );

  it('takes the campaign NA of North America', () => {
    expect(parseLead({ ...minimal, campaign_id: 'NA' }).campaignId).toBe('NA');
  });

  it('notes each value that it leaves out, by its field and with the text', () => {
    const { name, attributes, notes } = parseLead({
      ...minimal,
      name: 'N/A Consulting',
      company: 'unknown',
      first_name: 'n.a.',
      'Last Name': 'TBD',
      city: '[CITY]',
    });
    expect([name, attributes]).toEqual(['Consulting', {}]);
    expect(notes).toEqual([
      { kind: 'placeholder', path: 'company', message: '"unknown" is a placeholder; left out' },
      { kind: 'placeholder', path: 'first_name', message: '"n.a." is a placeholder; left out' },
      { kind: 'placeholder', path: 'Last Name', message: '"TBD" is a placeholder; left out' },
      { kind: 'token', path: 'city', message: 'the token [CITY] was not replaced by the sender; left out' },
      { kind: 'placeholder', path: 'name', message: 'its part "N/A" is a placeholder; left out' },
    ]);
  });

  it('notes a letter that looks Latin and is not, and no address of one script', () => {
    expect(parseLead({ ...minimal, email: 'p\u0430ul@acme.example' }).notes).toEqual([
      { kind: 'character', path: 'email', message: expect.stringContaining('U+0430 a letter at position 2') },
    ]);
    expect(parseLead({ ...minimal, email: 'почта@пример.рф' }).notes).toBeUndefined();
  });

  it.each([
    ['ann@acme.com’', 'ann@acme.xn--com-to0a', /U\+2019 .+ at position 13, which no mailbox has.*; kept$/],
    ['“ann@acme.com”', '“ann@acme.xn--com-9o0a', /U\+201C .+ at position 1,/],
    ['ann@ac–me.com', 'ann@xn--acme-186a.com', /U\+2013 .+ at position 7,/],
  ])('keeps the key of %s, and notes the sign', (sent, email, message) => {
    expect(parseLead({ ...minimal, email: sent })).toMatchObject({
      email,
      notes: [{ kind: 'character', path: 'email', message: expect.stringMatching(message) }],
    });
    expect(parseLead({ ...minimal, email: 'ann-lee@ac-me.com' }).notes).toBeUndefined();
  });

  it('leaves Mr Null his name', () => {
    expect(parseLead({ ...minimal, name: 'Christopher Null', last_name: 'Null' })).toMatchObject({
      name: 'Christopher Null',
      attributes: { last_name: 'Null' },
    });
  });

  it('keeps a campaign that may be another than was meant, and says so', () => {
    for (const [campaign, said] of [
      ['"c1"', /quotation marks/],
      ['987.0', /decimals/],
    ] as const) {
      const lead = parseLead({ ...minimal, campaign_id: campaign });
      expect(lead).toMatchObject({
        campaignId: campaign,
        notes: [{ path: 'campaign_id', message: expect.stringMatching(said) }],
      });
    }
  });

  it('names the field that holds the e-mail inside of another', () => {
    const error = refusal({ lead: { email: 'ann@acme.com', name: 'Ann' }, campaign_id: 'c1', form: 'f1' });
    expect(error.message).toContain('call the field "lead.email" so');
  });

  it('reads another spelling of a known name where there is only one', () => {
    expect(parseLead({ 'email[]': 'ann@acme.com', 'campaign_id\u200b': 'c1' })).toMatchObject({ email: 'ann@acme.com' });
    expect(parseLead({ Email: 'ann@acme.com', campaignId: 7, NAME: 'Ann' })).toMatchObject({ campaignId: '7', name: 'Ann' });
    expect(parseLead({ ...minimal, Email: 'bo@acme.com' })).toMatchObject({
      email: 'ann@acme.com',
      attributes: { Email: 'bo@acme.com' },
    });
    expect(paths({ campaign_id: 1, Email: 'a@b.co', EMAIL: 'c@d.co' })).toEqual(['email']);
  });

  const inner = { email: 'ann@acme.com', campaign_id: 'c1', ad: { id: 7 } };
  it.each([
    ['an array', [inner]],
    ['"lead"', { lead: inner }],
    ['"lead" in "data"', { data: { lead: inner, meta: null } }],
    ['a JSON text', JSON.stringify(inner)],
    ['a JSON text in "payload"', { payload: JSON.stringify(inner) }],
    ['"lead"', { 'lead[email]': 'ann@acme.com', 'lead[campaign_id]': 'c1', 'lead[ad.id]': 7, empty: '' }],
    ['an array in a JSON text in "body"', { body: JSON.stringify([inner]) }],
  ])('reads the one lead inside of %s', (around, body) => {
    expect(parseLead(body)).toMatchObject({
      email: 'ann@acme.com',
      campaignId: 'c1',
      attributes: { 'ad.id': '7' },
      notes: [{ kind: 'encoding', path: '', message: expect.stringContaining('inside of') }],
    });
    expect(parseLead(body).notes![0]!.message).toBe(`the lead was inside of ${around}`);
  });

  it.each([
    [{ lead: { email: 'ann@acme.com', name: 'Ann' }, campaign: { id: 'c1', name: 'Launch' } }, { 'campaign.name': 'Launch' }],
    [{ data: { lead: { email: 'ann@acme.com', name: 'Ann' }, campaign_id: 'c1' } }, {}],
    [[{ person: { Email: 'ann@acme.com', name: 'Ann', ad: 7 }, campaignId: 'c1' }], { ad: '7' }],
    [{ 'lead[email]': 'ann@acme.com', 'lead[name]': 'Ann', 'campaign[id]': 'c1' }, {}],
  ])('reads the one lead beside its campaign: %j', (body, attributes) => {
    const lead = parseLead(body);
    expect(lead).toMatchObject({ email: 'ann@acme.com', campaignId: 'c1', name: 'Ann', attributes });
    expect(lead.notes![0]!.message).toContain('beside its campaign');
  });

  it.each([
    [[inner, inner], /list of 2.*one lead per request/],
    [{ lead: inner, other: 'x' }, /email: is required/],
    // The campaign of the lead, or the one beside it; a name, or an id.
    [{ lead: inner, campaign: { id: 'c2' } }, /email: is required/],
    [{ lead: { email: 'ann@acme.com' }, campaign: 'Launch' }, /email: is required/],
    [{ lead: { email: 'ann@acme.com' }, campaign: { name: 'Launch' } }, /email: is required/],
    [{ lead: [inner, inner] }, /email: is required/],
    [{ payload: '{"email":' }, /email: is required/],
    ['{"a":1}', /must be one JSON object/],
  ])('does not guess at %j', (body, reason) => {
    expect(refusal(body).message).toMatch(reason);
  });

  it('names the field that may have been meant', () => {
    const error = refusal({ emailAddress: 'ann@acme.com', 'Campaign Name': 'c1' });
    expect(error.message).toContain('email: is required; map it to {{lead.Email Address}}, or call the field "emailAddress" so');
    expect(error.message).toContain('campaign_id: is required; map it to {{campaign.id}}, or call the field "Campaign Name" so');
    expect(parseLead({ email: ['ann@acme.com'], campaign_id: [7] })).toMatchObject({ email: 'ann@acme.com', campaignId: '7' });
    expect(paths({ email: ['ann@acme.com', 'bo@acme.com'], campaign_id: 1 })).toEqual(['email']);
  });

  it('leaves out names without a letter, and texts that show as nothing', () => {
    for (const name of ['-', '...', '\u200b', '?!', '--']) {
      expect(parseLead({ ...minimal, name, company: '\u200b\u2060' })).toMatchObject({ name: null, attributes: {} });
    }
    for (const name of ['李', '🚀', 'X', '4']) expect(parseLead({ ...minimal, name }).name).toBe(name);
  });

  it.each([
    [{ company: 'Jack &amp; Jill' }, { company: 'Jack & Jill' }, 'had HTML entities; decoded'],
    [{ company: 'D&#39;Amico &#x26; Co' }, { company: "D'Amico & Co" }, 'had HTML entities; decoded'],
    [{ company: 'M&uuml;ller &amp;amp; S&ouml;hne' }, { company: 'Müller & Söhne' }, 'had HTML entities; decoded'],
    [{ company: 'O&#146;Neill &#128640; &unknown;' }, { company: 'O’Neill 🚀 &unknown;' }, 'had HTML entities; decoded'],
    [{ job_title: 'R&amp;D Manager' }, { job_title: 'R&D Manager' }, 'had HTML entities; decoded'],
    [{ message: 'Don&#039;t call &#38; write' }, { message: "Don't call & write" }, 'had HTML entities; decoded'],
    [{ message: 'Write &quot; for "' }, { message: 'Write &quot; for "' }, undefined],
    [{ phone: '4.93E+11' }, { phone: '4.93E+11' }, expect.stringContaining('rounded')],
    [{ first_name: '\u202eAnn\u200b' }, { first_name: 'Ann' }, 'had characters that show as nothing; removed'],
    [{ message: 'a &amp; b' }, { message: 'a &amp; b' }, undefined],
    [{ company: 'Jack%20%26%20Jill' }, { company: 'Jack%20%26%20Jill' }, expect.stringContaining('encoded twice')],
    [{ page: 'https://acme.com/a%20b' }, { page: 'https://acme.com/a%20b' }, undefined],
    [{ growth: '100% Organic' }, { growth: '100% Organic' }, undefined],
  ])('reads names as people read them: %j', (sent, attributes, message) => {
    const lead = parseLead({ ...minimal, ...sent });
    expect(lead.attributes).toEqual(attributes);
    expect(lead.notes?.[0]?.message).toEqual(message);
  });

  it('has nothing left of a name that shows as nothing', () => {
    expect(parseLead({ ...minimal, company: '\u200b', name: '\u202e' })).toMatchObject({ name: null, attributes: {} });
  });

  it.each([
    [['Ann Lee'], 'Ann Lee', {}],
    [{ first: 'Ann', last: 'Lee' }, null, { first_name: 'Ann', last_name: 'Lee' }],
    [{ givenName: 'Ann', middle: 'J' }, null, { first_name: 'Ann', 'name.middle': 'J' }],
  ])('a name of another shape costs no lead: %j', (name, kept, attributes) => {
    expect(parseLead({ ...minimal, name })).toMatchObject({ name: kept, attributes });
  });

  it('notes what looks right and is not', () => {
    expect(parseLead({ ...minimal, campaign_id: 'c1\u200b' })).toMatchObject({
      campaignId: 'c1\u200b',
      notes: [{ path: 'campaign_id', message: expect.stringContaining('U+200B ZERO WIDTH SPACE') }],
    });
    for (const text of ['JÃ¼rgen', 'Itâ€™s me', 'CafÃ©']) {
      expect(parseLead({ ...minimal, company: text })).toMatchObject({
        attributes: { company: text },
        notes: [{ kind: 'encoding' }],
      });
    }
    expect(parseLead({ ...minimal, company: 'SÃO PAULO, Ângela' }).notes).toBeUndefined();
  });

  it('bounds its notes', () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}`, '{{lead.x}}']));
    expect(parseLead({ ...minimal, ...many }).notes).toHaveLength(21);
  });

  it('never throws anything but a refusal, and never lets a NUL or half of a surrogate pair through', { timeout: 30_000 }, () => {
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
      { numRuns: 50 },
    );
  });
});
