import { z } from 'zod';
import type { SalesforceClient } from './client.js';
import { apiErrorSchema, callError } from './errors.js';

const MAX_PAGES = 20;

const pageOf = <T>(record: z.ZodType<T>) =>
  z.object({ records: z.array(record), done: z.boolean(), nextRecordsUrl: z.string().optional() });

const compositeSchema = z.object({
  compositeResponse: z.array(z.object({ body: z.unknown(), httpStatusCode: z.number() })),
});

/**
 * Runs several queries as one API call: in a body there is no limit on the length of a URL, and the composite counts once
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm).
 * @returns the records of each, in order.
 */
export async function queryTogether<T>(
  client: SalesforceClient,
  version: string,
  record: z.ZodType<T>,
  queries: string[],
): Promise<T[][]> {
  const { compositeResponse } = await client.call(
    {
      method: 'POST',
      path: 'composite',
      body: {
        allOrNone: false,
        compositeRequest: queries.map((query, index) => ({
          method: 'GET',
          url: `/services/data/v${version}/query?q=${encodeURIComponent(query)}`,
          referenceId: `query${index}`,
        })),
      },
    },
    compositeSchema,
  );
  return Promise.all(
    compositeResponse.map(async ({ body, httpStatusCode }) => {
      const page = pageOf(record).safeParse(body);
      if (!page.success) throw queryError(httpStatusCode, body);
      return [...page.data.records, ...(await following(client, record, page.data.nextRecordsUrl))];
    }),
  );
}

/** An address may have thousands of records: each must be seen, or the person gets one more. */
async function following<T>(client: SalesforceClient, record: z.ZodType<T>, nextUrl: string | undefined): Promise<T[]> {
  const found: T[] = [];
  for (let pages = 0; nextUrl && pages < MAX_PAGES; pages++) {
    const path = nextUrl.replace(/^\/services\/data\/v[\d.]+\//, '');
    const page = await client.call({ method: 'GET', path }, pageOf(record));
    found.push(...page.records);
    nextUrl = page.nextRecordsUrl;
  }
  return found;
}

function queryError(status: number, body: unknown) {
  const error = apiErrorSchema.safeParse(Array.isArray(body) ? body[0] : body);
  return callError(status, error.success ? error.data : null);
}
