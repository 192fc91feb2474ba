import { z } from 'zod';
import type { SalesforceClient } from './client.js';
import { apiErrorSchema } from './api-error.js';
import { callError, unavailable } from './errors.js';

const MAX_PAGES = 20;

const pageOf = <T>(record: z.ZodType<T>) =>
  z.object({ records: z.array(record), done: z.boolean(), nextRecordsUrl: z.string().optional() });

const compositeSchema = z.object({
  compositeResponse: z.array(z.object({ body: z.unknown(), httpStatusCode: z.number(), referenceId: z.string().optional() })),
});

/** A time in an answer: `2026-11-27T10:00:00.000+0000`, which is no ISO 8601 that Date.parse must read. */
export const instantSchema = z
  .string()
  .transform((text) => new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')))
  .refine((date) => !Number.isNaN(date.getTime()), 'is no time')
  .transform((date) => date.toISOString());

/** SOQL; `deletedToo` asks the recycle bin as well (queryAll). */
export type Query = string | { deletedToo: string };

/**
 * Runs several queries as one API call: in a body there is no limit on the length of a URL, and the composite counts
 * once (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm).
 * @returns the records of each, in order.
 */
export async function queryTogether<T>(
  client: SalesforceClient,
  version: string,
  record: z.ZodType<T>,
  queries: Query[],
  signal?: AbortSignal,
): Promise<T[][]> {
  const { compositeResponse } = await client.call(
    {
      method: 'POST',
      path: 'composite',
      repeatable: true,
      body: {
        allOrNone: false,
        compositeRequest: queries.map((query, index) => ({
          method: 'GET',
          url: `/services/data/v${version}/${resourceOf(query)}`,
          referenceId: referenceOf(index),
        })),
      },
    },
    compositeSchema,
    signal,
  );
  // By their names, since one answer in the place of another would show the record of another person.
  const isNamed = compositeResponse.every(({ referenceId }) => referenceId !== undefined);
  const byReference = new Map(compositeResponse.map((answer) => [answer.referenceId, answer]));
  const answers = isNamed ? queries.flatMap((_, index) => byReference.get(referenceOf(index)) ?? []) : compositeResponse;
  if (answers.length !== queries.length) throw unavailable('Salesforce answered other queries than were sent.');
  return Promise.all(
    answers.map(async ({ body, httpStatusCode }) => {
      const page = pageOf(record).safeParse(body);
      if (!page.success) throw queryError(httpStatusCode, body);
      return [...page.data.records, ...(await following(client, record, page.data.nextRecordsUrl, signal))];
    }),
  );
}

function referenceOf(index: number): string {
  return `query${index}`;
}

function resourceOf(query: Query): string {
  const [resource, text] = typeof query === 'string' ? ['query', query] : ['queryAll', query.deletedToo];
  return `${resource}?q=${encodeURIComponent(text)}`;
}

/** An address may have thousands of records: each must be seen, or the person gets one more. */
async function following<T>(
  client: SalesforceClient,
  record: z.ZodType<T>,
  nextUrl: string | undefined,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const found: T[] = [];
  for (let pages = 0; nextUrl && pages < MAX_PAGES; pages++) {
    const path = nextUrl.replace(/^\/services\/data\/v[\d.]+\//, '');
    const page = await client.call({ method: 'GET', path, repeatable: true }, pageOf(record), signal);
    found.push(...page.records);
    nextUrl = page.nextRecordsUrl;
  }
  return found;
}

function queryError(status: number, body: unknown) {
  const error = apiErrorSchema.safeParse(Array.isArray(body) ? body[0] : body);
  return callError(status, error.success ? error.data : null, undefined, true);
}
