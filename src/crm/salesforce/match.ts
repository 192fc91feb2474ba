import { z } from 'zod';
import type { CrmSync } from '../port.js';
import type { SalesforceClient } from './client.js';
import { PERSON_KEY_FIELD } from './field-map.js';
import { queryTogether } from './queries.js';
import { soql } from './soql.js';

/** The record that stands for a person in the org. */
export interface Target {
  object: 'Lead' | 'Contact';
  id: string;
}

/** SALESFORCE_MATCH: what an address is looked for in before a Lead is created. */
export type MatchScope = 'leads-and-contacts' | 'leads' | 'none';

const recordSchema = z.object({
  Id: z.string(),
  Email: z.string().nullish(),
  [PERSON_KEY_FIELD]: z.string().nullish(),
  IsConverted: z.boolean().optional(),
  ConvertedContactId: z.string().nullish(),
});
type Found = z.output<typeof recordSchema>;

/**
 * Looks for the persons in one API call: by our key, then by address, the oldest record first. A converted Lead is its Contact.
 * @returns a target, or null where the person is new, in the order of `syncs`.
 */
export async function matchPersons(
  client: SalesforceClient,
  version: string,
  scope: MatchScope,
  syncs: CrmSync[],
): Promise<(Target | null)[]> {
  const keys = syncs.map(({ personKey }) => personKey);
  const emails = [...new Set(syncs.map(({ projection }) => projection.lead.email))];
  const [byKey = [], byEmail = [], contacts = []] = await queryTogether(client, version, recordSchema, [
    soql`SELECT Id, Email, RF_Person_Key__c, IsConverted, ConvertedContactId FROM Lead WHERE RF_Person_Key__c IN ${keys}`,
    ...(scope === 'none'
      ? []
      : [
          soql`SELECT Id, Email, RF_Person_Key__c, IsConverted, ConvertedContactId FROM Lead WHERE Email IN ${emails} ORDER BY CreatedDate, Id`,
        ]),
    ...(scope === 'leads-and-contacts'
      ? [soql`SELECT Id, Email FROM Contact WHERE Email IN ${emails} ORDER BY CreatedDate, Id`]
      : []),
  ]);
  const keyed = new Map(byKey.map((record) => [record[PERSON_KEY_FIELD]?.toLowerCase(), record]));
  const leads = grouped(byEmail);
  const people = grouped(contacts);
  return syncs.map(({ personKey, projection }) => {
    const email = projection.lead.email.toLowerCase();
    return (
      targetOf(keyed.get(personKey)) ??
      // A Lead that has another person's key is that person's, whatever its address says today.
      bestOf((leads.get(email) ?? []).filter((record) => !record[PERSON_KEY_FIELD])) ??
      contactOf(people.get(email)?.[0])
    );
  });
}

function grouped(records: Found[]): Map<string, Found[]> {
  const groups = new Map<string, Found[]>();
  for (const record of records) {
    const email = (record.Email ?? '').toLowerCase();
    const group = groups.get(email);
    if (group) group.push(record);
    else groups.set(email, [record]);
  }
  return groups;
}

/** One that sales still works on goes before one that was converted. */
function bestOf(records: Found[]): Target | null {
  return targetOf(records.find(({ IsConverted: converted }) => !converted)) ?? targetOf(records[0]);
}

function targetOf(record: Found | undefined): Target | null {
  if (!record) return null;
  if (!record.IsConverted) return { object: 'Lead', id: record.Id };
  return record.ConvertedContactId ? { object: 'Contact', id: record.ConvertedContactId } : null;
}

function contactOf(record: Found | undefined): Target | null {
  return record ? { object: 'Contact', id: record.Id } : null;
}
