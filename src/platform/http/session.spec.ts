import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SESSION_SECONDS, Sessions } from './session.js';

const ann = { name: 'ann', role: 'operator' as const, secret: 'a'.repeat(40) };
const bo = { name: 'bo', role: 'viewer' as const, secret: 'b'.repeat(40) };
const NOW = Date.parse('2026-01-01T00:00:00Z');

describe('console sessions', () => {
  const sessions = new Sessions([ann, bo]);

  it('opens one for the owner of a token only, and every process can read it', () => {
    const cookie = sessions.open(bo.secret, NOW)!;
    expect(new Sessions([bo, ann]).read(cookie, NOW)).toMatchObject({ name: 'bo', role: 'viewer' });
    expect(sessions.open('c'.repeat(40), NOW)).toBeNull();
  });

  it('ends after twelve hours, and with its token', () => {
    const cookie = sessions.open(ann.secret, NOW)!;
    expect(sessions.read(cookie, NOW + SESSION_SECONDS * 1000 - 1)).not.toBeNull();
    expect(sessions.read(cookie, NOW + SESSION_SECONDS * 1000)).toBeNull();
    expect(new Sessions([{ ...ann, secret: 'd'.repeat(40) }]).read(cookie, NOW)).toBeNull();
    expect(new Sessions(undefined).read(cookie, NOW)).toBeNull();
  });

  it('reads nothing that was changed', () => {
    const cookie = sessions.open(bo.secret, NOW)!;
    fc.assert(
      fc.property(fc.nat(cookie.length - 1), fc.constantFrom('A', 'z', '0', '-'), (at, character) => {
        fc.pre(cookie[at] !== character);
        const changed = cookie.slice(0, at) + character + cookie.slice(at + 1);
        expect(sessions.read(changed, NOW)).toBeNull();
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => sessions.read(text, NOW) === null));
  });

  it('gives each session an id and a form token of its own', () => {
    const all = [ann, ann, bo].map(({ secret }) => sessions.read(sessions.open(secret, NOW)!, NOW)!);
    expect(new Set(all.flatMap(({ id, formToken }) => [id, formToken])).size).toBe(6);
  });
});
