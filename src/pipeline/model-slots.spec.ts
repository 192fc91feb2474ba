import { describe, expect, it, vi } from 'vitest';
import { UNLIMITED } from '../platform/concurrency/rate-limiter.port.js';
import { ModelSlots, type Slot } from './model-slots.js';

const permit = { probe: false, succeeded: vi.fn(), failed: vi.fn(async () => false), cancelled: vi.fn() };
const never = new AbortController().signal;

function line(permitted: () => number, paused = () => false) {
  return new ModelSlots({ permitted, paused, enter: () => permit, rateLimiter: UNLIMITED });
}

function end(turn: Slot): void {
  if (typeof turn !== 'string') turn.release();
}

describe('ModelSlots', () => {
  it('calls the best first, and no more at a time than are permitted', async () => {
    let limit = 0;
    const turns = line(() => limit);
    const called: number[] = [];
    let underWay = 0;
    const runs = [10, 90, 50, 70].map(async (rank) => {
      const turn = await turns.acquire({ rank, waitMs: 60_000, signal: never });
      called.push(rank);
      expect(++underWay).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      end(turn);
    });
    limit = 2;
    turns.reassign();
    await Promise.all(runs);
    expect(called).toEqual([90, 70, 50, 10]);
  });

  it('lets no lead wait longer than its waitMs', async () => {
    const turns = line(() => 0);
    expect(await turns.acquire({ rank: 1, waitMs: 5, signal: never })).toBe('timed-out');
    expect(await turns.acquire({ rank: 1, waitMs: -5, signal: never })).toBe('timed-out');
  });

  it('hands everyone back where the stage is paused or the process stops', async () => {
    let paused = false;
    const turns = line(
      () => 0,
      () => paused,
    );
    const stopping = new AbortController();
    const waiting = [
      turns.acquire({ rank: 1, waitMs: 60_000, signal: never }),
      turns.acquire({ rank: 2, waitMs: 60_000, signal: stopping.signal }),
    ];
    stopping.abort();
    expect(await waiting[1]).toBe('cancelled');
    paused = true;
    turns.reassign();
    expect(await waiting[0]).toBe('cancelled');
    expect(await turns.acquire({ rank: 1, waitMs: 60_000, signal: never })).toBe('cancelled');
  });

  it('goes on after the rate could not be asked for', async () => {
    const rateLimiter = { acquire: vi.fn(async () => {}) };
    rateLimiter.acquire.mockRejectedValueOnce(new Error('PostgreSQL is down'));
    const turns = new ModelSlots({ permitted: () => 1, paused: () => false, enter: () => permit, rateLimiter });
    const turn = turns.acquire({ rank: 1, waitMs: 60_000, signal: never });
    await new Promise((resolve) => setImmediate(resolve));
    turns.reassign();
    expect(await turn).toMatchObject({ permit });
  });
});
