import { describe, expect, it } from 'vitest';
import { ApiUsageRecorder } from './api-usage.js';

describe('the share of API calls', () => {
  it('is written at most every five seconds, and a failed write stops nothing', () => {
    let now = 0;
    const written: [string, number][] = [];
    const store = {
      recordApiUsage: (api: string, share: number) => {
        written.push([api, share]);
        return Promise.reject(new Error('PostgreSQL is down'));
      },
    };
    const recorder = new ApiUsageRecorder('salesforce', store, { now: () => now });
    for (now of [0, 100, 4999, 5000, 9000, 10_001]) recorder.observe(now / 100_000);
    expect(written).toEqual([
      ['salesforce', 0],
      ['salesforce', 0.05],
      ['salesforce', 0.10001],
    ]);
  });
});
