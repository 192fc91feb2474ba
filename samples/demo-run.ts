import { webhookSecretOf } from '../src/cli/connection.js';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { progress } from './demo-progress.js';
import type { Webhook } from './webhooks.js';

export interface Step {
  url: string;
  say(line: string): void;
  /** Whether progress is a bar rather than lines. */
  bars: boolean;
  signal: AbortSignal;
}

const answerSchema = z.object({
  status: z.union([z.string(), z.number()]),
  leadId: z.string().optional(),
  revision: z.number().optional(),
  detail: z.string().optional(),
});

export interface Sent {
  webhook: Webhook;
  /** The HTTP status; 0 where there was no answer. */
  status: number;
  /** `failed`: not the webhook's fault, such as no answer, a wrong secret or a 5xx. */
  outcome: Webhook['expect'] | 'failed';
  leadId: string | null;
  revision: number | null;
  /** Why it was rejected, or failed. */
  detail: string | null;
}

const AT_ONCE = 8;

/**
 * Sends in order, some concurrently. The webhooks of one person are sent one after another, so that a repeat cannot
 * overtake.
 */
export async function sendAll(webhooks: Webhook[], { url, say, bars, signal }: Step): Promise<Sent[]> {
  const bar = progress('Sending', webhooks.length, bars, say);
  const all: Promise<Sent>[] = [];
  const running = new Set<Promise<Sent>>();
  const lastOf = new Map<string, Promise<unknown>>();
  for (const [index, webhook] of webhooks.entries()) {
    if (running.size >= AT_ONCE) await Promise.race(running);
    signal.throwIfAborted();
    const person = personOf(webhook) ?? `nobody ${index}`;
    const sending: Promise<Sent> = (lastOf.get(person) ?? Promise.resolve())
      .then(() => post(url, webhook, signal))
      .finally(() => {
        running.delete(sending);
        bar.step();
      });
    lastOf.set(person, sending);
    running.add(sending);
    all.push(sending);
  }
  const sent = await Promise.all(all);
  bar.end();
  signal.throwIfAborted();
  return sent;
}

/** The address that decides the order; null if the body cannot be read. */
function personOf({ contentType, body }: Webhook): string | null {
  let email: unknown;
  try {
    if (contentType === 'application/x-www-form-urlencoded') email = new URLSearchParams(body).getAll('email').at(-1);
    else email = (JSON.parse(body) as { email?: unknown }).email;
  } catch {
    return null;
  }
  if (typeof email !== 'string') return null;
  const address = email.trim().normalize('NFC').toLowerCase();
  const at = address.lastIndexOf('@');
  return address.slice(0, at + 1) + domainToASCII(address.slice(at + 1));
}

/** Never rejects: an unanswered webhook is a result to report. */
async function post(url: string, webhook: Webhook, signal: AbortSignal): Promise<Sent> {
  const secret = webhookSecretOf(process.env);
  try {
    const answer = await fetch(`${url}/leads`, {
      method: 'POST',
      body: webhook.body,
      headers: { 'content-type': webhook.contentType, ...(secret ? { 'x-webhook-secret': secret } : {}) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    const body = answerSchema.parse(await answer.json());
    return {
      webhook,
      status: answer.status,
      outcome: outcomeOf(answer.status, body.status),
      leadId: body.leadId ?? null,
      revision: body.revision ?? null,
      detail: body.detail ?? null,
    };
  } catch (error) {
    const detail = error instanceof z.ZodError ? 'The answer was not what POST /leads answers.' : 'There was no readable answer.';
    return { webhook, status: 0, outcome: 'failed', leadId: null, revision: null, detail };
  }
}

function outcomeOf(status: number, said: string | number): Sent['outcome'] {
  if (said === 'accepted' || said === 'updated' || said === 'duplicate') return said;
  return [400, 413, 415].includes(status) ? 'rejected' : 'failed';
}
