import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { tokenOf } from '../src/cli/connection.js';
import { progress } from './demo-progress.js';
import type { Sent, Step } from './demo-run.js';

/** The part of GET /ops/leads/:id that the demo shows. */
const journeySchema = z.object({
  id: z.string(),
  state: z.string(),
  revision: z.number(),
  name: z.string().nullable(),
  email: z.string(),
  campaignId: z.string(),
  fitScore: z.number().nullable(),
  intent: z.string().nullable(),
  reasoning: z.string().nullable(),
  scoreSource: z.string().nullable(),
  crm: z.object({ leadId: z.string(), memberId: z.string().nullable() }).nullable(),
  timings: z.object({ receivedAt: z.string(), contentAt: z.string().optional(), syncedAt: z.string().nullable() }),
  next: z.object({ what: z.string(), at: z.string().nullable() }).nullable(),
  lastError: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type Journey = z.infer<typeof journeySchema>;

/** The result of a lead; the journey is null if the service never showed it. */
export interface Followed {
  leadId: string;
  journey: Journey | null;
}

export const SYNCED_WITHIN_MS = 60_000;

/** Waits until each lead is final or the time is up; in the order of sending. */
export async function followLeads(sent: Sent[], { url, say, bars, signal }: Step): Promise<Followed[]> {
  const ids = [...new Set(sent.flatMap(({ leadId }) => (leadId === null ? [] : [leadId])))];
  const bar = progress('Following', ids.length, bars, say);
  const deadline = Date.now() + SYNCED_WITHIN_MS;
  const followed: Followed[] = [];
  for (const leadId of ids) {
    let journey = await journeyOf(url, leadId, signal);
    while (!['synced', 'dead', 'discarded'].includes(journey?.state ?? '') && Date.now() < deadline) {
      await sleep(100, undefined, { signal });
      journey = (await journeyOf(url, leadId, signal)) ?? journey;
    }
    followed.push({ leadId, journey });
    bar.step();
  }
  bar.end();
  return followed;
}

/** Null if it cannot be shown yet: a lead in the spool has no row, and a busy service may not answer. */
async function journeyOf(url: string, id: string, signal: AbortSignal): Promise<Journey | null> {
  const secret = tokenOf(process.env);
  let answer: Response;
  try {
    answer = await fetch(`${url}/ops/leads/${id}`, {
      headers: secret ? { authorization: `Bearer ${secret}` } : {},
      signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
    });
  } catch {
    signal.throwIfAborted();
    return null;
  }
  if (answer.status === 401 || answer.status === 403) {
    throw new Error(
      `GET /ops/leads/${id} answered ${answer.status}. Set REVENUEFLOW_TOKEN, or OPS_TOKENS as the service has it.`,
    );
  }
  return answer.ok ? journeySchema.parse(await answer.json()) : null;
}
