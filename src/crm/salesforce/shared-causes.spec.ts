import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { SharedCauses } from './shared-causes.js';

const error = () => new AppError('CRM_RECORD_REJECTED', 'Refused.', { signature: 'X:', answer: 'X: no' });

describe('whether a setting is behind an error', () => {
  it('is suspected until a call that began later writes a record of the same kind', () => {
    let now = 1000;
    const causes = new SharedCauses({ now: () => now });
    const judged = () => causes.judge('create', error(), false).signature;
    expect(judged()).toBe('X:');
    causes.passed('create', 900); // began before the change
    causes.passed('update', 2000); // says nothing of creations
    expect(judged()).toBe('X:');
    now = 3000;
    causes.passed('create', 2500);
    expect(judged()).toBeUndefined();
  });

  it('is suspected again where many fail alike and none passes', () => {
    let now = 1000;
    const causes = new SharedCauses({ now: () => now });
    causes.judge('create', error(), false);
    now = 3000;
    causes.passed('create', 2000);
    const signatures = Array.from({ length: 12 }, () => causes.judge('create', error(), false).signature);
    expect(signatures).toEqual([...Array.from({ length: 9 }, () => undefined), 'X:', 'X:', 'X:']);
  });

  it('is not where others of the same call pass; the rest of the error stays', () => {
    const causes = new SharedCauses({ now: () => 0 });
    expect(causes.judge('create', error(), true)).toMatchObject({
      code: 'CRM_RECORD_REJECTED',
      signature: undefined,
      answer: 'X: no',
    });
  });
});
