import { expect, it } from 'vitest';
import { withIsoTimes } from './iso-times.js';

it('gives the times of a row one format, and leaves what came from outside', () => {
  const time = '2026-11-27T12:52:04.087833+01:00';
  const row = {
    received_at: time,
    synced_at: null,
    attributes: { signed_at: time, at: time },
    last_error: { message: time },
    events: [{ at: time, kind: 'enriched', detail: { startedAt: time, reason: time, changed: { dueAt: time } } }],
    campaignMembers: [{ created_at: '2026-11-27T11:52:04+00:00' }],
    flat: time,
    created_at: 'yesterday',
  };
  const iso = '2026-11-27T11:52:04.087Z';
  expect(withIsoTimes(row)).toEqual({
    ...row,
    received_at: iso,
    events: [{ at: iso, kind: 'enriched', detail: { startedAt: iso, reason: time, changed: { dueAt: time } } }],
    campaignMembers: [{ created_at: '2026-11-27T11:52:04.000Z' }],
  });
});
