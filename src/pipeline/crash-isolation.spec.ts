import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrashIsolation } from './crash-isolation.js';

describe('CrashIsolation', () => {
  it('never lets an exclusive run share the process, nor too many suspects run at once, and runs all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }), async (suspicions) => {
        const isolation = new CrashIsolation({ CRASH_BUDGET: 4 });
        const running: number[] = [];
        let ran = 0;
        const work = (mine: number) => async (alone: boolean) => {
          running.push(mine);
          expect(alone).toBe(mine >= 3);
          if (alone) expect(running).toHaveLength(1);
          const suspects = running.filter((other) => other > 0);
          expect(suspects.length).toBeLessThanOrEqual(suspects.includes(2) ? 16 : 256);
          await new Promise((resolve) => setImmediate(resolve));
          if (alone) expect(running).toHaveLength(1);
          running.splice(running.indexOf(mine), 1);
          ran++;
        };
        await Promise.all(suspicions.map((mine) => isolation.run(mine, work(mine))));
        expect(ran).toBe(suspicions.length);
      }),
    );
  });

  it.each([
    [3, 1],
    [3, 2],
    [400, 3],
    [1000, 3],
    [1000, 5],
  ])('finds one of %d suspects with a budget of %d crashes, after few exclusive runs', async (count, budget) => {
    const poison = Math.floor(count / 2);
    const suspected: number[] = Array.from({ length: count }, () => 1);
    let exclusiveRuns = 0;
    let crashes = 1;
    let alone = false;
    let left = Array.from({ length: count }, (_, lead) => lead);
    const found = () =>
      new CrashIsolation({ CRASH_BUDGET: budget }).isPoison({
        suspectedCrashes: suspected[poison]!,
        confirmedCrashes: Number(alone),
      });
    while (!found()) {
      const isolation = new CrashIsolation({ CRASH_BUDGET: budget });
      const running = new Set<number>();
      const done = new Set<number>();
      const crashed = new Promise<void>((crash) => {
        const run = (lead: number) => async (exclusively: boolean) => {
          running.add(lead);
          if (exclusively) exclusiveRuns++;
          if (lead === poison) {
            alone = exclusively;
            return crash();
          }
          await new Promise((resolve) => setImmediate(resolve));
          running.delete(lead);
          done.add(lead);
        };
        void Promise.all(left.map((lead) => isolation.run(suspected[lead]!, run(lead))));
      });
      await crashed;
      for (const lead of running) suspected[lead]!++;
      left = left.filter((lead) => !done.has(lead));
      crashes++;
    }
    expect(crashes).toBe(Math.max(2, budget));
    expect(exclusiveRuns).toBeLessThanOrEqual(16);
  });

  it('goes on after a run that fails', async () => {
    const isolation = new CrashIsolation({ CRASH_BUDGET: 4 });
    const failing = [0, 1, 3].map((mine) => isolation.run(mine, () => Promise.reject(new Error('odd'))));
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await Promise.all([0, 1, 3].map((mine) => isolation.run(mine, async () => mine)))).toEqual([0, 1, 3]);
  });
});
