import { expect, it } from 'vitest';
import { DatabaseClock } from './database-clock.js';
import type { Queryable } from './database.js';

it('is the clock of PostgreSQL, also while that does not answer', async () => {
  let own = 1_000_000;
  let up = true;
  // Answers after 10 ms, with a clock that is five seconds ahead halfway through.
  const query = async () => {
    own += 10;
    if (!up) throw new Error('down');
    return { rows: [{ at: new Date(own - 5 + 5000) }] };
  };
  const clock = new DatabaseClock({ query } as unknown as Queryable, () => own);
  expect(clock.now()).toBe(own);
  await clock.measure();
  expect(clock.now()).toBe(own + 5000);
  up = false;
  await clock.measure();
  own += 500;
  expect(clock.now()).toBe(own + 5000);
});
