import { describe, expect, it } from 'vitest';
import { outcomeInputSchema, reportQuerySchema } from './outcomes.schemas.js';

const read = (over: object) =>
  outcomeInputSchema.safeParse({ email: 'lead@enterprise.com', kind: 'won', at: '2026-11-24', ...over });

describe('the time of a reported outcome', () => {
  it.each([
    ['2026-11-24', '2026-11-24T23:59:59.999Z'],
    ['2024-02-29', '2024-02-29T23:59:59.999Z'],
    ['2026-11-24T04:00Z', '2026-11-24T04:00:00.000Z'],
    ['2026-11-24T04:00:00.123456+02:00', '2026-11-24T02:00:00.123Z'],
    ['2026-11-24T23:30:00-08:00', '2026-11-25T07:30:00.000Z'],
  ])('%s is %s', (at, expected) => {
    expect(read({ at }).data?.at).toBe(expected);
  });

  it.each([
    ['24.11.2026', 'must be a time with its zone'],
    ['11/24/2026', 'must be a time with its zone'],
    ['2026-11-24 04:00', 'must be a time with its zone'],
    ['2026-11-24T04:00:00', 'must be a time with its zone'],
    ['1764000000', 'must be a time with its zone'],
    ['2026-02-30', 'is not in the calendar'],
    ['2025-02-29T10:00:00Z', 'is not in the calendar'],
    ['2026-04-31T10:00:00Z', 'is not in the calendar'],
    ['2026-13-01', 'is not in the calendar'],
    ['2026-11-24T25:00:00Z', 'is not in the calendar'],
    ['1970-01-01T00:00:00Z', 'lies before the year 2000'],
    ['0001-01-01', 'lies before the year 2000'],
  ])('%s is refused', (at, message) => {
    expect(read({ at }).error?.issues.map((issue) => issue.message)).toEqual([expect.stringContaining(message) as string]);
  });
});

it.each([
  [{ amount: '1.234,50' }, 'amount'],
  [{ amount: -1 }, 'amount'],
  [{ amount: Number.NaN }, 'amount'],
  [{ currency: 'eur' }, 'currency'],
  [{ currency: '€' }, 'currency'],
  [{ kind: 'merged' }, 'kind'],
  [{ source: 'My CRM' }, 'source'],
  [{ id: ' ' }, 'id'],
])('an outcome with %j is refused', (over, field) => {
  expect(read(over).error?.issues.map(({ path }) => path)).toEqual([[field]]);
});

it('a report begins on a day of the calendar', () => {
  expect(reportQuerySchema.safeParse({ since: '2026-02-28' }).success).toBe(true);
  expect(reportQuerySchema.safeParse({ since: '2026-02-30' }).success).toBe(false);
});
