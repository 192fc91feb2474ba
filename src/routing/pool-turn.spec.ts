import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newTurn, peekTurn, takeTurn, type Candidate } from './pool-turn.js';

const poolOf = (weights: number[]): Candidate[] =>
  weights.map((weight, index) => ({ rep: `rep-${String(index).padStart(3, '0')}`, weight, priority: 0, turn: newTurn() }));
const rotate = (pool: Candidate[], leads: number, first = 1) =>
  Array.from({ length: leads }, (_, index) => takeTurn(pool, pool, first + index).rep.slice(-1));

const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 40 });

describe('a pool', () => {
  it.each([
    [[1, 1, 1], 'abcabc'],
    [[2, 1], 'abaaba'],
    [[1], 'aaaaaa'],
    [[5, 1], 'aabaaa'],
  ])('with weights %j gives six leads to %s', (each, order) => {
    expect(rotate(poolOf(each), 6).map((digit) => 'abcdef'[Number(digit)])).toEqual([...order]);
  });

  it('keeps each member within one lead of its share at every moment', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 600 }), (each, leads) => {
        const pool = poolOf(each);
        const total = each.reduce((sum, weight) => sum + weight, 0);
        for (let lead = 1; lead <= leads; lead++) {
          takeTurn(pool, pool, lead);
          for (const { weight, turn } of pool)
            expect(Math.abs(turn.assigned - (lead * weight) / total)).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  it('gives the same order to the same leads, and a look changes nothing', () => {
    fc.assert(
      fc.property(weights, (each) => {
        const [one, other] = [poolOf(each), poolOf(each)];
        for (let lead = 1; lead <= 50; lead++) {
          const next = peekTurn(other, other).rep;
          expect(takeTurn(one, one, lead).rep).toBe(next);
          expect(takeTurn(other, other, lead).rep).toBe(next);
        }
      }),
    );
  });

  it('floods neither a member who returns nor a new one', () => {
    const pool = poolOf([1, 1, 1]);
    rotate(pool.slice(0, 2), 100);
    expect(rotate(pool, 6, 101).toSorted()).toEqual(['0', '0', '1', '1', '2', '2']);
  });

  it('lets an absent member catch up where the pool is set so', () => {
    const pool = poolOf([1, 1]);
    for (let lead = 1; lead <= 6; lead++) takeTurn(pool.slice(0, 1), pool, lead);
    expect(rotate(pool, 6, 7)).toEqual(['1', '1', '1', '1', '1', '1']);
  });

  it('follows new weights from the lead after the change on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })), { minLength: 2, maxLength: 8 }),
        fc.integer({ min: 0, max: 100 }),
        (changes, before) => {
          const pool = poolOf(changes.map(([old]) => old));
          rotate(pool, before);
          const had = pool.map(({ turn }) => turn.assigned);
          changes.forEach(([, weight], index) => (pool[index]!.weight = weight));
          const total = changes.reduce((sum, [, weight]) => sum + weight, 0);
          rotate(pool, 200, before + 1);
          pool.forEach(({ weight, turn }, index) =>
            expect(Math.abs(turn.assigned - had[index]! - (200 * weight) / total)).toBeLessThanOrEqual(2 + 1e-9),
          );
        },
      ),
    );
  });

  it('asks the priority, then who had the longest wait, then the name', () => {
    const pool = poolOf([1, 1, 1]);
    pool[2]!.priority = 1;
    pool[0]!.turn.lastTurn = 5;
    expect(rotate(pool, 3, 6)).toEqual(['2', '1', '0']);
  });
});
