import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { queueErrorKind, queueErrorLog } from './queue-error-log.js';

const withCode = (message: string, code: string | number) => Object.assign(new Error(message), { code });

describe('queueErrorKind', () => {
  it.each([
    [withCode('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'connection'],
    [withCode('read ECONNRESET', 'ECONNRESET'), 'connection'],
    [new Error('Connection is closed.'), 'connection'],
    [new Error('Command timed out'), 'connection'],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), 'connection'],
    [new Error('LOADING Redis is loading the dataset in memory'), 'connection'],
    [new Error('Connection terminated unexpectedly'), 'connection'],
    [new Error('Query read timeout'), 'connection'],
    [withCode('terminating connection due to administrator command', '57P01'), 'connection'],
    [withCode('Missing lock for job x. moveToFinished', -2), 'lock'],
    [withCode('Missing key for job x. moveToDelayed', -1), 'lock'],
    [withCode('Lock mismatch for job x. Cmd moveToDelayed from active', -6), 'lock'],
    [new Error('could not renew lock for job x'), 'lock'],
    [new Error("OOM command not allowed when used memory > 'maxmemory'."), 'full'],
    [withCode('could not extend file', '53100'), 'full'],
    [new Error("READONLY You can't write against a read only replica."), 'read-only'],
    [new Error('MISCONF Redis is configured to save RDB snapshots'), 'read-only'],
    [new Error('NOAUTH Authentication required.'), 'refused'],
    [new Error('WRONGPASS invalid username-password pair or user is disabled.'), 'refused'],
    [new Error('ERR invalid password'), 'refused'],
    [new Error('ERR Client sent AUTH, but no password is set'), 'refused'],
    [new Error("NOPERM User lim has no permissions to run the 'evalsha' command"), 'refused'],
    [new Error('DENIED Redis is running in protected mode'), 'refused'],
    [withCode('password authentication failed for user "x"', '28P01'), 'refused'],
    [withCode('permission denied for schema bullmq', '42501'), 'refused'],
    [new Error('MOVED 3999 127.0.0.1:6381'), 'cluster'],
    [new Error('CLUSTERDOWN Hash slot not served'), 'cluster'],
    [new Error('BUSY Redis is busy running a script.'), 'connection'],
    [new Error('ERR max number of clients reached'), 'connection'],
    [new Error('ERR user_script:12: attempt to index a nil value'), 'other'],
    [withCode('column "x" does not exist', '42703'), 'other'],
    [new TypeError('Cannot read properties of undefined'), 'other'],
  ])('%s: %s', (error, kind) => expect(queueErrorKind(error)).toBe(kind));

  it('is logged once per kind in ten seconds', () => {
    const logger = pino({ level: 'silent' });
    const warn = vi.spyOn(logger, 'warn');
    const log = queueErrorLog(logger, 'redis');
    for (let time = 0; time < 5; time++) {
      log(new Error('Connection is closed.'));
      log(withCode('Missing lock for job x. moveToFinished', -2));
    }
    expect(warn.mock.calls.map(([line]) => (line as { kind: string }).kind)).toEqual(['connection', 'lock']);
  });

  it('has the word or code of the answer, and no value of it', () => {
    const logger = pino({ level: 'silent' });
    const warn = vi.spyOn(logger, 'warn');
    const log = queueErrorLog(logger, 'redis');
    log(new Error("ERR unknown command 'X', with args beginning with: 'ada@example.com'"));
    log(withCode('permission denied for table jobs', '42501'));
    log(new Error('Connection is closed.'));
    expect(warn.mock.calls.map(([line]) => (line as { reply?: string }).reply)).toEqual(['ERR', '42501', undefined]);
  });
});
