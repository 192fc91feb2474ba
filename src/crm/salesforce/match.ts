import { createHash } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import { z } from 'zod';
import { normaliseEmail } from '../../domain/lead-keys.js';
import type { CrmSync } from '../port.js';
import type { SalesforceClient } from './client.js';
import { BatchRefused } from './errors.js';
import { PERSON_KEY_FIELD } from './field-map.js';
import { queryTogether, type Query } from './queries.js';
import { recordIdSchema } from './record-id.js';
import { soql } from './soql.js';

/** The record that stands for a person in the org. */
export interface Target {
  object: 'Lead' | 'Contact';
  id: string;
}

/** SALESFORCE_MATCH: what an address is looked for in before a Lead is created. */
export type MatchScope = 'leads-and-contacts' | 'leads' | 'none';

export interface MatchTools {
  client: SalesforceClient;
  apiVersion: string;
  match: MatchScope;
}

/** Where a person is in the org, as far as the org says so itself. */
export interface PersonMatch {
  /** Null where the person is new. */
  target: Target | null;
  /** The value of RF_Person_Key__c for this person's Lead; null where the org has closed Leads with all of them. */
  key: string | null;
  /** The address that the target has now. */
  email: string | null;
  /** The target has the person's key and another address: only the key says that it is this person. */
  byKeyAlone: boolean;
  /** The owner of the target, where it was asked for. */
  ownerId?: string;
  /** A record that the person's own Lead was merged into, and that belongs to another person. */
  mergedInto?: string;
}

const recordSchema = z.object({
  Id: recordIdSchema,
  Email: z.string().nullish(),
  OwnerId: recordIdSchema.nullish(),
  [PERSON_KEY_FIELD]: z.string().nullish(),
  IsDeleted: z.boolean().optional(),
  IsConverted: z.boolean().optional(),
  ConvertedContactId: recordIdSchema.nullish(),
  MasterRecordId: recordIdSchema.nullish(),
});
type Found = z.output<typeof recordSchema>;

const LEAD_FIELDS = 'SELECT Id, Email, RF_Person_Key__c, IsConverted, ConvertedContactId';
/** A winner of a merge may itself have been merged. */
const MERGES_FOLLOWED = 3;

/**
 * The keys that a person's Lead may have. The second is for a person whose Lead was converted and whose Contact was
 * deleted: the closed Lead keeps the first, which is unique in the org.
 */
export function personKeysOf(personKey: string): [string, string] {
  return [personKey, createHash('sha256').update(`${personKey}:2`).digest('hex')];
}

/**
 * Looks for the persons in one API call, and in a second where Leads were converted or merged. A record stands for a
 * person where it has the person's key, or the person's address and no other key; or where the org converted or merged
 * the person's own Lead into it.
 * @returns one match per person, in order.
 */
export async function matchPersons(tools: MatchTools, syncs: CrmSync[]): Promise<PersonMatch[]> {
  try {
    return await matchTogether(tools, syncs);
  } catch (cause) {
    // Whatever stands before Salesforce takes no request of this size.
    if (!(cause instanceof BatchRefused && cause.remember) || syncs.length < 2) throw cause;
    const middle = Math.ceil(syncs.length / 2);
    return [...(await matchPersons(tools, syncs.slice(0, middle))), ...(await matchPersons(tools, syncs.slice(middle)))];
  }
}

async function matchTogether(tools: MatchTools, syncs: CrmSync[]): Promise<PersonMatch[]> {
  const keys = syncs.flatMap(({ personKey }) => personKeysOf(personKey));
  const emails = [...new Set(syncs.flatMap(({ projection }) => spellingsOf(projection.lead.email)))];
  const { client, apiVersion, match: scope } = tools;
  const leads = `${LEAD_FIELDS}${syncs.some(({ owner }) => owner) ? ', OwnerId' : ''} FROM Lead`;
  const byAddress: Query[] = scope === 'none' ? [] : [leads + soql` WHERE Email IN ${emails} ORDER BY CreatedDate, Id`];
  const [byKey = [], merged = [], ...rest] = await queryTogether(client, apiVersion, recordSchema, [
    leads + soql` WHERE RF_Person_Key__c IN ${keys} ORDER BY CreatedDate, Id`,
    {
      deletedToo: soql`SELECT Id, RF_Person_Key__c, MasterRecordId FROM Lead WHERE RF_Person_Key__c IN ${keys} AND IsDeleted = true AND MasterRecordId != null`,
    },
    ...byAddress,
    ...(scope === 'leads-and-contacts'
      ? [soql`SELECT Id, Email FROM Contact WHERE Email IN ${emails} ORDER BY CreatedDate, Id`]
      : []),
  ]);
  const [byEmail = [], contacts = []] = scope === 'none' ? [] : rest;
  const successors = await followRecords(tools, [...byKey, ...byEmail, ...merged]);
  const index = {
    keyed: grouped(byKey, (record) => record[PERSON_KEY_FIELD]),
    merged: grouped(merged, (record) => record[PERSON_KEY_FIELD]),
    leads: grouped(byEmail, (record) => address(record.Email)),
    contacts: grouped(contacts, (record) => address(record.Email)),
    successors,
  };
  return syncs.map((sync) => matchOf(sync, index));
}

interface Index {
  keyed: Map<string, Found[]>;
  merged: Map<string, Found[]>;
  leads: Map<string, Found[]>;
  contacts: Map<string, Found[]>;
  /** Records by id that a conversion or a merge leads to, and that are not deleted. */
  successors: Map<string, Found>;
}

function matchOf({ personKey, projection }: CrmSync, index: Index): PersonMatch {
  const email = address(projection.lead.email);
  const keys = personKeysOf(personKey);
  const keyed = keys.flatMap((key) => index.keyed.get(key) ?? []);
  const openLead = keyed.find(({ IsConverted: converted }) => !converted);
  if (openLead) {
    const match = found(leadOf(openLead), openLead, normal(openLead[PERSON_KEY_FIELD]));
    return { ...match, byKeyAlone: isKnownByKeyAlone(openLead, projection.lead.email) };
  }
  const free = keys.find((key) => !index.keyed.has(key)) ?? null;
  const customer = contactOf(keyed, index);
  if (customer) return found(customer.target, customer.record, free);

  const winners = keys
    .flatMap((key) => index.merged.get(key) ?? [])
    .flatMap(({ MasterRecordId: id }) => (id ? (index.successors.get(id) ?? []) : []));
  const mine = (record: Found) => !record[PERSON_KEY_FIELD] && address(record.Email) === email;
  const winner = winners.find((record) => mine(record) && !record.IsConverted);
  // A Lead that has another person's key is that person's, whatever its address says today.
  const unkeyed = (index.leads.get(email) ?? []).filter((record) => !record[PERSON_KEY_FIELD]);
  const lead = winner ?? unkeyed.find(({ IsConverted: converted }) => !converted);
  if (lead) return found(leadOf(lead), lead, free);
  const converted = contactOf([...winners.filter(mine), ...unkeyed], index);
  if (converted) return found(converted.target, converted.record, free);
  const [contact] = index.contacts.get(email) ?? [];
  if (contact) return found({ object: 'Contact', id: contact.Id }, contact, free);
  const stranger = winners.find((record) => !mine(record));
  return { target: null, key: free, email: null, byKeyAlone: false, ...(stranger ? { mergedInto: stranger.Id } : {}) };
}

const leadOf = ({ Id: id }: Found): Target => ({ object: 'Lead', id });
const found = (target: Target, record: Found, key: string | null): PersonMatch => ({
  target,
  key,
  email: record.Email ?? null,
  byKeyAlone: false,
  ...(record.OwnerId ? { ownerId: record.OwnerId } : {}),
});

/** The Contact that the first of these converted Leads became, where it still is there. */
function contactOf(records: Found[], { successors }: Index): { target: Target; record: Found } | null {
  for (const { IsConverted: converted, ConvertedContactId: id } of records) {
    const record = converted && id ? successors.get(id) : undefined;
    if (record) return { target: { object: 'Contact', id: record.Id }, record };
  }
  return null;
}

/**
 * Reads the records that these were converted or merged into. @returns those that still are there, also by the ids of
 * merged ones.
 */
async function followRecords(tools: MatchTools, records: Found[]): Promise<Map<string, Found>> {
  const reached = new Map<string, Found>();
  let wanted = new Map(records.flatMap((record) => nextOf(record)).map((id) => [id, [id]]));
  for (let hops = 0; wanted.size > 0 && hops < MERGES_FOLLOWED; hops++) {
    const next = new Map<string, string[]>();
    for (const record of await recordsById(tools, [...wanted.keys()])) {
      const origins = wanted.get(record.Id) ?? [];
      if (!record.IsDeleted) for (const origin of origins) reached.set(origin, record);
      for (const id of record.IsDeleted || record.IsConverted ? nextOf(record) : []) {
        const also = record.IsDeleted ? origins : [id];
        next.set(id, [...new Set([...(next.get(id) ?? []), ...also])]);
      }
    }
    wanted = new Map([...next].filter(([id]) => !reached.has(id)));
  }
  return reached;
}

function nextOf({
  IsDeleted: deleted,
  IsConverted: converted,
  ConvertedContactId: contact,
  MasterRecordId: master,
}: Found): string[] {
  if (master && deleted !== false) return [master];
  return converted && contact ? [contact] : [];
}

/** Leads and Contacts by id, in the recycle bin too. */
export async function recordsById({ client, apiVersion }: MatchTools, ids: string[]): Promise<Found[]> {
  const [leads, contacts] = ['00Q', '003'].map((prefix) => ids.filter((id) => id.startsWith(prefix)));
  const queries: Query[] = [];
  if (leads!.length > 0)
    queries.push({
      deletedToo: soql`SELECT Id, Email, RF_Person_Key__c, IsDeleted, IsConverted, ConvertedContactId, MasterRecordId FROM Lead WHERE Id IN ${leads!}`,
    });
  if (contacts!.length > 0)
    queries.push({ deletedToo: soql`SELECT Id, Email, IsDeleted, MasterRecordId FROM Contact WHERE Id IN ${contacts!}` });
  return queries.length === 0 ? [] : (await queryTogether(client, apiVersion, recordSchema, queries)).flat();
}

/** Whether a record that the org names belongs to this person: the same key, or the same address and no other key. */
export function belongsTo({ personKey, projection }: CrmSync, record: Found): boolean {
  const key = normal(record[PERSON_KEY_FIELD]);
  if (key !== '') return personKeysOf(personKey).includes(key);
  return address(record.Email) === address(projection.lead.email);
}

/** Whether the record has a key and another address than this. */
export function isKnownByKeyAlone(record: Found, email: string): boolean {
  return normal(record[PERSON_KEY_FIELD]) !== '' && address(record.Email) !== address(email);
}

function grouped(records: Found[], keyOf: (record: Found) => string | null | undefined): Map<string, Found[]> {
  const groups = new Map<string, Found[]>();
  for (const record of records) {
    const key = normal(keyOf(record));
    const group = groups.get(key);
    if (group) group.push(record);
    else groups.set(key, [record]);
  }
  return groups;
}

/** The domain of an address may be stored as it is typed (`müller.example`) and as DNS has it (`xn--…`). */
function spellingsOf(email: string): string[] {
  const at = email.lastIndexOf('@') + 1;
  const typed = email.slice(0, at) + domainToUnicode(email.slice(at));
  return typed === email || typed.length === at ? [email] : [email, typed];
}

function address(text: string | null | undefined): string {
  return text ? normaliseEmail(text) : '';
}

function normal(text: string | null | undefined): string {
  return (text ?? '').trim().toLowerCase();
}
