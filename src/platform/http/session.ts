import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config/config.js';

type OpsToken = NonNullable<Config['OPS_TOKENS']>[number];

export const SESSION_COOKIE = 'revenueflow_session';
export const SESSION_SECONDS = 12 * 3600;

/** The session cookie of a Cookie header, or null. */
export function sessionCookieOf(header: string | undefined): string | null {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === SESSION_COOKIE) return pair.slice(at + 1).trim();
  }
  return null;
}

/** A signed-in operator, from a cookie that only the owner of one of OPS_TOKENS can have received. */
export interface Session {
  name: string;
  role: 'viewer' | 'operator';
  /** Each form of the session's pages must send it back. */
  formToken: string;
  /** Names the session without giving access to it. */
  id: string;
  endsAt: Date;
}

/**
 * Sessions without a store. The cookie contains the token's owner, an expiry and a random part, signed with a key
 * derived from the token's secret. Every API process therefore accepts it, until the token is removed or changed, or
 * its operator signs out (see EndedSessionsRepository).
 */
export class Sessions {
  private readonly keys: { token: OpsToken; key: Buffer }[];
  /** Signs forms where there are no tokens and no sessions. It changes at each start. */
  private readonly openKey = randomBytes(32);

  constructor(tokens: Config['OPS_TOKENS']) {
    this.keys = (tokens ?? []).map((token) => ({
      token,
      key: Buffer.from(hkdfSync('sha256', token.secret, 'revenueflow', 'console session', 32)),
    }));
  }

  /** @returns the cookie's value; null where no token has this secret. */
  open(secret: string, now: number): string | null {
    let owner: (typeof this.keys)[number] | undefined;
    for (const candidate of this.keys) if (equal(candidate.token.secret, secret)) owner = candidate;
    if (!owner) return null;
    const content = [owner.token.name, now + SESSION_SECONDS * 1000, randomBytes(12).toString('base64url')];
    const payload = Buffer.from(JSON.stringify(content)).toString('base64url');
    return `${payload}.${sign(owner.key, payload)}`;
  }

  /** @returns null where the cookie has a wrong signature, has expired, or its token was removed. */
  read(cookie: string, now: number): Session | null {
    const [payload = '', signature = ''] = cookie.split('.');
    for (const { token, key } of this.keys) {
      if (!equal(sign(key, payload), signature)) continue;
      const [name, end] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [string, number];
      if (name !== token.name || end <= now) return null;
      const [formToken, id] = [sign(key, `form ${payload}`), sign(key, `id ${payload}`)];
      return { name, role: token.role, formToken, id, endsAt: new Date(end) };
    }
    return null;
  }

  /** The form token of a console without sign-in. */
  get openFormToken(): string {
    return sign(this.openKey, 'form');
  }
}

export function sameToken(given: unknown, expected: string): boolean {
  return typeof given === 'string' && equal(given, expected);
}

function sign(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Compares in constant time, also for different lengths. */
function equal(one: string, other: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
