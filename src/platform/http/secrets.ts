import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Checks a value against several secrets (two during a rotation). Both sides are hashed and every secret is compared.
 * The time therefore does not depend on the length, the position of a difference, or the matching secret.
 */
export class SecretSet<Owner> {
  private readonly known: { digest: Buffer; owner: Owner }[];

  constructor(secrets: { secret: string; owner: Owner }[]) {
    this.known = secrets.map(({ secret, owner }) => ({ digest: digestOf(secret), owner }));
  }

  /** The owner of the secret, or null where the set does not contain it. */
  ownerOf(candidate: string): Owner | null {
    const digest = digestOf(candidate);
    let owner: Owner | null = null;
    for (const entry of this.known) {
      if (timingSafeEqual(entry.digest, digest)) owner = entry.owner;
    }
    return owner;
  }
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/** The token of an `Authorization: Bearer …` header, or null. */
export function bearerToken(header: string | undefined): string | null {
  const match = /^Bearer +(\S+) *$/i.exec(header ?? '');
  return match ? match[1]! : null;
}

/** The password of an `Authorization: Basic …` header (RFC 7617, UTF-8), or null. Any user name is accepted. */
export function basicPassword(header: string | undefined): string | null {
  const match = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(header ?? '');
  if (!match) return null;
  const pair = Buffer.from(match[1]!, 'base64').toString('utf8');
  const at = pair.indexOf(':');
  return at < 0 ? null : pair.slice(at + 1);
}
