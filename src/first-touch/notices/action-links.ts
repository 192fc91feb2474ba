import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

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
  private readonly key: Buffer;

  /** @param secret NOTICES_SECRET, which also signs webhooks; the key of the links is derived from it. */
  constructor(
    secret: string,
    private readonly publicUrl: string,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', secret, 'revenueflow', 'links of notices', 32));
  }

  address({ assignmentId, action }: ActionLink, now: number): string {
    const payload = `${assignmentId}.${LINK_ACTIONS.indexOf(action)}.${Math.floor((now + VALID_MS) / 1000).toString(36)}`;
    return `${this.publicUrl}/first-touch/${payload}.${this.signatureOf(payload).toString('base64url')}`;
  }

  /** @returns null where the signature is wrong, or the link is too old. */
  read(token: string, now: number): ActionLink | null {
    const found = /^((\d{1,19})\.(\d)\.([0-9a-z]{1,10}))\.([A-Za-z0-9_-]{22})$/.exec(token);
    if (!found) return null;
    const [, payload = '', assignmentId = '', action = '', until = '', signature = ''] = found;
    if (!timingSafeEqual(Buffer.from(signature, 'base64url'), this.signatureOf(payload))) return null;
    const name = LINK_ACTIONS[Number(action)];
    return name && Number.parseInt(until, 36) * 1000 > now ? { assignmentId, action: name } : null;
  }

  private signatureOf(payload: string): Buffer {
    return createHmac('sha256', this.key).update(payload).digest().subarray(0, SIGNATURE_BYTES);
  }
}
