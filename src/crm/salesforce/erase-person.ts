import { z } from 'zod';
import { apiErrorSchema, type ApiError } from './api-error.js';
import { unavailable, recordError } from './errors.js';
import type { SalesforceClient } from './client.js';
import { writeRecords } from './collections.js';
import { PERSON_KEY_FIELD, type FieldMap } from './field-map.js';
import { personKeysOf } from './match.js';
import { queryTogether } from './queries.js';
import { soql } from './soql.js';

const ERASED = '[erased]';
const idSchema = z.object({ Id: z.string() });
const deletionSchema = z.array(z.object({ success: z.boolean(), errors: z.array(apiErrorSchema).catch([]) }));
/** Required in every org: they cannot be emptied. */
const CANNOT_BE_EMPTY = new Set(['LastName', 'Company']);

export interface EraseTools {
  client: SalesforceClient;
  apiVersion: string;
  map: FieldMap;
  erase: 'delete' | 'anonymise';
}

/**
 * The Leads with the person's key, and with them their memberships; a Contact is a customer's record and belongs to
 * others. Anonymised, a Lead keeps its place in the reports and loses all that the field map ever wrote, and the key.
 * @returns how many records.
 */
export async function erasePerson(
  { client, apiVersion, map, erase: how }: EraseTools,
  personKey: string,
  signal: AbortSignal,
): Promise<number> {
  const keys = personKeysOf(personKey);
  const queries = [
    soql`SELECT Id FROM Lead WHERE RF_Person_Key__c IN ${keys} AND IsConverted = false`,
    soql`SELECT Id FROM CampaignMember WHERE Lead.RF_Person_Key__c IN ${keys} AND Lead.IsConverted = false`,
  ];
  const [records = [], members = []] = await queryTogether(client, apiVersion, idSchema, queries, signal);
  if (records.length === 0) return 0;
  const ids = records.map(({ Id }) => Id);
  if (how === 'anonymise') {
    await anonymise(client, map, ids, signal);
    return ids.length;
  }
  await deleteLeads(client, ids, signal);
  return ids.length + members.length;
}

async function deleteLeads(client: SalesforceClient, ids: string[], signal: AbortSignal): Promise<void> {
  const path = `composite/sobjects?ids=${ids.map(encodeURIComponent).join(',')}&allOrNone=false`;
  const results = await client.call({ method: 'DELETE', path }, deletionSchema, signal);
  const refused = results.filter(({ success }) => !success);
  const errors = refused.flatMap((each) => each.errors).filter((error) => !isGone(error));
  const codes = [...new Set(errors.map(({ code }) => code))];
  if (codes.length > 0 || refused.some((each) => each.errors.length === 0)) {
    const why = codes.length > 0 ? ` (${codes.join(', ')})` : '';
    throw unavailable(`Salesforce did not delete all records of the person${why}; they are tried again.`);
  }
}

/** A user has deleted the record meanwhile. */
function isGone({ code }: ApiError): boolean {
  return code === 'ENTITY_IS_DELETED';
}

async function anonymise(client: SalesforceClient, map: FieldMap, ids: string[], signal: AbortSignal): Promise<void> {
  const emptied = Object.fromEntries(
    [...map.lead.map(({ to }) => to), PERSON_KEY_FIELD].map((name) => [name, CANNOT_BE_EMPTY.has(name) ? ERASED : null]),
  );
  const records = ids.map((Id) => ({ Id, ...emptied }));
  const results = await writeRecords(client, 'PATCH', 'Lead', records, { headers: { 'Sforce-Auto-Assign': 'FALSE' } }, signal);
  for (const [index, result] of results.entries())
    if ('error' in result && !isGone(result.error)) throw recordError(result.error, records[index]!);
}
