import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SharedRateLimiter } from './rate-limiter.js';

describe('SharedRateLimiter', () => {
  it('uses one place of a late reservation, and reserves the others again', async () => {
    const asked: number[] = [];
    const reserve = async (_stage: string, _perSecond: number, count: number) => {
      if (asked.push(count) === 2) await sleep(100);
      return { inMs: 0, everyMs: 1 };
    };
    const rateLimiter = new SharedRateLimiter({ reserve }, 'crm-sync', 50);
    await Promise.all(Array.from({ length: 5 }, () => rateLimiter.acquire()));
    // The first caller reserves one place; the others that came meanwhile share the next reservation.
    expect(asked).toEqual([1, 4, 1, 2]);
  });

  it('uses all places of a reservation that came in time', async () => {
    const asked: number[] = [];
    const reserve = async (_stage: string, _perSecond: number, count: number) => {
      asked.push(count);
      return { inMs: 0, everyMs: 1 };
    };
    const rateLimiter = new SharedRateLimiter({ reserve }, 'crm-sync', 50);
    await Promise.all(Array.from({ length: 5 }, () => rateLimiter.acquire()));
    expect(asked).toEqual([1, 4]);
  });
});
