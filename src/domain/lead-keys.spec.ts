import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEmail, leadIdOf, normaliseCampaignId, normaliseEmail, personKeyOf } from './lead-keys.js';

const email = fc.oneof(
  fc.emailAddress(),
  fc
    .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), fc.domain())
    .map(([local, domain]) => `${local}@${domain}`),
  fc.constantFrom('zoë@müller.de', 'ann+x@acme.com', 'Ｊ.doe@ＡＣＭＥ.com', 'a@b@c.de', '李@例え.jp'),
);

describe('normaliseEmail', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(email, (address) => {
        expect(normaliseEmail(normaliseEmail(address))).toBe(normaliseEmail(address));
      }),
    );
  });

  it('does not see case, surrounding space or Unicode composition', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.constantFrom('', ' ', '\t', '\u00a0', '\n '), (address, space) => {
        expect(normaliseEmail(`${space}${address.toUpperCase()}${space}`)).toBe(normaliseEmail(address));
      }),
    );
    fc.assert(
      fc.property(email, (address) => {
        expect(normaliseEmail(address.normalize('NFD'))).toBe(normaliseEmail(address.normalize('NFC')));
      }),
    );
  });

  it('turns an IDN domain into ASCII and leaves the local part, plus tags and dots', () => {
    expect(normaliseEmail('Zoë@Müller.de')).toBe('zoë@xn--mller-kva.de');
    expect(normaliseEmail('zoë@xn--mller-kva.de')).toBe('zoë@xn--mller-kva.de');
    expect(normaliseEmail('Ann.B+Tag@Acme.COM')).toBe('ann.b+tag@acme.com');
  });

  it('does not repair a domain by decoding or cutting it', () => {
    for (const domain of ['exa%6Dple.com', 'acme.com/path', 'acme.com:25', 'acme.com?x', 'acme.com#x', 'ac me.com']) {
      expect(isEmail(normaliseEmail(`ann@${domain}`)), domain).toBe(false);
    }
  });
});

describe('isEmail', () => {
  it.each(['lead@enterprise.com', 'zoë@xn--mller-kva.de', '李小龙@example.cn', "o'brien@acme.co.uk", 'a@b.io'])(
    'takes %s',
    (address) => {
      expect(isEmail(normaliseEmail(address))).toBe(true);
    },
  );

  it.each([
    '',
    '@',
    'ann',
    'ann@',
    '@acme.com',
    'ann@localhost',
    'a b@acme.com',
    'ann@-acme.com',
    'ann@acme..com',
    'ann@1.2.3.4',
  ])('refuses %j', (address) => {
    expect(isEmail(normaliseEmail(address))).toBe(false);
  });

  it.each([
    '.ann@acme.com',
    'a..b@acme.com',
    `${'a'.repeat(65)}@acme.com`,
    `ann@${'a'.repeat(64)}.com`,
    'a\u0000b@acme.com',
    '"a"@acme.com',
  ])('refuses %j', (address) => {
    expect(isEmail(normaliseEmail(address))).toBe(false);
  });
});

describe('leadIdOf', () => {
  const UUID_V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  it('is a UUIDv8 that depends on both parts and on nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        expect(leadIdOf(a, b)).toMatch(UUID_V8);
        expect(leadIdOf(a, b) === leadIdOf(c, d)).toBe(a === c && b === d);
      }),
    );
  });

  it('cannot be confused by moving the border between the parts', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2 }), fc.nat(), (text, seed) => {
        const cut = seed % text.length;
        const other = (cut + 1) % (text.length + 1);
        expect(leadIdOf(text.slice(0, cut), text.slice(cut))).not.toBe(leadIdOf(text.slice(0, other), text.slice(other)));
      }),
    );
    expect(leadIdOf('a', 'bc')).not.toBe(leadIdOf('ab', 'c'));
  });

  it('stays what it has always been: another encoding would make every known lead new', () => {
    expect(leadIdOf('lead@enterprise.com', 'launch_2024')).toBe('db5828d4-a8ce-868b-8b1b-b40e6736011c');
    expect(personKeyOf('lead@enterprise.com')).toBe('2be9be233b14c8774be059cdfeef1d4aa3468f4633c2b2de5038803a04579cd2');
  });
});

describe('normaliseCampaignId', () => {
  it('trims and composes, and keeps case', () => {
    expect(normaliseCampaignId('  Launch_2024 ')).toBe('Launch_2024');
    expect(normaliseCampaignId('e\u0301te')).toBe('éte');
  });
});
