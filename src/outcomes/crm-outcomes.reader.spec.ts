import { describe, expect, it } from 'vitest';
import type { CrmOutcomeReader, CrmPersonState } from '../crm/port.js';
import { CrmOutcomesReader, LOOK_BACK_MS, type ReaderTools } from './crm-outcomes.reader.js';
import type { Position } from './outcomes.repository.js';

const NOON = Date.parse('2026-03-10T12:00:00.000Z');

/** A CRM with these changes, read in pages of two, and the records that were read in each run. */
function worldOf(changes: { id: string; at: number }[]) {
  const world = {
    now: NOON,
    changes,
    pages: 0,
    read: [] as string[],
    position: { at: new Date(NOON - 3_600_000).toISOString(), id: '' },
  };
  const isAfter = ({ at, id }: Position, change: { id: string; at: number }) =>
    change.at > Date.parse(at) || (change.at === Date.parse(at) && (id === '' || change.id > id));
  const crm: Partial<CrmOutcomeReader> = {
    idsAtOnce: 10,
    changedPersons: async (after) => {
      const found = world.changes
        .filter((change) => isAfter(after, change))
        .toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
      const records = found
        .slice(0, 2)
        .map(({ id, at }) => ({ id, personKey: id, changedAt: new Date(at).toISOString() }) as CrmPersonState);
      world.pages++;
      world.read.push(...records.map(({ id }) => id));
      return { records, more: found.length > 2 };
    },
  };
  const repository: Partial<ReaderTools['repository']> = {
    position: async () => world.position,
    followed: async () => [],
    storePage: async (_seen, { to }) => {
      world.position = to;
      return true;
    },
  };
  const tools = { repository, crm, statusKinds: new Map(), clock: { now: () => world.now } } as unknown as ReaderTools;
  const reader = new CrmOutcomesReader(tools);
  const poll = async () => {
    world.read = [];
    const more = await reader.read(new AbortController().signal);
    return { more, read: world.read };
  };
  return { world, poll };
}

const change = (number: number, at: number) => ({ id: `00Q${String(number).padStart(4, '0')}`, at });

describe('the reader of changes', () => {
  it('reads all of a mass change within the look-back, though one run has no room for it', async () => {
    const changes = Array.from({ length: 350 }, (_, number) => change(number, NOON + number));
    const { world, poll } = worldOf(changes);
    const seen = new Set<string>();
    for (let runs = 0; runs < 5; runs++) for (const id of (await poll()).read) seen.add(id);
    expect(seen.size).toBe(350);
    expect(world.position.id).toBe(changes.at(-1)!.id);
  });

  it('reads changes again for as long as a late one may appear, and no longer', async () => {
    const { world, poll } = worldOf([change(1, NOON), change(2, NOON + 1000)]);
    expect((await poll()).read).toHaveLength(2);
    // It was committed late, with a time that was passed already.
    world.changes.push(change(3, NOON + 500));
    expect((await poll()).read).toContain('00Q0003');
    world.now += LOOK_BACK_MS;
    expect((await poll()).read).toHaveLength(3);
    expect((await poll()).read).toEqual([]);
    world.changes.push(change(4, NOON + 2 * LOOK_BACK_MS));
    expect((await poll()).read).toEqual(['00Q0004']);
    world.changes.push(change(5, NOON + 2 * LOOK_BACK_MS - 1000));
    expect((await poll()).read).toEqual(['00Q0005', '00Q0004']);
  });
});
