import { describe, expect, it } from 'vitest';
import type { CrmOpportunityState, CrmPersonState } from '../crm/port.js';
import { momentOf, noObservations, observeOpportunities, observePerson } from './crm-observations.js';

const changedAt = '2026-03-10T12:00:00.000Z';
const KINDS = new Map([
  ['working - contacted', 'touched'],
  ['unqualified', 'disqualified'],
] as const);

function seenOf(record: Partial<CrmPersonState>) {
  const seen = noObservations();
  const nothing = { personKey: 'a', status: null, convertedOn: null, opportunityId: null, deleted: false, mergedInto: null };
  observePerson({ id: '00Q1', changedAt, ...nothing, ...record }, 'a', KINDS, seen);
  return { kinds: seen.outcomes.map(({ kind, at }) => [kind, at]), follow: seen.follow, merges: seen.merges };
}

describe('the moment of a day', () => {
  it.each([
    ['the change of the same day', '2026-03-10', changedAt],
    ['a change of the day before or after, in some time zone', '2026-03-09', '2026-03-10T11:59:59.999Z'],
    ['a later change of a record that was converted long before', '2026-01-05', '2026-01-06T11:59:59.999Z'],
    ['a day that is still to come', '2026-12-31', changedAt],
    ['no day at all', 'soon', changedAt],
  ])('is within %s', (_, day, expected) => {
    expect(momentOf(day, changedAt)).toBe(expected);
  });
});

describe('a record', () => {
  it.each<[string, Partial<CrmPersonState>, string[]]>([
    ['without a status that means anything', { status: 'Open - Not Contacted' }, []],
    ['with a status in another case', { status: ' working - CONTACTED ' }, ['touched']],
    ['that was converted', { status: 'Closed - Converted', convertedOn: '2026-03-10' }, ['converted']],
    ['that was deleted', { deleted: true, status: 'Unqualified' }, ['disqualified', 'deleted']],
    ['that was merged', { deleted: true, mergedInto: { id: '00Q2', personKey: 'b' } }, ['merged']],
  ])('%s has the outcomes %j', (_, record, kinds) => {
    expect(seenOf(record).kinds.map(([kind]) => kind)).toEqual(kinds);
  });

  it('leads to its opportunity, and to the record that it was merged into', () => {
    const { follow } = seenOf({ convertedOn: '2026-03-01', opportunityId: '0061' });
    expect(follow).toEqual([{ object: 'Opportunity', crmId: '0061', personKey: 'a', since: '2026-03-02T11:59:59.999Z' }]);
    const merged = seenOf({ deleted: true, mergedInto: { id: '00Q2', personKey: null } });
    expect(merged.merges).toEqual([{ personKey: 'a', into: null, crmId: '00Q2', at: changedAt }]);
    // The winner of the merge kept this person's key.
    expect(seenOf({ deleted: true, mergedInto: { id: '00Q2', personKey: 'a' } }).merges).toEqual([]);
  });
});

describe('an opportunity', () => {
  const followed = [{ crmId: '0061', personKey: 'a', since: '2026-03-01T00:00:00.000Z', readAt: null }];
  const open: CrmOpportunityState = {
    id: '0061',
    createdAt: '2025-06-01T00:00:00.000Z',
    changedAt,
    closesOn: '2026-03-05',
    state: 'open',
    amount: 500,
    currency: 'EUR',
    deleted: false,
  };
  const now = Date.parse('2026-03-11T00:00:00Z');

  it('is never older than the conversion that chose it, and ends when it is settled', () => {
    const early = observeOpportunities(followed, [open], now);
    expect(early.outcomes).toMatchObject([{ kind: 'opportunity', at: followed[0]!.since, amount: 500, currency: 'EUR' }]);
    expect(early.read).toEqual([{ crmId: '0061', ended: false }]);
    const won = observeOpportunities(followed, [{ ...open, state: 'won' }], now);
    expect(won.outcomes.map(({ kind, at }) => [kind, at])).toEqual([
      ['opportunity', followed[0]!.since],
      ['won', '2026-03-06T11:59:59.999Z'],
    ]);
    expect(won.read[0]!.ended).toBe(false);
    expect(observeOpportunities(followed, [{ ...open, state: 'lost' }], now + 31 * 86_400_000).read[0]!.ended).toBe(true);
    const gone = observeOpportunities(followed, [{ ...open, deleted: true }], now);
    expect([gone.outcomes, gone.read[0]!.ended]).toEqual([[], true]);
    expect(observeOpportunities(followed, [], now).read).toEqual([{ crmId: '0061', ended: false }]);
  });
});
