import { RequestRefused } from './errors.js';
import { answer, bodyOf, notAllowed, type ApiAnswer, type ApiCall, type Instance } from './resources.js';

const SUBREQUESTS_AT_MOST = 25;
/** Of queries and sObject collections together: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm */
const QUERIES_AT_MOST = 5;

interface Subrequest {
  method: string;
  url: string;
  referenceId: string;
  body?: unknown;
}

/**
 * /composite: several requests in one call, which counts once. Each fails separately. allOrNone and references between
 * requests are not supported.
 */
export async function composite(instance: Instance, call: ApiCall): Promise<ApiAnswer> {
  if (call.method !== 'POST') throw notAllowed(call.method, 'POST');
  const subrequests = bodyOf(call)['compositeRequest'] as Subrequest[] | undefined;
  if (!Array.isArray(subrequests) || subrequests.length === 0 || subrequests.length > SUBREQUESTS_AT_MOST) {
    throw new RequestRefused(400, 'INVALID_INPUT', `compositeRequest must have 1 to ${SUBREQUESTS_AT_MOST} subrequests.`);
  }
  if (subrequests.filter(({ url }) => /\/(?:query|queryAll|composite\/sobjects)\b/.test(url)).length > QUERIES_AT_MOST) {
    throw new RequestRefused(400, 'LIMIT_EXCEEDED', `At most ${QUERIES_AT_MOST} queries or sObject collections are allowed.`);
  }
  const compositeResponse = [];
  for (const subrequest of subrequests) {
    const { status, body } = await one(instance, call, subrequest);
    compositeResponse.push({ body: body ?? null, httpHeaders: {}, httpStatusCode: status, referenceId: subrequest.referenceId });
  }
  return { status: 200, body: { compositeResponse } };
}

async function one(instance: Instance, call: ApiCall, { method, url, body }: Subrequest): Promise<ApiAnswer> {
  const { pathname, searchParams } = new URL(url, 'http://composite');
  const [, rest = ''] = /^\/services\/data\/v\d+\.0\/(.+)$/.exec(pathname) ?? [];
  try {
    const path = rest.split('/').map(decodeURIComponent);
    return await answer(instance, {
      ...call,
      method,
      path,
      query: searchParams,
      body: body === undefined ? '' : JSON.stringify(body),
    });
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    const { status, message, code, fields } = error;
    return { status, body: [{ message, errorCode: code, ...(fields ? { fields } : {}) }] };
  }
}
