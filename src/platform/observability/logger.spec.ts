import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { PRETTY, PRETTY_ERROR_KEY, withoutPersonalData } from './logger.js';

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

describe('in a terminal', () => {
  it('is one line per event, also with an error', async () => {
    const destination = new PassThrough();
    const log = pino(
      { serializers: { err: withoutPersonalData }, errorKey: PRETTY_ERROR_KEY },
      pretty({ ...PRETTY, destination, sync: true, colorize: false }),
    );
    log.info({ leadId: 'x', stage: 'crm-sync', nested: { deep: [1, 2] } }, 'Synced');
    log.warn({ err: new AppError('CRM_UNAVAILABLE', 'No answer.', { cause: new Error('socket') }) }, 'Waiting');
    destination.end();
    const lines = (await text(destination)).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('Synced {"leadId":"x","stage":"crm-sync","nested":{"deep":[1,2]}}');
    expect(lines[1]).toContain('CRM_UNAVAILABLE');
  });
});
