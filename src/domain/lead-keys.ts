import { hash } from 'node:crypto';

export { isEmail, normaliseEmail } from './email-address.js';

/** The canonical form of a campaign id: trimmed and NFC. Case stays, since Marketo's ids are case-sensitive. */
export function normaliseCampaignId(raw: string): string {
  return raw.normalize('NFC').trim();
}

/**
 * The lead's id, which is also its idempotency key: a UUIDv8 (RFC 9562 § 5.8) made of the first 122 bits of SHA-256
 * over (normalised email, campaign id). The key alone gives the id; no store is asked.
 */
export function leadIdOf(email: string, campaignId: string): string {
  const bytes = sha256(canonical('revenueflow.lead.v1', email, campaignId)).subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The person's key, used as the CRM Lead's External ID: SHA-256 of the normalised e-mail, 64 hex digits. */
export function personKeyOf(email: string): string {
  return sha256(email).toString('hex');
}

/**
 * Netstrings: each part carries its own byte length, so ("a", "bc") and ("ab", "c") can never be encoded alike. The
 * first part names the version: a different encoding in the future cannot collide with this one.
 */
function canonical(...parts: string[]): string {
  return parts.map((part) => `${Buffer.byteLength(part)}:${part},`).join('');
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
