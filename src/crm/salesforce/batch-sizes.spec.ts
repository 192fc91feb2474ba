import { describe, expect, it } from 'vitest';
import { BatchSizes } from './batch-sizes.js';

describe('the size of a batch', () => {
  it('halves where it was too large, per object, and grows again with time', () => {
    let now = 0;
    const sizes = new BatchSizes(200, { now: () => now });
    sizes.tooLarge('Lead', 200);
    sizes.tooLarge('Lead', 100);
    expect([sizes.sizeOf('Lead'), sizes.sizeOf('CampaignMember')]).toEqual([50, 200]);
    now += 9 * 60_000;
    expect(sizes.sizeOf('Lead')).toBe(50);
    now += 60_000;
    expect(sizes.sizeOf('Lead')).toBe(100);
    sizes.tooLarge('Lead', 100);
    expect(sizes.sizeOf('Lead')).toBe(50);
    now += 20 * 60_000;
    expect(sizes.sizeOf('Lead')).toBe(200);
  });

  it('is one at least', () => {
    const sizes = new BatchSizes(200, { now: () => 0 });
    for (const size of [3, 1, 1]) sizes.tooLarge('Lead', size);
    expect(sizes.sizeOf('Lead')).toBe(1);
  });
});
