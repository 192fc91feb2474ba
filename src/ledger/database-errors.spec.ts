import { describe, expect, it } from 'vitest';
import { guarded } from './database-errors.js';

describe('what PostgreSQL answers', () => {
  it.each([
    ['42703', 'UNEXPECTED'], // no such column
    ['42601', 'UNEXPECTED'], // a syntax error
    ['42P01', 'UNEXPECTED'], // no such table
    ['42501', 'LEDGER_UNAVAILABLE'], // a right that somebody took away
    ['57P01', 'LEDGER_UNAVAILABLE'], // it shuts down
    ['53100', 'LEDGER_UNAVAILABLE'], // its disk is full
    ['22P05', 'INVALID_LEAD'], // a character that it has not
    ['ECONNREFUSED', 'LEDGER_UNAVAILABLE'],
  ])('with %s is %s', async (code, expected) => {
    const refused = Promise.reject(Object.assign(new Error('quotes a value'), { code }));
    await expect(guarded(refused)).rejects.toMatchObject({ code: expected, message: expect.not.stringContaining('quotes') });
  });
});
