import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEmail, normaliseEmail, readEmail } from './email-address.js';

/**
 * The normalisation of the first release, word for word. The keys of all leads of that time are made of its results.
 */
function normaliseAtFirst(raw: string): string {
  const email = raw.normalize('NFC').trim().toLowerCase().normalize('NFC');
  const at = email.lastIndexOf('@');
  if (at < 0) return email;
  const domain = email.slice(at + 1);
  return `${email.slice(0, at)}@${/[^a-z0-9.\-\u{80}-\u{10ffff}]/u.test(domain) ? domain : domainToASCII(domain) || domain}`;
}

/** What the first release accepted, so that an address that is refused today does not leave the comparison. */
function wasEmailAtFirst(normalised: string): boolean {
  const at = normalised.lastIndexOf('@');
  const local = normalised.slice(0, at);
  const domain = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;
  if (at < 1 || normalised.length > 254 || local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false;
  return /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}$/u.test(local) && domain.test(normalised.slice(at + 1));
}

const pasted = fc.array(
  fc.oneof(
    fc.constantFrom(
      'ann',
      'Zoë',
      '李',
      '@',
      '＠',
      '.',
      '．',
      'acme',
      'Müller',
      '.com',
      '.co.uk',
      '+x',
      ' ',
      '\u200b',
      '\ufeff',
      '\u00ad',
    ),
    fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '(',
      ')',
      ',',
      ';',
      'mailto:',
      '\u00a0',
      '\u202e',
      'ＡＣＭＥ',
      'ﬁ',
      'İ',
      '“',
      '’',
      '–',
      '%40',
      '?',
      '[',
      ']',
    ),
  ),
  { maxLength: 12 },
);
const anyText = fc.oneof(
  pasted.map((parts) => parts.join('')),
  fc.emailAddress(),
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.string({ unit: 'grapheme', maxLength: 9 }), fc.domain()).map(([local, domain]) => `${local}@${domain}`),
);

describe('readEmail', () => {
  it('keeps the key of every address that was valid in the first release', () => {
    fc.assert(
      fc.property(anyText, (raw) => {
        const before = normaliseAtFirst(raw);
        if (wasEmailAtFirst(before)) expect(readEmail(raw)).toMatchObject({ email: before });
      }),
      { numRuns: 1000 },
    );
  });

  it('answers one address that is stable and clean, or a reason', () => {
    fc.assert(
      fc.property(anyText, (raw) => {
        const address = readEmail(raw);
        if ('reason' in address) {
          expect(isEmail(normaliseEmail(raw))).toBe(false);
          return;
        }
        expect(isEmail(address.email)).toBe(true);
        expect(normaliseEmail(address.email)).toBe(address.email);
        if (!/[ㅤᅟᅠﾠ]/.test(address.email)) expect(normaliseEmail(address.emailRaw)).toBe(address.email);
        expect(address.emailRaw).not.toMatch(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\s]/u);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    'Ann@Acme.com',
    '\u200bann@acme.com',
    'ann\u200b@acme\u00ad.com\ufeff',
    '\u202aann@acme.com\u202c',
    '\u00a0ann@acme.com\u2007',
    'ann@acme.com.',
    'ann@acme.com,',
    'ann@acme.com; ',
    ' , ann@acme.com',
    'mailto:ann@acme.com',
    'MAILTO:ann@acme.com?subject=Hi',
    '<ann@acme.com>',
    'Ann Lee <ann@acme.com>',
    '"Lee, Ann" <Ann@acme.com>;',
    'Ann <mailto:ann@acme.com>',
    'ann@acme.com <ann@acme.com>',
    'ann@acme.com (Ann Lee)',
    '"ann@acme.com"',
    "'ann@acme.com'",
    '[ann@acme.com](mailto:ann@acme.com)',
    'ann＠acme．com',
    'ａｎｎ＠ａｃｍｅ．ｃｏｍ',
    'ann@acme。com',
    'E-Mail: ann@acme.com',
    '\u3000ann@acme.com\t\r\n',
    '<a href="mailto:ann@acme.com?subject=Hi">ann@acme.com</a>',
    "<a class='x' href='mailto:ann@acme.com'>Write to Ann</a>",
    'ann@acme.com&nbsp;',
    'ann&#64;acme.com',
    '&lt;ann@acme.com&gt;',
    '（ann@acme.com）',
    '＜ann@acme.com＞',
    'To: ann@acme.com',
    'Ann@acme.com, ann@acme.com',
    '<ann@acme.com',
    'ann@acme.com)',
    'ann@acme.com/',
    'ann@acme.com%20',
    'ann@acme.com\\n',
    'ann@acme.com\ufffc',
    'ann@acme.com / ann@ACME.com',
    '(Ann Lee) ann@acme.com',
    '<b>ann@acme.com</b><br>',
    'ann@acme.com<br />',
    'ann@acme.com?subject=Hi',
    'ann@acme.com?cc=bo@acme.com',
    'ann@acme.com*',
    'ann@acme.com\\',
  ])('reads %j as one address', (raw) => {
    expect(readEmail(raw)).toMatchObject({
      email: 'ann@acme.com',
      emailRaw: expect.stringMatching(/^ann@acme[.。]com$/i),
    });
  });

  it.each([
    ['o&#39;brien@acme.com', "o'brien@acme.com"],
    ['ann&amp;co@acme.com', 'ann&co@acme.com'],
    ['ann&#43;x@acme.com', 'ann+x@acme.com'],
    ['ann@i❤.ws', 'ann@xn--i-7iq.ws'],
    ['ann@l·l.cat', 'ann@xn--ll-0ea.cat'],
    ['“ann@acme.com”', '“ann@acme.xn--com-9o0a'],
    ['ann@acme.com’', 'ann@acme.xn--com-to0a'],
    ['ann@acme.com»', 'ann@acme.xn--com-3ga'],
    ['ann@ac—me.com', 'ann@xn--acme-686a.com'],
    ['?subject=x@acme.com', '?subject=x@acme.com'],
    ['[?subject=x@acme.com', '?subject=x@acme.com'],
  ])('reads %j as %s', (raw, email) => {
    expect(readEmail(raw)).toMatchObject({ email });
  });

  it.each([
    ['ann@acme.com, bo@acme.com', /two addresses/],
    ['ann@acme.com;bo@acme.com', /two addresses/],
    ['ann@acme.com bo@acme.com', /two addresses/],
    ['ann@acme.com <bo@acme.com>', /two addresses/],
    ['<ann@acme.com> <bo@acme.com>', /two addresses/],
    ['[ann@acme.com](mailto:bo@acme.com)', /two addresses/],
    ['ann@acme.com, bo@acme.com, ann@acme.com', /two addresses/],
    ['<a href="mailto:bo@acme.com">ann@acme.com</a>', /two addresses/],
    ['Ann Lee ann@acme.com', /U\+0020 SPACE/],
    ['max demo@acme.com', /U\+0020 SPACE at position 4.*%2B/],
    ['ann@ac me.com', /U\+0020 SPACE at position 7/],
    ['an\u0000n@acme.com', /U\+0000 NULL at position 3/],
    ['an,n@acme.com', /U\+002C COMMA at position 3/],
    ['ann@acme,com', /U\+002C COMMA at position 9/],
    ['ann@acme\u2028.com', /U\+2028 LINE SEPARATOR at position 9/],
    ['an\ufffdn@@acme.com', /U\+0040 COMMERCIAL AT at position 5/],
    ['ann%40acme.com', /encoded twice/],
    ['ann', /no @/],
    ['@acme.com', /nothing before/],
    ['ann@', /nothing after/],
    ['ann@localhost', /no dot/],
    ['a..b@acme.com', /dot too many/],
    ['x'.repeat(2000), /longer than/],
  ])('refuses %j', (raw, reason) => {
    const address = readEmail(raw);
    expect(address).toEqual({ reason: expect.stringMatching(reason) });
    expect(JSON.stringify(address)).not.toMatch(/acme|\bann\b/);
  });
});
