import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../domain/app-error.js';
import type { ErrorCode } from '../domain/error-catalog.js';
import { backoffMs, decideRetry, type Circumstances } from './retry-policy.js';

const policy = { attempts: 5, baseMs: 1000 };
const transient = new AppError('UNEXPECTED', 'odd');
const facts = (failures: number, others: Partial<Circumstances> = {}): Circumstances => ({
  failures,
  breakerOpen: false,
  deadlinePassed: false,
  attribution: null,
  random: 0,
  ...others,
});

describe('decideRetry', () => {
  it('waits 2, 4, 8 and 16 seconds between five attempts, then dead-letters', () => {
    const outcomes = [1, 2, 3, 4, 5].map((failures) => decideRetry(transient, 'crm-sync', facts(failures), policy));
    expect(outcomes).toEqual([
      { kind: 'retry', delayMs: 2000 },
      { kind: 'retry', delayMs: 4000 },
      { kind: 'retry', delayMs: 8000 },
      { kind: 'retry', delayMs: 16_000 },
      { kind: 'dead-letter' },
    ]);
  });

  it('dead-letters a permanent error at once', () => {
    expect(decideRetry(new AppError('CRM_RECORD_REJECTED', 'no'), 'crm-sync', facts(1), policy)).toEqual({
      kind: 'dead-letter',
    });
  });

  it('dead-letters no lead because of a CRM outage, however long', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (failures) => {
        const attribution = { fault: 'downstream', failures } as const;
        expect(decideRetry(new AppError('CRM_UNAVAILABLE', ''), 'crm-sync', facts(failures, { attribution }), policy).kind).toBe(
          'wait',
        );
      }),
    );
  });

  it('dead-letters no lead because of its scorer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('AI_UNAVAILABLE', 'UNEXPECTED', 'CRM_RECORD_REJECTED'),
        fc.integer({ min: 1, max: 20 }),
        (code, failures) => {
          expect(decideRetry(new AppError(code, ''), 'enrichment', facts(failures), policy).kind).not.toBe('dead-letter');
        },
      ),
    );
    expect(decideRetry(new AppError('AI_UNAVAILABLE', ''), 'enrichment', facts(5), policy)).toEqual({ kind: 'fallback' });
  });

  it('dead-letters a lead that always breaks a CRM which works for others', () => {
    const broken = new AppError('CRM_UNAVAILABLE', '');
    const proven = { attribution: { fault: 'lead', failures: 1 } } as const;
    expect(decideRetry(broken, 'crm-sync', facts(4, proven), policy).kind).toBe('retry');
    expect(decideRetry(broken, 'crm-sync', facts(5, proven), policy)).toEqual({ kind: 'dead-letter' });
  });

  it('waits twice as long after each failure of the downstream, as long as before the last attempt at most, and spreads', () => {
    const waits = [1, 2, 3, 4, 5, 99].map((failures) => {
      const attribution = { fault: 'downstream', failures } as const;
      return [0, 1].map((random) =>
        decideRetry(new AppError('CRM_UNAVAILABLE', ''), 'crm-sync', facts(1, { attribution, random }), policy),
      );
    });
    expect(waits.map((pair) => pair.map((wait) => 'delayMs' in wait && wait.delayMs))).toEqual([
      [2000, 2500],
      [4000, 5000],
      [8000, 10_000],
      [16_000, 20_000],
      [16_000, 20_000],
      [16_000, 20_000],
    ]);
  });

  it('never counts a refusal of all leads, also where the breaker has closed meanwhile', () => {
    for (const code of ['CRM_RATE_LIMITED', 'CRM_MISCONFIGURED'] as const) {
      expect(decideRetry(new AppError(code, ''), 'crm-sync', facts(5), policy).kind).toBe('wait');
    }
  });

  it('counts nothing while the breaker is open, whatever failed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ErrorCode>('CRM_UNAVAILABLE', 'CRM_RATE_LIMITED', 'CRM_MISCONFIGURED', 'CRM_RECORD_REJECTED'),
        fc.nat(100),
        (code, failures) => {
          expect(decideRetry(new AppError(code, ''), 'crm-sync', facts(failures, { breakerOpen: true }), policy).kind).toBe(
            'wait',
          );
        },
      ),
    );
  });

  it('ends the wait for a scorer at the deadline, breaker open or not', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ErrorCode>('AI_RATE_LIMITED', 'AI_UNAVAILABLE', 'AI_MISCONFIGURED'),
        fc.boolean(),
        (code, open) => {
          const late = facts(1, { breakerOpen: open, deadlinePassed: true });
          expect(decideRetry(new AppError(code, ''), 'enrichment', late, policy)).toEqual({ kind: 'fallback' });
        },
      ),
    );
  });

  it('falls back at once where the model refuses to judge', () => {
    expect(decideRetry(new AppError('AI_REFUSED', ''), 'enrichment', facts(1), policy)).toEqual({ kind: 'fallback' });
  });

  it('counts nothing while the ledger does not answer, however often', () => {
    expect(decideRetry(new AppError('LEDGER_UNAVAILABLE', ''), 'crm-sync', facts(99), policy).kind).toBe('wait');
  });

  it('does nothing with a lead that a newer run has claimed', () => {
    expect(decideRetry(new AppError('STALE_RUN', ''), 'crm-sync', facts(1), policy)).toEqual({ kind: 'superseded' });
  });

  it('returns a lead without counting an attempt where the worker stops', () => {
    expect(decideRetry(new AppError('WORKER_STOPPING', ''), 'crm-sync', facts(1), policy)).toEqual({ kind: 'wait', delayMs: 0 });
  });
});

describe('backoffMs', () => {
  it('doubles', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), (n) => {
        expect(backoffMs(n + 1, policy)).toBe(2 * backoffMs(n, policy));
      }),
    );
  });
});
