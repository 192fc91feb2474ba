import { describe, expect, it } from 'vitest';
import type { CrmLeadActs } from '../crm/port.js';
import { to18 } from '../domain/salesforce-id.js';
import { judgeActs } from './judge-acts.js';

const OWNER = to18('0055e000001Sale');
const NEW = 'Open - Not Contacted';
const clock = {
  decidedAt: new Date('2026-11-27T09:59:59Z'),
  startedAt: new Date('2026-11-27T10:00:00.700Z'),
  ownerId: OWNER,
  entryStatus: null as string | null,
};
const record: CrmLeadActs = {
  id: '00Q',
  status: NEW,
  ownerId: OWNER,
  createdAt: '2026-11-27T10:00:00Z',
  changedAt: '2026-11-27T10:20:00Z',
  converted: false,
  deleted: false,
  activities: [],
};
const task = (at: string) => ({ activities: [{ id: '00T', kind: 'task' as const, at }] });
const OLD = { createdAt: '2025-01-01T00:00:00Z' };
const LISTED = ['New', NEW];

describe('a person has acted', () => {
  it.each<[string, Partial<CrmLeadActs>, Partial<typeof clock>, string[] | undefined, string]>([
    ['by a Task after the start', task('2026-11-27T10:05:00Z'), {}, undefined, 'touched task 10:05:00'],
    ['by a Task in the second of the start', task('2026-11-27T10:00:00Z'), {}, undefined, 'touched task 10:00:00'],
    ['by a conversion', { converted: true, status: 'Closed - Converted' }, {}, undefined, 'touched converted 10:20:00'],
    [
      'by another status than the first one seen',
      { status: 'Working' },
      { entryStatus: NEW },
      undefined,
      'touched status 10:20:00',
    ],
    ['before the first look, by a status that is not listed', { status: 'Working' }, {}, LISTED, 'touched status 10:20:00'],
    ['and then changed the owner', { ...task('2026-11-27T10:05:00Z'), ownerId: '005x' }, {}, undefined, 'touched task 10:05:00'],
  ])('%s', (_how, acts, of, entryStatuses, expected) => {
    const verdict = judgeActs({ ...clock, ...of }, { ...record, ...acts }, { entryStatuses });
    expect(verdict.kind === 'touched' && `touched ${verdict.touch} ${verdict.at.toISOString().slice(11, 19)}`).toBe(expected);
  });
});

describe('no person has acted', () => {
  it.each<[string, Partial<CrmLeadActs> | null, Partial<typeof clock>, string[] | undefined, object]>([
    ['on a new record', {}, {}, undefined, { kind: 'untouched', entryStatus: NEW }],
    ['by a Task from before the start', task('2026-11-27T09:00:00Z'), {}, undefined, { kind: 'untouched' }],
    // It had this status when the lead came again: only leaving it is an act.
    [
      'on an older record that is worked on',
      { ...OLD, status: 'Working' },
      {},
      LISTED,
      { kind: 'untouched', entryStatus: 'Working' },
    ],
    ['by a change from one entry status to another', { status: 'new' }, { entryStatus: NEW }, LISTED, { kind: 'untouched' }],
    ['where the CRM does not show the record', null, {}, undefined, { kind: 'unknown' }],
    ['on a record that is deleted', { deleted: true }, {}, undefined, { kind: 'gone' }],
    ['on a record with another owner', { ownerId: '0055e000002SaleAAA' }, {}, undefined, { kind: 'owner-changed' }],
    ['by an id in its short form', { ownerId: OWNER.slice(0, 15) }, {}, undefined, { kind: 'untouched' }],
    ['on a contact, which has no status', { status: null }, {}, undefined, { kind: 'untouched', entryStatus: null }],
  ])('%s', (_how, acts, of, entryStatuses, expected) => {
    expect(judgeActs({ ...clock, ...of }, acts === null ? undefined : { ...record, ...acts }, { entryStatuses })).toMatchObject(
      expected,
    );
  });
});
