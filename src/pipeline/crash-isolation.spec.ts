import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrashIsolation } from './crash-isolation.js';

describe('CrashIsolation', () => {
  it('never lets an exclusive run share the process, nor too many suspects run at once, and runs all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }), async (suspicions) => {
        const isolation = new CrashIsolation();
        const running: number[] = [];
        let ran = 0;
        const work = (mine: number) => async (alone: boolean) => {
          running.push(mine);
          expect(alone).toBe(mine >= 3);
          if (alone) expect(running).toHaveLength(1);
          const suspects = running.filter((other) => other > 0);
          expect(suspects.length).toBeLessThanOrEqual(suspects.includes(2) ? 4 : 16);
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

  it.each([3, 40, 400, 1000])('finds one of %d suspects after few crashes and few exclusive runs', async (count) => {
    const poison = Math.floor(count / 2);
    const suspected: number[] = Array.from({ length: count }, () => 1);
    let exclusiveRuns = 0;
    let crashes = 1;
    let left = Array.from({ length: count }, (_, lead) => lead);
    while (suspected[poison]! < 3) {
      const isolation = new CrashIsolation();
      const running = new Set<number>();
      const done = new Set<number>();
      const crashed = new Promise<void>((crash) => {
        const run = (lead: number) => async () => {
          running.add(lead);
          if (lead === poison) return crash();
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
    exclusiveRuns = left.filter((lead) => suspected[lead]! >= 3).length;
    expect(crashes).toBe(3);
    expect(exclusiveRuns).toBeLessThanOrEqual(4);
  });

  it('goes on after a run that fails', async () => {
    const isolation = new CrashIsolation();
    const failing = [0, 1, 3].map((mine) => isolation.run(mine, () => Promise.reject(new Error('odd'))));
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await Promise.all([0, 1, 3].map((mine) => isolation.run(mine, async () => mine)))).toEqual([0, 1, 3]);
  });
});
