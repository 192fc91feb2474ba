import { MESSAGES } from './faults.js';

export interface FakeField {
  name: string;
  dataType: 'integer' | 'score' | 'string' | 'text' | 'email' | 'datetime' | 'float' | 'boolean';
  length?: number;
  readOnly?: boolean;
}

export type FakePerson = Record<string, string | number | boolean | null> & { id: number };

const FIELDS: FakeField[] = [
  { name: 'id', dataType: 'integer', readOnly: true },
  { name: 'email', dataType: 'email', length: 255 },
  { name: 'firstName', dataType: 'string', length: 255 },
  { name: 'lastName', dataType: 'string', length: 255 },
  { name: 'company', dataType: 'string', length: 255 },
  { name: 'title', dataType: 'string', length: 255 },
  { name: 'phone', dataType: 'string', length: 255 },
  { name: 'comments', dataType: 'text' },
  { name: 'country', dataType: 'string', length: 255 },
  { name: 'createdAt', dataType: 'datetime', readOnly: true },
  { name: 'updatedAt', dataType: 'datetime', readOnly: true },
];

/** The custom fields that docs/marketo.md asks an admin to create. */
export const RF_FIELDS: FakeField[] = [
  { name: 'rfFitScore', dataType: 'integer' },
  { name: 'rfIntent', dataType: 'string', length: 255 },
  { name: 'rfReason', dataType: 'string', length: 255 },
  { name: 'rfScoreSource', dataType: 'string', length: 255 },
  { name: 'rfOwner', dataType: 'string', length: 255 },
  { name: 'rfOutcome', dataType: 'string', length: 255 },
  { name: 'rfProbability', dataType: 'float' },
  { name: 'rfScoredAt', dataType: 'datetime' },
  { name: 'rfVersion', dataType: 'string', length: 255 },
];

type Result = { id?: number; status: string; reasons?: { code: string; message: string }[] };
export type Refusal = { code: string; message: string };

const skipped = (code: string, message = MESSAGES[code]!): Result => ({ status: 'skipped', reasons: [{ code, message }] });

/** The lead database of an instance. */
export class People {
  private readonly people = new Map<number, FakePerson>();
  private readonly merged = new Map<number, number>();
  private nextId = 1000;
  fields: FakeField[] = [...FIELDS, ...RF_FIELDS];
  /** Ids of people in a partition that the API user may not see or write to. */
  readonly outOfReach = new Set<number>();
  /** Look-ups answer an empty page and a token for the next one. */
  endlessPages = false;

  add(values: Record<string, string | number | boolean | null>): number {
    const id = this.nextId++;
    const now = new Date().toISOString();
    this.people.set(id, { createdAt: now, updatedAt: now, ...values, id });
    return id;
  }

  get(id: number): FakePerson | undefined {
    return this.people.get(id);
  }

  get all(): FakePerson[] {
    return [...this.people.values()];
  }

  remove(id: number): void {
    this.people.delete(id);
  }

  /** The loser's record is gone; its values that the winner lacks go to the winner. */
  merge(loserId: number, winnerId: number): void {
    const [loser, winner] = [this.people.get(loserId)!, this.people.get(winnerId)!];
    this.people.set(winnerId, { ...loser, ...winner });
    this.people.delete(loserId);
    this.merged.set(loserId, winnerId);
  }

  /** Sync Leads. Results are in the order of the input; a refusal is of the whole request. */
  sync(body: unknown): Result[] | Refusal {
    const { action = 'createOrUpdate', lookupField = 'email', input } = body as Record<string, unknown>;
    if (!Array.isArray(input) || input.length === 0) return { code: '1002', message: MESSAGES['1002']! };
    if (input.length > 300) return { code: '1003', message: 'Max number of inputs allowed is 300' };
    if (lookupField === 'id' && action !== 'updateOnly') return { code: '1003', message: "Field 'id' is not allowed" };
    return (input as Record<string, unknown>[]).map((record) => this.syncOne(record, String(action), String(lookupField)));
  }

  find(filterType: string, values: string[]): FakePerson[] {
    if (filterType === 'id') return values.flatMap((id) => this.people.get(Number(id)) ?? []);
    const wanted = new Set(values.map((value) => value.toLowerCase()));
    return this.all.filter((person) => wanted.has(String(person[filterType] ?? '').toLowerCase()));
  }

  describe() {
    return this.fields.map(({ name, dataType, length, readOnly = false }, index) => ({
      id: index + 1,
      displayName: name,
      dataType,
      ...(length === undefined ? {} : { length }),
      rest: { name, readOnly },
      soap: { name, readOnly },
    }));
  }

  private syncOne(record: Record<string, unknown>, action: string, lookupField: string): Result {
    const key = record[lookupField];
    if (key === undefined || key === null || key === '')
      return skipped('1003', `Value for lookup field '${lookupField}' missing`);
    if ('company' in record) return skipped('1021');
    for (const [name, value] of Object.entries(record)) {
      if (name === lookupField) continue;
      const refusal = this.refusalOf(name, value);
      if (refusal) return refusal;
    }
    const found = this.find(lookupField, [String(key)]);
    if (found.length > 1) return skipped('1007');
    if (found.length === 0) {
      if (action === 'updateOnly') return skipped('1004');
      return { id: this.add(record as Record<string, string>), status: 'created' };
    }
    if (action === 'createOnly') return skipped('1005');
    const person = found[0]!;
    if (this.outOfReach.has(person.id)) return skipped('1008');
    for (const [name, value] of Object.entries(record)) {
      if (name !== 'id') person[name] = value === '' ? null : (value as string);
    }
    person['updatedAt'] = new Date().toISOString();
    return { id: person.id, status: 'updated' };
  }

  private refusalOf(name: string, value: unknown): Result | null {
    const field = this.fields.find((candidate) => candidate.name === name);
    if (!field) return skipped('1006', `Field '${name}' not found`);
    if (field.readOnly) return skipped('1003', `Field '${name}' is read-only`);
    if (value === null || value === '') return null;
    if ((field.dataType === 'integer' || field.dataType === 'score') && !Number.isInteger(value)) {
      return skipped('1001', `Invalid value '${String(value)}'. Required of type 'integer'`);
    }
    if (field.length !== undefined && String(value).length > field.length) {
      return skipped('1003', `Value for field '${name}' is too long`);
    }
    return null;
  }
}
