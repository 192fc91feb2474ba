import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CrmProvider } from '../../src/crm/port.js';
import { personKeysOf } from '../../src/crm/salesforce/match.js';
import { AppError } from '../../src/domain/app-error.js';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { syncOf } from '../support/crm.js';
import type { SalesforceFake } from '../support/fakes/salesforce/index.js';
import { salesforceWorld } from '../support/salesforce-world.js';

/**
 * No write changes another person's record, and no person gets two records, for generated orgs, rules and changes by
 * users.
 */
const PEOPLE = ['ann@acme.com', 'bob@acme.com', 'cid@acme.com', 'dan@other.example'] as const;
const signal = new AbortController().signal;

const person = fc.constantFrom(...PEOPLE);
const address = fc.option(fc.oneof(person, fc.constant('Ann@ACME.com'), fc.constant('stranger@acme.com')), { nil: null });
const record = fc.record({
  object: fc.constantFrom('Lead', 'Lead', 'Contact'),
  email: address,
  key: fc.option(person, { nil: null }),
});
const place = fc.nat(20);
const change = fc.oneof(
  fc.record({ kind: fc.constant('address' as const), place, email: address }),
  fc.record({ kind: fc.constant('key' as const), place, key: fc.option(person, { nil: null }) }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'undelete' as const, 'convert' as const), place }),
  fc.record({ kind: fc.constant('merge' as const), place, loser: place }),
);
type ValueOf<T> = T extends fc.Arbitrary<infer V> ? V : never;
type Change = ValueOf<typeof change>;
const step = fc.record({
  person,
  campaign: fc.constantFrom('c1', 'c2'),
  /** Changes by users before the sync, and after its first calls. */
  before: fc.array(change, { maxLength: 2 }),
  during: fc.array(change, { maxLength: 2 }),
  restart: fc.boolean(),
});
const org = fc.record({
  records: fc.array(record, { maxLength: 6 }),
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  /** The record that the fuzzy duplicate rule matches with a new person. */
  similar: fc.dictionary(person, place),
  match: fc.constantFrom('leads-and-contacts', 'leads', 'none'),
  onDuplicate: fc.constantFrom('dead-letter', 'membership'),
});

const keysOf = (email: string) => personKeysOf(personKeyOf(email));
const keyOf = (value: unknown) => (value ? String(value).toLowerCase() : null);
const ownerOf = (key: string | null) => PEOPLE.find((email) => key !== null && keysOf(email).includes(key)) ?? null;
const sameAddress = (one: unknown, other: string) => String(one ?? '').toLowerCase() === other;

function apply(fake: SalesforceFake, change: Change): void {
  const leads = fake.leads().filter(({ IsConverted }) => !IsConverted);
  const at = (index: number) => (leads.length > 0 ? String(leads[index % leads.length]!['Id']) : null);
  const id = at(change.place);
  if (change.kind === 'undelete') {
    // A deleted record whose key another record has by now stays in the recycle bin.
    if (deleted.length > 0) {
      const back = deleted.splice(change.place % deleted.length, 1)[0]!;
      if (!fake.leads().some(({ RF_Person_Key__c: key }) => key && key === back.key)) fake.undeleteRecord(back.id);
    }
    return;
  }
  if (id === null) return;
  if (change.kind === 'address') fake.changeRecord(id, { Email: change.email });
  if (change.kind === 'key') {
    const key = change.key && personKeyOf(change.key);
    if (key === null || !fake.leads().some(({ RF_Person_Key__c: other }) => other === key))
      fake.changeRecord(id, { RF_Person_Key__c: key });
  }
  if (change.kind === 'delete') {
    deleted.push({ id, key: fake.leads().find(({ Id }) => Id === id)!['RF_Person_Key__c'] });
    fake.deleteRecord(id);
  }
  if (change.kind === 'convert') fake.convertLead(id);
  if (change.kind === 'merge' && at(change.loser) !== id) fake.mergeLeads(id, at(change.loser)!);
}
const deleted: { id: string; key: unknown }[] = [];

/** A Lead with the person's key and another address loses the key between the query and the write. */
const KEY_TAKEN_DURING_THE_SYNC: ValueOf<typeof org> = {
  records: [{ object: 'Lead', email: 'ann@acme.com', key: 'cid@acme.com' }],
  steps: [{ person: 'cid@acme.com', campaign: 'c1', before: [], during: [{ kind: 'key', place: 0, key: null }], restart: false }],
  similar: {},
  match: 'leads-and-contacts',
  onDuplicate: 'dead-letter',
};

describe('generated orgs', () => {
  it('keep each record with its person', { timeout: 240_000 }, async () => {
    const numRuns = Number(process.env['IDENTITY_RUNS'] ?? 25);
    await fc.assert(fc.asyncProperty(org, check), { numRuns, endOnFailure: false, examples: [[KEY_TAKEN_DURING_THE_SYNC]] });
  });
});

async function check({ records, steps, similar, match, onDuplicate }: ValueOf<typeof org>): Promise<void> {
  const world = await salesforceWorld();
  const { fake } = world;
  deleted.length = 0;
  try {
    for (const key of ['c1', 'c2']) fake.addCampaign({ Name: key, RF_Campaign_Key__c: key });
    const keys = new Set<string>();
    const ids = records.map(({ object, email, key }) => {
      const own = object === 'Lead' && key !== null && !keys.has(key) ? key : null;
      if (own) keys.add(own);
      const fields = { Email: email, LastName: 'Lee', ...(own ? { RF_Person_Key__c: personKeyOf(own) } : {}) };
      return object === 'Lead' ? fake.addLead({ ...fields, Company: 'Acme' }) : fake.addContact(fields);
    });
    fake.setDuplicateMatcher(({ Email }, before) => {
      const at = similar[String(Email) as (typeof PEOPLE)[number]];
      return before || at === undefined || ids.length === 0 ? null : [ids[at % ids.length]!];
    });
    const broken: string[] = [];
    let syncing: string = PEOPLE[0];
    let changed = false;
    fake.observeWrites((object, after, before) => {
      const problem = object === 'Lead' ? problemOf(after, before, syncing, changed) : null;
      if (problem) broken.push(problem);
      if (object === 'Lead' && !before && !changed) {
        const others = fake.leads().filter((lead) => !lead['IsConverted'] && isOf(lead, syncing, match));
        if (others.length > 0) broken.push(`a second Lead of ${syncing}`);
      }
      if (object === 'CampaignMember' && !changed && onDuplicate === 'dead-letter' && after['LeadId']) {
        const lead = fake.leads().find(({ Id }) => Id === after['LeadId'])!;
        if (!isOf(lead, syncing, 'leads')) broken.push(`a membership of another person's Lead for ${syncing}`);
      }
    });
    const env = { SALESFORCE_MATCH: match, SALESFORCE_ON_DUPLICATE: onDuplicate, CRM_BATCH_WINDOW_MS: '0' };
    let crm: CrmProvider = await world.open(env);
    for (const [index, { person: email, campaign, before, during, restart }] of steps.entries()) {
      for (const each of before) apply(fake, each);
      if (restart) crm = await world.open(env);
      syncing = email;
      changed = false;
      const waiting = [...during];
      fake.afterEachPost(() => {
        const next = waiting.shift();
        changed ||= next !== undefined;
        if (next) apply(fake, next);
      });
      const outcome = await crm.sync(syncOf(email, campaign, index + 1), signal).catch((cause: unknown) => cause);
      if (outcome instanceof AppError) expect(outcome.code).toMatch(/^CRM_(?:RECORD_BUSY|RECORD_REJECTED|DUPLICATE_\w+)$/);
      else if (outcome instanceof Error) throw outcome;
    }
    expect(broken).toEqual([]);
  } finally {
    await world.close();
  }
}

function isOf(lead: Record<string, unknown>, email: string, match: string): boolean {
  const key = keyOf(lead['RF_Person_Key__c']);
  return key === null ? match !== 'none' && sameAddress(lead['Email'], email) : keysOf(email).includes(key);
}

/** The change that a write makes to another person's record, if any. */
function problemOf(
  after: Record<string, unknown>,
  before: Record<string, unknown> | undefined,
  syncing: string,
  changed: boolean,
): string | null {
  const key = keyOf(after['RF_Person_Key__c']);
  if (ownerOf(key) !== syncing) return `a write for ${syncing} that leaves the key of ${ownerOf(key)}`;
  if (!before) return null;
  const was = keyOf(before['RF_Person_Key__c']);
  if (was !== null && !keysOf(syncing).includes(was)) return `the key of ${ownerOf(was)} became that of ${syncing}`;
  if (was === null && !sameAddress(before['Email'], syncing))
    return `a Lead of ${String(before['Email'])} became that of ${syncing}`;
  // A record with the person's own key is the person's, even if a user has just changed its address.
  if (was !== null && changed) return null;
  if (before['Email'] && !sameAddress(after['Email'], String(before['Email']).toLowerCase())) return 'an address was changed';
  return null;
}
