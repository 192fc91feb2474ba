import { z } from 'zod';
import type { ApiCall, SalesforceClient } from './client.js';
import { apiErrorSchema, unavailable, type ApiError } from './errors.js';
import { recordIdSchema } from './record-id.js';

/** What became of one record: its id, or why not. */
export type RecordResult = { id: string } | { error: ApiError };

const resultSchema = z
  .object({ id: recordIdSchema.nullish(), success: z.boolean(), errors: z.array(apiErrorSchema).catch([]) })
  .transform(({ id, success, errors }): RecordResult => {
    if (success && id) return { id };
    const [first = { code: 'UNKNOWN_EXCEPTION', message: '', fields: [], duplicates: [] }] = errors;
    // Several rules may refuse one record: their fields are left out together, and not one per call.
    const fields = new Set(errors.flatMap(({ code, fields: named }) => (code === first.code ? named : [])));
    return { error: { ...first, fields: [...fields] } };
  });

/**
 * Writes at most 200 records of one object, each for itself; HTTP 200 even where records fail
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm).
 */
export async function writeRecords(
  client: Pick<SalesforceClient, 'call'>,
  method: 'POST' | 'PATCH',
  object: string,
  records: Record<string, unknown>[],
  headers: ApiCall['headers'] = {},
  signal?: AbortSignal,
): Promise<RecordResult[]> {
  const results = await client.call(
    {
      method,
      path: 'composite/sobjects',
      body: { allOrNone: false, records: records.map((record) => ({ attributes: { type: object }, ...record })) },
      headers,
    },
    z.array(resultSchema),
    signal,
  );
  if (results.length !== records.length) throw unavailable('Salesforce answered for another number of records than were sent.');
  return results;
}
