import { deadlineSignal } from '../platform/concurrency/deadline-signal.js';
const ANSWER_WITHIN_MS = 5000;

export type Delivery = { kind: 'delivered' } | { kind: 'failed'; what: string; retryAfterMs: number };

/**
 * Posts one message as Slack's incoming webhooks take it: `{"text": …}`, answered 2xx; 429 has Retry-After in seconds
 * (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). The address is a secret and never part of `what`.
 */
export async function deliver(url: string, text: string, signal?: AbortSignal): Promise<Delivery> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      redirect: 'error',
      signal: deadlineSignal(ANSWER_WITHIN_MS, signal),
    });
    await answer.body?.cancel();
    if (answer.ok) return { kind: 'delivered' };
    const seconds = Number(answer.headers.get('retry-after'));
    return { kind: 'failed', what: `it answered ${answer.status}`, retryAfterMs: seconds > 0 ? seconds * 1000 : 0 };
  } catch {
    return { kind: 'failed', what: 'it did not answer', retryAfterMs: 0 };
  }
}
