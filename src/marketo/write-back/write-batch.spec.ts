import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import type { Projection } from '../../ledger/lead-content-sql.js';
import type { OwedUpdate, SettledUpdate } from '../../ledger/marketo-updates.repository.js';
import type { MarketoApi, MarketoField, SyncResult } from '../client/marketo-api.js';
import { DEFAULT_FIELD_MAP, fieldMapSchema } from '../field-map.js';
import { changedFields, personFields } from './person-fields.js';
import { callsOf, plan, writeApart, writePeople, type PersonWrite } from './write-batch.js';

const NO_FIELDS = new Map<string, MarketoField>();
const projection = { version: 5, lead: { email: 'ann@acme.com', attributes: { seats: '12' } } } as unknown as Projection;
const scored = (reasoning: string): Projection => ({
  ...projection,
  enrichment: { fitScore: 82, intent: 'high', reasoning, scoreSource: 'ai', flags: [], evidence: [] } as never,
});
const owed = (index: number, marketoId: number | null, reasoning = 'x'): OwedUpdate => ({
  personKey: String(index),
  marketoId,
  byEmail: false,
  version: 5,
  sent: {},
  superseded: false,
  projection: scored(reasoning),
  scoredAt: new Date(0),
  facts: null,
});
const writesOf = (updates: OwedUpdate[]) => plan(updates, DEFAULT_FIELD_MAP, NO_FIELDS).writes;
const answering = (result: SyncResult[]) => ({ updatePeople: async () => result }) as unknown as MarketoApi;
const skipped = (code: string, message = 'm'): SyncResult => ({ status: 'skipped', reasons: [{ code, message }] });

describe('the calls of a batch', () => {
  it('have each person once, one look-up each, at most 300 people and 1 MB', () => {
    const people = fc.array(fc.record({ id: fc.option(fc.integer({ min: 1 })), size: fc.integer({ min: 1, max: 255 }) }), {
      maxLength: 900,
    });
    fc.assert(
      fc.property(people, (all) => {
        const writes = writesOf(all.map(({ id, size }, index) => owed(index, id, 'é'.repeat(size))));
        const calls = callsOf(writes);
        expect(
          calls
            .flat()
            .map(({ update }) => update.personKey)
            .toSorted(),
        ).toEqual(writes.map(({ update }) => update.personKey).toSorted());
        for (const call of calls) {
          expect(new Set(call.map(({ lookup }) => lookup)).size).toBe(1);
          expect(call.length).toBeLessThanOrEqual(300);
        }
      }),
      { numRuns: 20 },
    );
    const large = Array.from({ length: 40 }, (_, n): PersonWrite => ({
      update: owed(n, n + 1),
      version: 1,
      fields: { a: 'x'.repeat(30_000) },
      lookup: 'id',
    }));
    for (const call of callsOf(large)) expect(JSON.stringify(call.map(({ fields }) => fields)).length).toBeLessThan(1_000_000);
  });

  it('leave out a person whose newest content has no score yet, and one without any', () => {
    const waiting = { ...owed(1, 1), version: 9 };
    const gone = { ...owed(2, 2), projection: null };
    expect(plan([waiting, gone], DEFAULT_FIELD_MAP, NO_FIELDS)).toMatchObject({
      writes: [],
      settled: [{ state: 'skipped', version: 9 }],
      pruned: ['2'],
    });
  });
});

describe('the results of a call', () => {
  const three = writesOf([owed(1, 1), owed(2, 2), owed(3, 3)]);

  it('are those of each record', async () => {
    const result = [{ id: 7, status: 'updated' }, skipped('1004'), skipped('1001', "Invalid value 'x'")];
    expect(await writePeople(answering(result), three)).toMatchObject([
      { state: 'sent', marketoId: 7 },
      { state: 'owed', byEmail: true },
      { state: 'dead', code: 'MARKETO_RECORD_REJECTED' },
    ]);
  });

  it.each([
    ['a field is missing', [skipped('1006'), { id: 1, status: 'updated' }, { id: 2, status: 'updated' }]],
    ['every person is refused alike', [skipped('1001'), skipped('1001'), skipped('1001')]],
    ['the partition of every person is closed', [skipped('1008'), skipped('1008'), skipped('1008')]],
  ])('are a setting where %s: no person pays for it', async (_, result) => {
    await expect(writePeople(answering(result), three)).rejects.toMatchObject({ code: 'MARKETO_MISCONFIGURED' });
  });

  it.each<[string, SyncResult[], unknown]>([
    [
      'in another order',
      [{ id: 3, status: 'updated' }, skipped('1004'), { id: 1, status: 'updated' }],
      [
        { marketoId: 1, state: 'sent' },
        { marketoId: 2, state: 'owed' },
        { marketoId: 3, state: 'sent' },
      ],
    ],
    [
      'of a record that survived a merge',
      [
        { id: 1, status: 'updated' },
        { id: 9, status: 'updated' },
        { id: null, status: 'updated' },
      ],
      [{ marketoId: 1 }, { marketoId: 9 }, { marketoId: 3 }],
    ],
  ])('%s are those of the person whose record they name', async (_, result, settled) => {
    expect(await writePeople(answering(result), three)).toMatchObject(settled as object[]);
  });

  it('are unknown where two name one record: no person gets the record of another', async () => {
    const result = [1, 1, 3].map((id) => ({ id, status: 'updated' }));
    await expect(writePeople(answering(result), three)).rejects.toMatchObject({ code: 'MARKETO_OUTCOME_UNKNOWN' });
  });

  it('are unknown where their number is not that of the people', async () => {
    await expect(writePeople(answering([]), three)).rejects.toMatchObject({ code: 'MARKETO_OUTCOME_UNKNOWN' });
  });
});

describe('a call that is refused as a whole', () => {
  const people = writesOf(Array.from({ length: 300 }, (_, n) => owed(n, n + 1)));
  const refusing = (refuses: (ids: number[]) => boolean) => {
    const calls: number[] = [];
    const updatePeople = async (_: string, input: { id: number }[]) => {
      calls.push(input.length);
      if (refuses(input.map(({ id }) => id))) throw new AppError('MARKETO_REQUEST_REFUSED', 'Marketo refuses the call (609).');
      return input.map(({ id }) => ({ id, status: 'updated' }));
    };
    return { api: { updatePeople } as unknown as MarketoApi, calls };
  };

  it('is halved until the person is found who is the cause; the others are written', async () => {
    for (const culprit of [1, 150, 300]) {
      const { api, calls } = refusing((ids) => ids.includes(culprit));
      const settled: SettledUpdate[] = [];
      expect(await writeApart(api, people, async (some) => void settled.push(...some))).toBe(299);
      expect(settled.filter(({ state }) => state === 'sent')).toHaveLength(299);
      expect(settled.filter(({ state }) => state === 'dead')).toMatchObject([{ personKey: String(culprit - 1) }]);
      expect(calls.length).toBeLessThanOrEqual(24);
    }
  });

  it("is no person's fault where no part is accepted, and the search ends", async () => {
    const { api, calls } = refusing(() => true);
    await expect(writeApart(api, people, async () => {})).rejects.toMatchObject({ code: 'MARKETO_REQUEST_REFUSED' });
    expect(calls.length).toBeLessThanOrEqual(24);
  });
});

describe('the fields of a person', () => {
  it('are mapped, cut to their length, and left out where nothing is known', () => {
    const map = fieldMapSchema.parse({
      person: [
        { to: 'a', from: 'enrichment.reasoning' },
        { to: 'b', from: 'attributes.seats', transform: 'number' },
        { to: 'c', from: 'attributes.nothing' },
        { to: 'd', from: 'enrichment.intent', values: { high: 'Hot', '*': 'Cold' } },
        { to: 'e', constant: true },
      ],
      webhook: { fields: { email: 'email' } },
    });
    const fields = new Map([['a', { name: 'a', dataType: 'string', length: 5, readOnly: false }]]);
    expect(personFields(map, { projection: scored('123456'), scoredAt: null, facts: null }, fields)).toEqual({
      a: '12345',
      b: 12,
      d: 'Hot',
      e: true,
    });
  });

  it('are those of the owner, the outcome and the probability too, where Marketo has the optional fields', () => {
    const projection = { ...scored('x'), probability: 0.25 };
    const facts = {
      ownerId: '005A',
      ownerName: 'Bo Meyer',
      ownerEmail: 'bo@acme.com',
      outcome: 'won',
      outcomeAt: '2026-11-27T10:00:00.250Z',
    };
    const field = (name: string, readOnly = false): [string, MarketoField] => [
      name,
      { name, dataType: 'string', length: null, readOnly },
    ];
    const known = (facts: OwedUpdate['facts'], fields: Map<string, MarketoField>) => {
      const { rfOwner, rfOutcome, rfProbability } = personFields(
        DEFAULT_FIELD_MAP,
        { projection, scoredAt: null, facts },
        fields,
      );
      return [rfOwner, rfOutcome, rfProbability];
    };
    const all = new Map([field('rfOwner'), field('rfOutcome'), field('rfProbability')]);
    expect(known(facts, all)).toEqual(['Bo Meyer', 'won', 0.25]);
    expect(known({ ownerId: '005A' }, all)).toEqual(['005A', undefined, 0.25]);
    expect(known(facts, new Map([field('rfOutcome'), field('rfOwner', true)]))).toEqual([undefined, 'won', undefined]);
    const { person } = fieldMapSchema.parse({
      person: ['owner.id', 'owner.name', 'owner.email', 'outcome.at'].map((from, n) => ({ to: `f${n}`, from })),
      webhook: { fields: { email: 'email' } },
    });
    expect(personFields({ ...DEFAULT_FIELD_MAP, person }, { projection, scoredAt: null, facts }, NO_FIELDS)).toEqual({
      f0: '005A',
      f1: 'Bo Meyer',
      f2: 'bo@acme.com',
      f3: '2026-11-27T10:00:00Z',
    });
  });

  it('that changed are written, with those that follow others; those alone are no reason', () => {
    const sent = { rfFitScore: 1, rfIntent: 'low', rfVersion: '1' };
    expect(changedFields(DEFAULT_FIELD_MAP, { ...sent, rfVersion: '2' }, sent)).toEqual({});
    expect(changedFields(DEFAULT_FIELD_MAP, { ...sent, rfFitScore: 2, rfVersion: '2' }, sent)).toEqual({
      rfFitScore: 2,
      rfVersion: '2',
    });
  });
});
