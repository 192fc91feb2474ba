import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupOfPlace, jobIdsOf, LEADS_PER_JOB, newJobId } from './lead-jobs.js';

describe('the jobs of leads', () => {
  it('have the fewest jobs of at most a hundred leads of one group', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 500 }), (groups) => {
        const ids = jobIdsOf(groups, String);
        const leads = new Map<string, number[]>();
        for (const [index, id] of ids.entries()) leads.set(id, [...(leads.get(id) ?? []), groups[index]!]);
        for (const members of leads.values()) {
          expect(new Set(members).size).toBe(1);
          expect(members.length).toBeLessThanOrEqual(LEADS_PER_JOB);
        }
        const sizes = [0, 1, 2].map((group) => groups.filter((other) => other === group).length);
        expect(leads.size).toBe(sizes.reduce((sum, size) => sum + Math.ceil(size / LEADS_PER_JOB), 0));
      }),
    );
  });

  it('have ids that are UUIDs and sort by time', () => {
    expect(newJobId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(newJobId().replaceAll('-', '').slice(0, 12), 16)).toBeCloseTo(Date.now(), -3);
  });

  it('are shared by leads of like age, due time and priority', () => {
    const place = { contentAt: new Date(60_000), nextAttemptAt: new Date(10_001), lowPriority: false };
    expect(groupOfPlace({ ...place, nextAttemptAt: new Date(10_100) })).toBe(groupOfPlace(place));
    for (const other of [{ contentAt: new Date(120_000) }, { nextAttemptAt: null }, { lowPriority: true }]) {
      expect(groupOfPlace({ ...place, ...other })).not.toBe(groupOfPlace(place));
    }
  });
});
