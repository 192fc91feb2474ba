import { describe, expect, it } from 'vitest';
import { WebhookLog } from './read-window.js';

const activity = {
  marketoGUID: '1',
  leadId: 1,
  campaignId: 12,
  primaryAttributeValueId: 71,
  primaryAttributeValue: 'RevenueFlow',
};
const log = new WebhookLog({} as never, 'RevenueFlow');

describe('a logged call', () => {
  it.each([
    ['2026-11-27T10:27:00Z', '2026-11-27T10:27:00.000Z'],
    ['2026-11-27T10:27:00.250Z', '2026-11-27T10:27:00.250Z'],
    ['2026-11-27T10:27:00-06:00', '2026-11-27T16:27:00.000Z'],
    ['2026-11-27T10:27:00+0000', '2026-11-27T10:27:00.000Z'],
    ['2026-11-27T10:27:00Z+0000', '2026-11-27T10:27:00.000Z'],
    // Without a zone a time is not that of this machine.
    ['2026-11-27 10:27:00', '2026-11-27T10:27:00.000Z'],
  ])('of %s was made at %s', (activityDate, at) => {
    expect(log.ourCall({ ...activity, activityDate })?.at.toISOString()).toBe(at);
  });

  it.each([
    [null, false],
    [[], false],
    [[{ name: 'Error Type', value: '' }], false],
    [[{ name: 'Error Type', value: 'Accepted' }], false],
    [[{ name: 'error type', value: 'OK' }], false],
    [[{ name: 'Error Type', value: '202 Accepted' }], false],
    [[{ name: 'errorType', value: 'Not Found' }], true],
    [[{ name: 'error_type', value: 500 }], true],
    [[{ name: 'Error Type', value: 'Read timed out' }], true],
  ])('with the attributes %j has failed: %s', (attributes, failed) => {
    expect(log.ourCall({ ...activity, activityDate: '2026-11-27T10:27:00Z', attributes })?.failed).toBe(failed);
  });

  it('whose time cannot be read stops the window', () => {
    expect(() => log.ourCall({ ...activity, activityDate: 'yesterday' })).toThrow(/time that cannot be read/);
  });
});
