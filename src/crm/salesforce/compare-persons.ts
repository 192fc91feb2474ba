import { z } from 'zod';
import type { CrmDifference, PersonProjection } from '../port.js';
import { leadFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValue } from './field-map.js';
import { matchPersons, personKeysOf, type MatchTools } from './match.js';
import type { OrgSchema } from './org-schema.js';
import { queryTogether } from './queries.js';
import { soql } from './soql.js';

export interface CompareTools extends MatchTools {
  map: FieldMap;
  schema: OrgSchema;
}

const recordSchema = z.record(z.string(), z.unknown());

/**
 * Compares what an update would write with what is there. A person whose Contact stands for it has nothing to compare.
 */
export async function comparePersons(tools: CompareTools, persons: PersonProjection[]): Promise<CrmDifference[]> {
  const { client, apiVersion, map, schema } = tools;
  const names = [
    ...new Set([...map.lead.filter(({ on }) => on === 'always').map(({ to }) => to), PERSON_KEY_FIELD, VERSION_FIELD]),
  ];
  const keys = persons.flatMap(({ lead }) => personKeysOf(lead.personKey));
  // Names of fields are checked by the map's schema to be nothing but names.
  const query = `SELECT Id, ${names.join(', ')} FROM Lead ${soql`WHERE RF_Person_Key__c IN ${keys} AND IsConverted = false`}`;
  const [records = []] = await queryTogether(client, apiVersion, recordSchema, [query]);
  const byKey = new Map(records.map((record) => [String(record[PERSON_KEY_FIELD]).toLowerCase(), record]));
  const recordOf = ({ lead }: PersonProjection) =>
    personKeysOf(lead.personKey)
      .map((key) => byKey.get(key))
      .find((record) => record !== undefined);
  const missing = persons.filter((person) => recordOf(person) === undefined);
  const elsewhere = missing.length > 0 ? await matchPersons(tools, missing.map(asSync)) : [];
  const absent = missing.filter((_, index) => elsewhere[index]?.target?.object !== 'Contact');
  const differences: CrmDifference[] = [];
  for (const person of persons) {
    const record = recordOf(person);
    if (record) differences.push(...(await differencesOf(person, { map, schema }, record)));
  }
  return [
    ...absent.map(({ lead }) => ({ personKey: lead.personKey, field: null, expected: 'a record', actual: null })),
    ...differences,
  ];
}

function asSync(projection: PersonProjection) {
  return { personKey: projection.lead.personKey, projection, campaignId: '', respondedAt: '' };
}

async function differencesOf(
  person: PersonProjection,
  { map, schema }: Pick<CompareTools, 'map' | 'schema'>,
  record: Record<string, unknown>,
): Promise<CrmDifference[]> {
  const fields = leadFieldsOf(map, person, 'update');
  // As an update would send them: what a field cannot hold is left out.
  await schema.fit(fields);
  return Object.entries(fields).flatMap(([field, expected]) => {
    const actual = record[field] ?? null;
    if (field === PERSON_KEY_FIELD) return [];
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
