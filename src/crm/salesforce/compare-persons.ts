import { z } from 'zod';
import type { CrmDifference, PersonProjection } from '../port.js';
import type { SalesforceClient } from './client.js';
import { leadFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValue } from './field-map.js';
import { matchPersons, type MatchScope } from './match.js';
import { queryTogether } from './queries.js';
import { soql } from './soql.js';

export interface CompareTools {
  client: SalesforceClient;
  apiVersion: string;
  map: FieldMap;
  match: MatchScope;
}

const recordSchema = z.record(z.string(), z.unknown());

/** Compares what an update would write with what is there. A person whose Contact stands for it has nothing to compare. */
export async function comparePersons(tools: CompareTools, persons: PersonProjection[]): Promise<CrmDifference[]> {
  const { client, apiVersion, map, match } = tools;
  const names = [
    ...new Set([...map.lead.filter(({ on }) => on === 'always').map(({ to }) => to), PERSON_KEY_FIELD, VERSION_FIELD]),
  ];
  const keys = persons.map(({ lead }) => lead.personKey);
  // Names of fields are checked by the map's schema to be nothing but names.
  const query = `SELECT Id, ${names.join(', ')} FROM Lead ${soql`WHERE RF_Person_Key__c IN ${keys}`}`;
  const [records = []] = await queryTogether(client, apiVersion, recordSchema, [query]);
  const byKey = new Map(records.map((record) => [String(record[PERSON_KEY_FIELD]).toLowerCase(), record]));
  const missing = persons.filter(({ lead }) => !byKey.has(lead.personKey));
  const elsewhere = missing.length > 0 ? await matchPersons(client, apiVersion, match, missing.map(asSync)) : [];
  const absent = missing.filter((_, index) => elsewhere[index]?.object !== 'Contact');
  return [
    ...absent.map(({ lead }) => ({ personKey: lead.personKey, field: null, expected: 'a record', actual: null })),
    ...persons.flatMap((person) => differencesOf(person, map, byKey.get(person.lead.personKey))),
  ];
}

function asSync(projection: PersonProjection) {
  return { personKey: projection.lead.personKey, projection, campaignId: '', respondedAt: '' };
}

function differencesOf(person: PersonProjection, map: FieldMap, record: Record<string, unknown> | undefined): CrmDifference[] {
  if (!record) return [];
  return Object.entries(leadFieldsOf(map, person, 'update')).flatMap(([field, expected]) => {
    const actual = record[field] ?? null;
    if (same(expected, actual)) return [];
    return [{ personKey: person.lead.personKey, field, expected, actual }];
  });
}

/** Salesforce trims text, and a long one was cut. */
function same(expected: FieldValue, actual: unknown): boolean {
  if (typeof expected !== 'string' || typeof actual !== 'string') return expected === actual;
  const text = expected.trim();
  // Salesforce writes 2026-01-02T03:04:05.000+0000.
  if (/^\d{4}-\d{2}-\d{2}T/.test(text) && Date.parse(text) === Date.parse(actual)) return true;
  return text === actual || (actual.length > 20 && text.startsWith(actual)) || text.toLowerCase() === actual.toLowerCase();
}
