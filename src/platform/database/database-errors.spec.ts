import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { Database } from './database.js';
import { mayBeCausedByOneItem } from './database-errors.js';
import type { Pool } from './pool.js';

/** A database whose every query rejects with `error`. */
function failing(error: unknown): Database {
  const refuse = async () => {
    throw error;
  };
  return new Database({ query: refuse, connect: refuse } as unknown as Pool);
}
const fromPostgres = (code: string) => Object.assign(new Error('quotes a value'), { code, severity: 'ERROR' });
const fromNode = (code: string) => Object.assign(new Error('quotes a value'), { code });

describe('the error of a query', () => {
  it.each([
    ['an unknown column', fromPostgres('42703'), 'UNEXPECTED'],
    ['a syntax error', fromPostgres('42601'), 'UNEXPECTED'],
    ['an unknown table', fromPostgres('42P01'), 'UNEXPECTED'],
    ['a violated constraint', fromPostgres('23514'), 'UNEXPECTED'],
    ['a row written twice', fromPostgres('21000'), 'UNEXPECTED'],
    ['a revoked privilege', fromPostgres('42501'), 'LEDGER_UNAVAILABLE'],
    ['a shutdown', fromPostgres('57P01'), 'LEDGER_UNAVAILABLE'],
    ['a statement timeout', fromPostgres('57014'), 'LEDGER_UNAVAILABLE'],
    ['a full disk', fromPostgres('53100'), 'LEDGER_UNAVAILABLE'],
    ['a standby', fromPostgres('25006'), 'LEDGER_UNAVAILABLE'],
    ['a deadlock', fromPostgres('40P01'), 'LEDGER_UNAVAILABLE'],
    ['an unknown character', fromPostgres('22P05'), 'INVALID_LEAD'],
    ['a value nested too deeply', fromPostgres('54001'), 'INVALID_LEAD'],
    ['a refused connection', fromNode('ECONNREFUSED'), 'LEDGER_UNAVAILABLE'],
    ['an unresolved name', fromNode('EAI_AGAIN'), 'LEDGER_UNAVAILABLE'],
    ['an expired certificate', fromNode('CERT_HAS_EXPIRED'), 'LEDGER_UNAVAILABLE'],
    ['a lost connection', new Error('Connection terminated unexpectedly'), 'LEDGER_UNAVAILABLE'],
    ['a query timeout', new Error('Query read timeout'), 'LEDGER_UNAVAILABLE'],
    ['a pool timeout', new Error('timeout exceeded when trying to connect'), 'LEDGER_UNAVAILABLE'],
    ['our TypeError', new TypeError('quotes a value'), 'UNEXPECTED'],
    ['our RangeError', new RangeError('quotes a value'), 'UNEXPECTED'],
    ['a wrong argument to Node.js', fromNode('ERR_INVALID_ARG_TYPE'), 'UNEXPECTED'],
    ['any other error', new Error('quotes a value'), 'UNEXPECTED'],
  ])('from %s is mapped, without its text', async (_, error, code) => {
    const expected = { name: 'AppError', code, message: expect.not.stringContaining('quotes') as string };
    await expect(failing(error).query('SELECT 1')).rejects.toMatchObject(expected);
    await expect(failing(error).transaction(async () => {})).rejects.toMatchObject(expected);
  });
});

describe('an error of the work in a transaction', () => {
  it('passes unchanged, and the connection is closed', async () => {
    const released: unknown[] = [];
    const client = { query: async () => ({ rows: [] }), release: (failure: unknown) => void released.push(failure) };
    const database = new Database({ connect: async () => client } as unknown as Pool);
    const ours = new TypeError('ours');
    await expect(database.transaction(() => Promise.reject(ours))).rejects.toBe(ours);
    expect(released).toEqual([ours]);
  });
});

describe('an error that one item of a batch may have caused', () => {
  it.each([
    [new AppError('INVALID_LEAD', ''), true],
    [new TypeError('ours'), true],
    [new AppError('UNEXPECTED', '', { cause: fromPostgres('23514') }), true],
    [new AppError('UNEXPECTED', '', { cause: fromPostgres('42703') }), false],
    [new AppError('LEDGER_UNAVAILABLE', ''), false],
  ])('%s: %s', (error, expected) => {
    expect(mayBeCausedByOneItem(error)).toBe(expected);
  });
});
