import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrashIsolation } from './crash-isolation.js';

describe('CrashIsolation', () => {
  it('never lets a lone run share the process, nor more than sixteen suspects run at once, and runs everyone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }), async (suspicions) => {
        const isolation = new CrashIsolation();
        const running: number[] = [];
        let ran = 0;
        const work = (mine: number) => async (alone: boolean) => {
          running.push(mine);
          expect(alone).toBe(mine >= 2);
          if (alone) expect(running).toHaveLength(1);
          expect(running.filter((other) => other === 1).length).toBeLessThanOrEqual(16);
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

  it('goes on after a run that fails', async () => {
    const isolation = new CrashIsolation();
    const failing = [0, 1, 2].map((mine) => isolation.run(mine, () => Promise.reject(new Error('odd'))));
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await Promise.all([0, 1, 2].map((mine) => isolation.run(mine, async () => mine)))).toEqual([0, 1, 2]);
  });
});
