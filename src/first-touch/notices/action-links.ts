import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { secretsOf } from './post-notice.js';

/** What an owner can do with a link. */
export const LINK_ACTIONS = ['claim', 'not-mine', 'junk'] as const;
export type LinkAction = (typeof LINK_ACTIONS)[number];

/** A link is for one decision: it ends with the clock of that decision, and in any case after this. */
const VALID_MS = 14 * 86_400_000;
/** Of the signature; 128 bits cannot be guessed, and the link stays short. */
const SIGNATURE_BYTES = 16;

export interface ActionLink {
  assignmentId: string;
  action: LinkAction;
}

/** Signs and reads the links of notices. A link says what it does; the signature shows that this service made it. */
export class ActionLinks {
  /** The first one signs. */
  private readonly keys: readonly Buffer[];

  /** @param secrets NOTICES_SECRET, which also signs webhooks; the keys of the links are derived from it. */
  constructor(
    secrets: string,
    private readonly publicUrl: string,
  ) {
    this.keys = secretsOf(secrets).map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, 'revenueflow', 'links of notices', 32)),
    );
  }

  address({ assignmentId, action }: ActionLink, now: number): string {
    const payload = `${assignmentId}.${LINK_ACTIONS.indexOf(action)}.${Math.floor((now + VALID_MS) / 1000).toString(36)}`;
    return `${this.publicUrl}/first-touch/${payload}.${signatureOf(payload, this.keys[0]!).toString('base64url')}`;
  }

  /** @returns null where the signature is wrong, or the link is too old. */
  read(token: string, now: number): ActionLink | null {
    const found = /^((\d{1,19})\.(\d)\.([0-9a-z]{1,10}))\.([A-Za-z0-9_-]{22})$/.exec(token);
    if (!found) return null;
    const [, payload = '', assignmentId = '', action = '', until = '', signature = ''] = found;
    const given = Buffer.from(signature, 'base64url');
    if (!this.keys.some((key) => timingSafeEqual(given, signatureOf(payload, key)))) return null;
    const name = LINK_ACTIONS[Number(action)];
    return name && Number.parseInt(until, 36) * 1000 > now ? { assignmentId, action: name } : null;
  }
}

function signatureOf(payload: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(payload).digest().subarray(0, SIGNATURE_BYTES);
}
