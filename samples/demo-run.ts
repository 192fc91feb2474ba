import { SingleBar } from 'cli-progress';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Webhook } from './webhooks.js';

export interface Sent {
  webhook: Webhook;
  status: number;
  /** accepted, updated, duplicate, or rejected. */
  outcome: string;
  leadId: string | null;
  /** Why it was rejected. */
  detail: string | null;
}

/** The part of GET /ops/leads/:id that the demo shows. */
export interface Journey {
  id: string;
  state: string;
  revision: number;
  name: string | null;
  email: string;
  campaignId: string;
  fitScore: number | null;
  intent: string | null;
  reasoning: string | null;
  crm: { leadId: string; memberId: string | null } | null;
  timings: { contentAt: string; syncedAt: string | null };
}

const SYNCED_WITHIN_MS = 60_000;

/** Sends the webhooks in order, as Marketo would for one person after the other. */
export async function sendAll(url: string, webhooks: Webhook[], say: (line: string) => void): Promise<Sent[]> {
  const bar = progress('Sending', webhooks.length, say);
  const sent: Sent[] = [];
  for (const webhook of webhooks) {
    const secret = process.env['WEBHOOK_SECRETS']?.split(',')[0]?.trim();
    const answer = await fetch(`${url}/leads`, {
      method: 'POST',
      body: webhook.body,
      headers: { 'content-type': webhook.contentType, ...(secret ? { 'x-webhook-secret': secret } : {}) },
    });
    const body = (await answer.json()) as { status: string | number; leadId?: string; detail?: string };
    const outcome = typeof body.status === 'string' ? body.status : 'rejected';
    sent.push({ webhook, status: answer.status, outcome, leadId: body.leadId ?? null, detail: body.detail ?? null });
    bar.step();
  }
  bar.end();
  return sent;
}

/** Waits until each lead has reached its end, and gives the journeys in the order of sending. */
export async function followLeads(url: string, sent: Sent[], say: (line: string) => void): Promise<Journey[]> {
  const ids = [...new Set(sent.flatMap(({ leadId }) => (leadId === null ? [] : [leadId])))];
  const bar = progress('Following', ids.length, say);
  const deadline = Date.now() + SYNCED_WITHIN_MS;
  const journeys: Journey[] = [];
  for (const id of ids) {
    let journey = await journeyOf(url, id);
    while (!['synced', 'dead', 'discarded'].includes(journey.state) && Date.now() < deadline) {
      await sleep(50);
      journey = await journeyOf(url, id);
    }
    journeys.push(journey);
    bar.step();
  }
  bar.end();
  return journeys;
}

async function journeyOf(url: string, id: string): Promise<Journey> {
  const secret = process.env['OPS_TOKENS']?.split(',')[0]?.trim().split(':').slice(2).join(':');
  const answer = await fetch(`${url}/ops/leads/${id}`, { headers: secret ? { authorization: `Bearer ${secret}` } : {} });
  if (!answer.ok) throw new Error(`GET /ops/leads/${id} answered ${answer.status}. Set OPS_TOKENS as the service has it.`);
  return (await answer.json()) as Journey;
}

/** A bar on a terminal, a line each ten elsewhere. */
function progress(what: string, total: number, say: (line: string) => void) {
  if (process.stderr.isTTY) {
    const bar = new SingleBar({
      format: `${what.padEnd(9)} {bar} {value}/{total}`,
      stream: process.stderr,
      clearOnComplete: false,
    });
    bar.start(total, 0);
    return { step: () => bar.increment(), end: () => bar.stop() };
  }
  let done = 0;
  return { step: () => void (++done % 10 === 0 && say(`${what} ${done}/${total}`)), end: () => say(`${what} ${total}/${total}`) };
}
