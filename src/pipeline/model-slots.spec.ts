import { describe, expect, it, vi } from 'vitest';
import { UNLIMITED } from '../platform/concurrency/rate-limiter.port.js';
import { ModelSlots, type Slot } from './model-slots.js';

const permit = { probe: false, succeeded: vi.fn(), failed: vi.fn(async () => false), cancelled: vi.fn() };
const never = new AbortController().signal;

function line(permitted: () => number, paused = () => false) {
  return new ModelSlots({ permitted, paused, enter: () => permit, rateLimiter: UNLIMITED });
}

function end(slot: Slot): void {
  if (typeof slot !== 'string') slot.release();
}

describe('ModelSlots', () => {
  it('gives slots to the highest ranks first, and no more than are permitted', async () => {
    let limit = 0;
    const slots = line(() => limit);
    const called: number[] = [];
    let underWay = 0;
    const runs = [10, 90, 50, 70].map(async (rank) => {
      const slot = await slots.acquire({ rank, waitMs: 60_000, signal: never });
      called.push(rank);
      expect(++underWay).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      end(slot);
    });
    limit = 2;
    slots.reassign();
    await Promise.all(runs);
    expect(called).toEqual([90, 70, 50, 10]);
  });

  it('lets no lead wait longer than its waitMs', async () => {
    const slots = line(() => 0);
    expect(await slots.acquire({ rank: 1, waitMs: 5, signal: never })).toBe('timed-out');
    expect(await slots.acquire({ rank: 1, waitMs: -5, signal: never })).toBe('timed-out');
  });

  it('cancels all waits where the stage is paused or the process stops', async () => {
    let paused = false;
    const slots = line(
      () => 0,
      () => paused,
    );
    const stopping = new AbortController();
    const waiting = [
      slots.acquire({ rank: 1, waitMs: 60_000, signal: never }),
      slots.acquire({ rank: 2, waitMs: 60_000, signal: stopping.signal }),
    ];
    stopping.abort();
    expect(await waiting[1]).toBe('cancelled');
    paused = true;
    slots.reassign();
    expect(await waiting[0]).toBe('cancelled');
    expect(await slots.acquire({ rank: 1, waitMs: 60_000, signal: never })).toBe('cancelled');
  });

  it('continues after the rate limiter failed', async () => {
    const rateLimiter = { acquire: vi.fn(async () => {}) };
    rateLimiter.acquire.mockRejectedValueOnce(new Error('PostgreSQL is down'));
    const slots = new ModelSlots({ permitted: () => 1, paused: () => false, enter: () => permit, rateLimiter });
    const slot = slots.acquire({ rank: 1, waitMs: 60_000, signal: never });
    await new Promise((resolve) => setImmediate(resolve));
    slots.reassign();
    expect(await slot).toMatchObject({ permit });
  });
});
