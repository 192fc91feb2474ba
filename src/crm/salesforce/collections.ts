import { z } from 'zod';
import type { ApiCall, SalesforceClient } from './client.js';
import { apiErrorSchema, type ApiError } from './api-error.js';
import { unavailable } from './errors.js';
import { recordIdSchema, to18 } from './record-id.js';

/** What became of one record: its id, and whether an upsert created it; or why not. */
export type RecordResult = { id: string; created?: boolean } | { error: ApiError };

const resultSchema = z
  .object({
    id: recordIdSchema.nullish(),
    success: z.boolean(),
    created: z.boolean().nullish(),
    errors: z.array(apiErrorSchema).catch([]),
  })
  .transform(({ id, success, created, errors }): RecordResult => {
    if (success && id) return { id, ...(created ? { created } : {}) };
    const [first = { code: 'UNKNOWN_EXCEPTION', message: '', fields: [], duplicates: [] }] = errors;
    // Several rules may refuse one record: their fields are left out together, and not one per call.
    const fields = new Set(errors.flatMap(({ code, fields: named }) => (code === first.code ? named : [])));
    return { error: { ...first, fields: [...fields] } };
  });

interface WriteOptions {
  headers?: ApiCall['headers'];
  externalId?: string | undefined;
  /** False: the call is made once, although it may be repeated. */
  repeatable?: boolean;
}

function isOf({ id }: { id: string }, { Id: sent }: Record<string, unknown>): boolean {
  return typeof sent !== 'string' || to18(sent) === id;
}

/**
 * Writes at most 200 records of one object, each for itself; HTTP 200 even where records fail. A second write of the
 * same records changes nothing more: a person's key and a membership are unique, and updates carry all values. With
 * `externalId`, the name of an External ID field, PATCH finds the records by it, and creates those that are missing
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm).
 */
export async function writeRecords(
  client: Pick<SalesforceClient, 'call'>,
  method: 'POST' | 'PATCH',
  object: string,
  records: Record<string, unknown>[],
  { headers = {}, externalId, repeatable = true }: WriteOptions = {},
  signal?: AbortSignal,
): Promise<RecordResult[]> {
  const results = await client.call(
    {
      method,
      path: externalId ? `composite/sobjects/${object}/${externalId}` : 'composite/sobjects',
      body: { allOrNone: false, records: records.map((record) => ({ attributes: { type: object }, ...record })) },
      headers,
      repeatable,
    },
    z.array(resultSchema),
    signal,
  );
  if (results.length !== records.length) throw unavailable('Salesforce answered for another number of records than were sent.');
  // One record's result would be given to another person.
  const misplaced = results.some((result, index) => 'id' in result && !isOf(result, records[index]!));
  if (misplaced) throw unavailable('Salesforce answered for the records in another order than they were sent.');
  return results;
}
