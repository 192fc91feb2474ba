import { hash } from 'node:crypto';
import { domainToASCII } from 'node:url';

/**
 * The canonical form of an e-mail address: trimmed, NFC, lower-cased, the domain in ASCII (IDNA). Plus tags and dots stay,
 * since they name different mailboxes at most providers. A value without a usable domain comes back trimmed, NFC and
 * lower-cased only; validation refuses it later.
 */
export function normaliseEmail(raw: string): string {
  const email = raw.normalize('NFC').trim().toLowerCase().normalize('NFC');
  const at = email.lastIndexOf('@');
  if (at < 0) return email;
  return `${email.slice(0, at)}@${asciiDomain(email.slice(at + 1))}`;
}

/** An ASCII character that no host name has; `domainToASCII` would decode or cut some of them instead of refusing. */
const NOT_IN_A_DOMAIN = /[^a-z0-9.\-\u{80}-\u{10ffff}]/u;

function asciiDomain(domain: string): string {
  return NOT_IN_A_DOMAIN.test(domain) ? domain : domainToASCII(domain) || domain;
}

const LOCAL_PART = /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}$/u;
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Whether a normalised address can be delivered to: non-ASCII local parts and IDN domains can, quoted local parts are not taken. */
export function isEmail(normalised: string): boolean {
  const at = normalised.lastIndexOf('@');
  const local = normalised.slice(0, at);
  if (at < 1 || normalised.length > 254 || local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false;
  return LOCAL_PART.test(local) && DOMAIN.test(normalised.slice(at + 1));
}

/** The canonical form of a campaign id: trimmed and NFC. Case stays, since Marketo's ids are case-sensitive. */
export function normaliseCampaignId(raw: string): string {
  return raw.normalize('NFC').trim();
}

/**
 * The lead's id, which is also its idempotency key: a UUIDv8 (RFC 9562 § 5.8) made of the first 122 bits of SHA-256 over
 * (normalised email, campaign id). Whoever has the key knows the id without asking any store.
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
 * Netstrings: each part carries its own byte length, so ("a", "bc") and ("ab", "c") can never be encoded alike. The first
 * part names the version: a different encoding in the future cannot collide with this one.
 */
function canonical(...parts: string[]): string {
  return parts.map((part) => `${Buffer.byteLength(part)}:${part},`).join('');
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
