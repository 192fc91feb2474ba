import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { withoutPersonalData } from './logger.js';

describe('withoutPersonalData', () => {
  const foreign = Object.assign(new Error('Key (email)=(ann@acme.com) already exists'), {
    code: '23505',
    detail: 'ann@acme.com',
  });

  it('keeps the code and the place of a foreign error, and nothing that it quotes', () => {
    for (const error of [foreign, AppError.from(foreign), new AppError('CRM_UNAVAILABLE', 'No answer.', { cause: foreign })]) {
      const text = JSON.stringify(withoutPersonalData(error));
      expect(text).toContain('23505');
      expect(text).toContain('logger.spec');
      expect(text).not.toContain('ann@acme.com');
    }
  });

  it('keeps our own sentences', () => {
    expect(withoutPersonalData(new AppError('CRM_UNAVAILABLE', 'No answer.'))).toMatchObject({
      code: 'CRM_UNAVAILABLE',
      message: 'No answer.',
    });
  });
});
