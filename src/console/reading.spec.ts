import { describe, expect, it } from 'vitest';
import { Reading } from './reading.js';

function countedReading(mayKeep?: (value: number) => boolean) {
  const clock = { now: () => 0 };
  let taken = 0;
  return new Reading(clock, 5000, () => Promise.resolve(++taken), mayKeep);
}

describe('a reading', () => {
  it('is shared by the readers of its time', async () => {
    const reading = countedReading();
    expect([await reading.read(), await reading.read()]).toEqual([1, 1]);
  });

  it('is taken anew where it may not be kept', async () => {
    const reading = countedReading((value) => value > 1);
    expect([await reading.read(), await reading.read(), await reading.read()]).toEqual([1, 2, 2]);
  });
});
