import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../domain/app-error.js';
import { DownstreamEvidence } from '../flow-control/downstream-evidence.js';
import { decideRetry } from './retry-policy.js';

const policy = { attempts: 5, baseMs: 1000 };
const CALLS_OF_A_SYNC = 3;
const LOAD_MS = 120_000;
const WATCHED_MS = 3_600_000;

interface World {
  /** The share of calls that fail during the outage. */
  rate: number;
  leadsPerSecond: number;
  /** Leads per call. */
  batch: number;
  outageMs: number;
  /** Leads that fail every call they are part of. */
  poison: number;
  processes: number;
  seed: number;
}

/** The retry policy with a partly failing downstream. The breaker stays closed throughout, which is the harder case. */
function run({ rate, leadsPerSecond, batch, outageMs, poison, processes, seed }: World) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const workers = Array.from({ length: processes }, () => new DownstreamEvidence());
  const leads = new Map<string, { due: number; attempts: number; tries: number; healthyTries: number }>();
  const result = { dead: [] as string[], synced: 0, attemptsLost: 0, poisonTries: [] as number[], open: 0 };
  let lastSuccessAt = 0;
  const isPoison = (id: string) => id.startsWith('poison');
  for (let index = 0; index < poison; index++)
    leads.set(`poison${index}`, { due: 30_000, attempts: 0, tries: 0, healthyTries: 0 });
  let arrived = 0;
  for (let now = 0; now < WATCHED_MS; now += 100) {
    // After the load, one lead in ten seconds shows that the downstream is up.
    const arrivals = now < LOAD_MS ? (now / 1000) * leadsPerSecond : (LOAD_MS / 1000) * leadsPerSecond + (now - LOAD_MS) / 10_000;
    while (arrived < arrivals) leads.set(`lead${arrived++}`, { due: now, attempts: 0, tries: 0, healthyTries: 0 });
    if (now % 1000 === 0) {
      const summaries = workers.map((worker) => worker.summary(now));
      workers.forEach((worker, me) =>
        worker.learn(
          summaries.flatMap((other, at) => (other && at !== me ? [other] : [])),
          now,
        ),
      );
    }
    const due = [...leads].filter(([, lead]) => lead.due <= now);
    for (let from = 0; from < due.length; from += batch) {
      const together = due.slice(from, from + batch);
      const worker = workers[Math.floor(random() * processes)]!;
      const failsAtRandom = now < outageMs && Array.from({ length: CALLS_OF_A_SYNC }, random).some((drawn) => drawn < rate);
      const error = failsAtRandom || together.some(([id]) => isPoison(id)) ? new AppError('CRM_UNAVAILABLE', '') : null;
      for (const [id, lead] of together) {
        lead.tries++;
        if (now >= outageMs) lead.healthyTries++;
        if (!error) {
          worker.succeeded(id, now);
          lastSuccessAt = now;
          leads.delete(id);
          result.synced++;
          if (lead.attempts > 0) result.attemptsLost++;
          continue;
        }
        const attribution = worker.failed(id, error, now, lastSuccessAt);
        const facts = { failures: lead.attempts + 1, breakerOpen: false, deadlinePassed: false, attribution, random: random() };
        const disposition = decideRetry(error, 'crm-sync', facts, policy);
        if (disposition.kind === 'dead-letter') {
          leads.delete(id);
          result.dead.push(id);
          if (isPoison(id)) result.poisonTries.push(lead.healthyTries);
        } else if (disposition.kind === 'retry' || disposition.kind === 'wait') {
          if (disposition.kind === 'retry') lead.attempts++;
          lead.due = now + disposition.delayMs;
        }
      }
    }
    if (now > LOAD_MS + outageMs && leads.size === 0) break;
  }
  result.open = leads.size;
  return result;
}

const worlds = fc.record({
  rate: fc.double({ min: 0.05, max: 0.5, noNaN: true }),
  leadsPerSecond: fc.constantFrom(1, 10, 50),
  batch: fc.constantFrom(1, 20, 200),
  outageMs: fc.constantFrom(30_000, 120_000, 300_000),
  poison: fc.constant(0),
  processes: fc.constantFrom(1, 3),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
});

describe('a partial outage', () => {
  it('makes no dead letter, and all leads get through', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { dead, open } = run(world);
        expect({ dead, open }).toEqual({ dead: [], open: 0 });
      }),
      { numRuns: 12 },
    );
  });

  it('costs few leads an attempt at 50 leads per second', () => {
    for (const rate of [0.05, 0.2, 0.5]) {
      const world = { rate, leadsPerSecond: 50, batch: 20, outageMs: LOAD_MS, poison: 0, processes: 1, seed: 7 };
      expect(run(world).attemptsLost).toBe(0);
    }
  });

  it('dead-letters leads that break every call they are in, however many there are', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 4 }), (world, poison) => {
        const { dead, open, poisonTries } = run({ ...world, poison, batch: 20, outageMs: Math.min(world.outageMs, 120_000) });
        expect(open).toBe(0);
        expect(dead.toSorted()).toEqual(Array.from({ length: poison }, (_, index) => `poison${index}`));
        expect(Math.max(...poisonTries)).toBeLessThan(60);
      }),
      { numRuns: 12 },
    );
  });

  it.each([1, 3])('ends %d poison leads beside a healthy downstream within fifteen tries', (poison) => {
    const world = { rate: 0, leadsPerSecond: 10, batch: 1, outageMs: 0, poison, processes: 1, seed: 3 };
    const { dead, poisonTries } = run(world);
    expect(dead).toHaveLength(poison);
    expect(Math.max(...poisonTries)).toBeLessThanOrEqual(15);
  });
});
