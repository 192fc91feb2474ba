import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors/app-error.js';
import { backoffMs, dispositionOf } from './outcome.js';

const policy = { attempts: 5, baseMs: 1000 };
const transient = new AppError('UNEXPECTED', 'odd');

describe('dispositionOf', () => {
  it('waits 2, 4, 8 and 16 seconds between five attempts, then gives up', () => {
    const outcomes = [1, 2, 3, 4, 5].map((failures) => dispositionOf(transient, 'crm-sync', failures, policy));
    expect(outcomes).toEqual([
      { kind: 'retry', delayMs: 2000 },
      { kind: 'retry', delayMs: 4000 },
      { kind: 'retry', delayMs: 8000 },
      { kind: 'retry', delayMs: 16_000 },
      { kind: 'dead-letter' },
    ]);
  });

  it('dead-letters a permanent error at once', () => {
    expect(dispositionOf(new AppError('CRM_RECORD_REJECTED', 'no'), 'crm-sync', 1, policy)).toEqual({ kind: 'dead-letter' });
  });

  it('lets no lead die of an outage of the CRM, however long', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (failures) => {
        expect(dispositionOf(new AppError('CRM_UNAVAILABLE', ''), 'crm-sync', failures, policy).kind).toBeOneOf([
          'retry',
          'wait',
        ]);
      }),
    );
  });

  it('lets no lead die of its scorer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('AI_UNAVAILABLE', 'UNEXPECTED', 'CRM_RECORD_REJECTED'),
        fc.integer({ min: 1, max: 20 }),
        (code, failures) => {
          expect(dispositionOf(new AppError(code, ''), 'enrichment', failures, policy).kind).not.toBe('dead-letter');
        },
      ),
    );
    expect(dispositionOf(new AppError('AI_UNAVAILABLE', ''), 'enrichment', 5, policy)).toEqual({ kind: 'fallback' });
  });

  it('counts nothing while the ledger does not answer, however often', () => {
    expect(dispositionOf(new AppError('LEDGER_UNAVAILABLE', ''), 'crm-sync', 99, policy).kind).toBe('wait');
  });

  it('leaves a lead alone that a newer run has', () => {
    expect(dispositionOf(new AppError('STALE_RUN', ''), 'crm-sync', 1, policy)).toEqual({ kind: 'superseded' });
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
