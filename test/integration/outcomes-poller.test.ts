import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CrmOutcomeReader } from '../../src/crm/port.js';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { LOOK_BACK_MS } from '../../src/outcomes/crm-outcomes.reader.js';
import { outcomesWorld, type OutcomesWorld } from '../support/outcomes-world.js';
import { salesforceWorld } from '../support/salesforce-world.js';

const DAY = 86_400_000;
const START = Date.parse('2026-03-01T09:00:00Z');
const signal = new AbortController().signal;

let world: OutcomesWorld;
let org: Awaited<ReturnType<typeof salesforceWorld>>;
let crm: CrmOutcomeReader;
let now = START;

beforeAll(async () => {
  world = await outcomesWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.pool.query(
    'TRUNCATE ledger.leads, ledger.events, feedback.outcomes, feedback.first_scores, feedback.merged_persons CASCADE',
  );
  await world.pool.query("DELETE FROM feedback.cursors WHERE name <> 'first-scores'");
  await world.pool.query("UPDATE feedback.cursors SET at = '-infinity', record_id = ''");
  await world.pool.query('TRUNCATE feedback.followed_records');
  org = await salesforceWorld();
  now = START;
  org.fake.setClock(() => now);
  crm = (await org.open()).outcomes!;
});
afterEach(() => org.close());

const keyOf = (name: string) => personKeyOf(`${name}@acme.com`);

/** Persons of the ledger, each with a Lead in the org. @returns the ids of the Leads. */
async function persons<const Name extends string>(...names: Name[]): Promise<Record<Name, string>> {
  await world.addSynced(names.map((name) => ({ email: `${name}@acme.com`, score: 50, syncedAt: new Date(START) })));
  return Object.fromEntries(names.map((name) => [name, lead(name)])) as Record<Name, string>;
}
const lead = (name: string, key = keyOf(name)) => org.fake.addLead({ Email: `${name}@acme.com`, RF_Person_Key__c: key });

const read = async (reader = world.reader(crm)) => {
  while (await reader.read(signal)) continue;
};
/** Outcomes of a person as "kind day". */
const of = async (name: string) =>
  (await world.stored()).filter(({ person }) => person === keyOf(name)).map(({ kind, at }) => `${kind} ${at.slice(5, 10)}`);

describe('the outcomes of the CRM', () => {
  it('are what became of the persons whom the ledger has, once each, however often they are read', async () => {
    const { ann, bob, cleo } = await persons('ann', 'bob', 'cleo');
    org.fake.addLead({ RF_Person_Key__c: keyOf('stranger'), Status: 'Qualified' });
    now += DAY;
    org.fake.changeRecord(ann, { Status: 'Working - Contacted' });
    org.fake.changeRecord(bob, { Status: 'Closed - Not Converted' });
    await read();
    now += DAY;
    const opportunity = org.fake.addOpportunity({ Amount: 12_000.5 });
    org.fake.convertLead(ann, undefined, opportunity);
    org.fake.changeRecord(bob, { Status: 'Qualified' });
    org.fake.deleteRecord(cleo);
    await read();
    await read();
    now += DAY;
    org.fake.closeOpportunity(opportunity, true);
    // A mass update by the admin changes the times of records, and nothing else.
    for (const id of [ann, bob, opportunity]) org.fake.changeRecord(id, {});
    await read();
    await read();
    expect(await of('ann')).toEqual(['touched 03-02', 'converted 03-03', 'opportunity 03-03', 'won 03-04']);
    expect(await of('bob')).toEqual(['disqualified 03-02', 'qualified 03-03']);
    expect(await of('cleo')).toEqual(['deleted 03-03']);
    expect((await world.stored()).find(({ kind }) => kind === 'won')).toMatchObject({ amount: 12_000.5, crmId: opportunity });
    expect(await world.stored()).toHaveLength(7);
    const calls = org.fake.apiCalls();
    await read();
    expect(org.fake.apiCalls() - calls).toBeLessThanOrEqual(2);
  });

  it('of a second conversion are found by the second key', async () => {
    const { ann } = await persons('ann');
    now += DAY;
    org.fake.convertLead(ann);
    await read();
    now += 10 * DAY;
    const again = lead(
      'ann',
      createHash('sha256')
        .update(`${keyOf('ann')}:2`)
        .digest('hex'),
    );
    now += DAY;
    org.fake.convertLead(again);
    await read();
    expect(await of('ann')).toEqual(['converted 03-02', 'converted 03-13']);
  });

  it('follow merges: into another person, and into a record without a key', async () => {
    const { ann, bob, cleo } = await persons('ann', 'bob', 'cleo');
    await world.copyScores();
    const other = org.fake.addLead({ Email: 'cleo.private@example.com' });
    now += DAY;
    org.fake.mergeLeads(ann, bob);
    org.fake.mergeLeads(other, cleo);
    await read();
    now += DAY;
    org.fake.convertLead(ann);
    org.fake.convertLead(other, undefined, org.fake.addOpportunity());
    await read();
    expect(await of('bob')).toEqual(['merged 03-02']);
    expect(await of('ann')).toEqual(['converted 03-03']);
    expect(await of('cleo')).toEqual(['merged 03-02', 'converted 03-03', 'opportunity 03-03']);
    const { all } = await world.cells.cells({ target: 'converted', horizonDays: 30 });
    // Ann and Bob are one person, who converted once.
    expect([all.mature.leads[50], all.mature.conversions[50]]).toEqual([2, 2]);
  });

  it('are found though they were committed late, with an older time than what was read', async () => {
    const { ann, bob } = await persons('ann', 'bob');
    now += DAY;
    org.fake.changeRecord(ann, { Status: 'Qualified' });
    await read();
    org.fake.commitLate(bob, { Status: 'Qualified' }, now - LOOK_BACK_MS + 1000);
    now += 60_000;
    await read();
    expect(await of('bob')).toEqual(['qualified 03-02']);
  });

  it('with equal times are all read, page by page', async () => {
    const names = Array.from({ length: 2500 }, (_, index) => `p${index}`);
    const ids = await persons(...names);
    now += DAY;
    for (const id of Object.values(ids)) org.fake.changeRecord(id, { Status: 'Qualified' });
    await read();
    expect(await world.stored()).toHaveLength(2500);
  });

  it('have the currency where the org has several', async () => {
    const { ann } = await persons('ann');
    org.fake.enableCurrencies();
    now += DAY;
    org.fake.convertLead(ann, undefined, org.fake.addOpportunity({ Amount: 5, CurrencyIsoCode: 'JPY' }));
    await read();
    await read();
    expect(await world.repository.ofPerson(keyOf('ann'))).toMatchObject([
      { kind: 'converted' },
      { kind: 'opportunity', amount: 5, currency: 'JPY', source: 'salesforce' },
    ]);
  });

  it('are not read while the API calls of the day run low', async () => {
    await persons('ann');
    org.fake.setDailyUsed(95_000);
    const low = (await org.open()).outcomes!;
    // The first answer says how many are used.
    await read(world.reader(low));
    const calls = org.fake.apiCalls();
    await expect(read(world.reader(low))).rejects.toMatchObject({ code: 'CRM_DAILY_LIMIT_REACHED' });
    expect(org.fake.apiCalls()).toBe(calls);
  });
});

describe('a reader that ends at any step', () => {
  const STEPS = new Set(['position', 'storePage', 'storeFollowed', 'followed', 'changedPersons', 'persons', 'opportunities']);

  /** A part whose n-th step of all fails: before it is done, or after it is done and before its caller learns of it. */
  function failing<T extends object>(part: T, count: { left: number; after: boolean }): T {
    return new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (!STEPS.has(String(name))) return method;
        return async (...args: unknown[]) => {
          const fails = --count.left === 0;
          if (fails && !count.after) throw new Error('killed');
          const result = await method(...args);
          if (fails) throw new Error('killed');
          return result;
        };
      },
    });
  }

  it('loses no outcome and doubles none', async () => {
    const { ann, bob, cleo } = await persons('ann', 'bob', 'cleo');
    await persons('dora');
    const other = org.fake.addLead({});
    const opportunity = org.fake.addOpportunity({ Amount: 7 });
    now += DAY;
    org.fake.changeRecord(bob, { Status: 'Qualified' });
    org.fake.mergeLeads(other, cleo);
    org.fake.convertLead(ann, undefined, opportunity);
    now += DAY;
    org.fake.convertLead(other);
    org.fake.closeOpportunity(opportunity, true);
    await read();
    const expected = await world.stored();
    expect(expected.map(({ kind }) => kind).toSorted()).toEqual([
      'converted',
      'converted',
      'merged',
      'opportunity',
      'qualified',
      'won',
    ]);
    let steps = 0;
    for (const after of [false, true]) {
      for (let at = 1; ; at++) {
        await world.pool.query('TRUNCATE feedback.outcomes, feedback.followed_records, feedback.merged_persons');
        await world.pool.query("DELETE FROM feedback.cursors WHERE name <> 'first-scores'");
        const count = { left: at, after };
        const reader = world.reader(failing(crm, count), { repository: failing(world.repository, count) });
        const killed = await read(reader).then(
          () => false,
          () => true,
        );
        if (!killed) break;
        steps++;
        await read();
        expect(await world.stored(), `killed at step ${at}, ${after ? 'after' : 'before'} it`).toEqual(expected);
      }
    }
    expect(steps).toBeGreaterThanOrEqual(14);
  });

  it('stores nothing where another one has read since', async () => {
    const { ann } = await persons('ann');
    now += DAY;
    org.fake.changeRecord(ann, { Status: 'Qualified' });
    const slow = world.reader(
      new Proxy(crm, {
        get: (target, name) =>
          name === 'changedPersons'
            ? async (...args: Parameters<CrmOutcomeReader['changedPersons']>) => {
                const page = await target.changedPersons(...args);
                now += DAY;
                org.fake.changeRecord(ann, { Status: 'Closed - Not Converted' });
                await read();
                return page;
              }
            : Reflect.get(target, name, target),
      }),
    );
    await slow.read(signal);
    expect(await of('ann')).toEqual(['disqualified 03-03']);
  });
});
