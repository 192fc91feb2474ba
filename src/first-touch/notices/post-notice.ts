import { createHmac } from 'node:crypto';
import { deadlineSignal } from '../../platform/concurrency/deadline-signal.js';

const ANSWER_WITHIN_MS = 5000;
/** A receiver that asks for a longer pause is asked again then. */
const PAUSE_AT_MOST_MS = 3_600_000;

export type Delivery =
  | { kind: 'delivered' }
  /** The receiver refuses this message and may take others. */
  | { kind: 'refused'; what: string }
  | { kind: 'failed'; what: string; retryAfterMs: number };

/** Answers that concern one message. 401, 403, 404 and 410 concern the address, 408 and 429 the moment. */
const ABOUT_MESSAGE = new Set([400, 413, 415, 422]);

/** Posts a message as JSON. The address is a secret and never part of `what`. */
export async function postNotice(
  url: string,
  body: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Delivery> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      // A redirected POST would become a GET: the address must be corrected.
      redirect: 'manual',
      signal: deadlineSignal(ANSWER_WITHIN_MS, signal),
    });
    await answer.body?.cancel();
    if (answer.ok) return { kind: 'delivered' };
    const what = `it answered ${answer.status}`;
    if (ABOUT_MESSAGE.has(answer.status)) return { kind: 'refused', what };
    const seconds = Number(answer.headers.get('retry-after'));
    return { kind: 'failed', what, retryAfterMs: seconds > 0 ? Math.min(seconds * 1000, PAUSE_AT_MOST_MS) : 0 };
  } catch {
    return { kind: 'failed', what: 'it did not answer', retryAfterMs: 0 };
  }
}

/** The secrets of NOTICES_SECRET: while one replaces another, both are valid. */
export function secretsOf(setting: string): string[] {
  return setting.split(',').map((secret) => secret.trim());
}

/**
 * The headers of Standard Webhooks: the receiver computes HMAC-SHA256 over `id.timestamp.body` with the secret as UTF-8
 * and refuses old timestamps. There is a signature per secret, and one that fits is enough.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signedHeaders(secrets: string, id: string, now: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const signatures = secretsOf(secrets).map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
