import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.js';
import type { World } from './world.js';

/** The answers that the senders got. */
export interface Told {
  sent: number;
  /** The ids behind each 2xx. */
  acked: Set<string>;
  /** E-mails of requests that were answered 4xx. */
  refusedEmails: Set<string>;
  slowestAckMs: number;
  unavailable: number;
}

export interface Load {
  /** Stops sending until the end of the trial. Resolves when all requests in flight are answered. */
  pause(): Promise<void>;
  /** A multiple of the senders, without pauses, for a while. */
  burst(times: number, ms: number): Promise<void>;
  stop(): Promise<Told>;
}

const SENDERS = 20;

/**
 * Twenty senders, as Marketo has: new leads, repeats, changed repeats, second campaigns and malformed requests, until
 * they are stopped. A sender whose connection breaks continues with the next lead, as Marketo does.
 */
export function startLoad(world: World, random: Random, trial: string, pauseAtMostMs = 10): Load {
  const told: Told = { sent: 0, acked: new Set(), refusedEmails: new Set(), slowestAckMs: 0, unavailable: 0 };
  const stopping = new AbortController();
  let person = 0;
  const lead = () => {
    if (random.chance(0.03)) return { email: `bad-${trial}-${person++}`, campaign_id: 'c0' };
    const known = person > 0 && random.chance(0.25);
    const number = known ? random.below(person) : person++;
    return {
      email: `p${number}-${trial}@acme.com`,
      name: 'Ann Lee',
      campaign_id: `c${random.below(2)}`,
      title: `title ${random.below(3)}`,
    };
  };
  const sendOne = async () => {
    const body = lead();
    const began = performance.now();
    told.sent++;
    try {
      const answer = await world.api.post(body);
      if (answer.status === 200 || answer.status === 202) {
        told.acked.add(answer.body.leadId);
        told.slowestAckMs = Math.max(told.slowestAckMs, performance.now() - began);
      } else if (answer.status < 500) told.refusedEmails.add(body.email);
      else told.unavailable++;
    } catch {
      await sleep(20); // the connection broke; whether the lead was accepted is unknown, so it is not checked
    }
  };
  const send = async () => {
    while (!stopping.signal.aborted) {
      await sendOne();
      await sleep(random.below(pauseAtMostMs));
    }
  };
  const senders = Array.from({ length: SENDERS }, send);
  const pause = async () => {
    stopping.abort();
    await Promise.all(senders);
  };
  return {
    pause,
    async burst(times, ms) {
      const end = Date.now() + ms;
      const rush = async () => {
        while (Date.now() < end) await sendOne();
      };
      await Promise.all(Array.from({ length: SENDERS * times }, rush));
    },
    async stop() {
      await pause();
      return told;
    },
  };
}
