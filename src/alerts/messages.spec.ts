import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../domain/error-catalog.js';
import { breakerOpen } from './messages.js';

describe('the alert about an open breaker', () => {
  it.each<[ErrorCode, string, RegExp]>([
    ['CRM_DAILY_LIMIT_REACHED', 'TotalRequests', /used up: calls come back over hours/],
    ['CRM_RATE_LIMITED', 'ConcurrentRequests', /passes in seconds/],
    ['AI_RATE_LIMITED', '429', /seconds to minutes/],
  ])('says for how long %s lasts', (code, answer, howLong) => {
    const text = breakerOpen({ stage: 'crm-sync', reason: 'rate-limited', code, message: null, answer });
    expect(text).toMatch(howLong);
    expect(text).toContain(answer);
  });
});
