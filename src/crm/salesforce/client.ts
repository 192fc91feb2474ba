import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { RateLimiter } from '../../platform/concurrency/rate-limiter.port.js';
import type { ApiBudget } from './api-budget.js';
import { apiErrorSchema, isConcurrencyLimit, isSetting, needsNewToken, type ApiError } from './api-error.js';
import { BatchRefused, callError, unavailable } from './errors.js';
import type { RepeatBudget } from './repeat-budget.js';
import { retryAfterOf } from './retry-after.js';
import type { Session } from './session.js';
import { deadlineSignal } from '../../platform/concurrency/deadline-signal.js';

export interface ClientOptions {
  session: Session;
  /** Without the `v`: 62.0 */
  apiVersion: string;
  rateLimiter: RateLimiter;
  budget: ApiBudget;
  repeats: RepeatBudget;
  timeoutMs: number;
}

export interface ApiCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below /services/data/vXX.X/, percent-encoded. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** A second call changes nothing more, whatever the first one did: it may be made where Salesforce did not answer. */
  repeatable?: boolean;
}

/** Anything an answer may be when it is no error. */
type Parsed = { status: number; body: unknown };

interface Sending {
  mayRefresh: boolean;
  tries: number;
  signal: AbortSignal | undefined;
  /** Whether a refusal of the record is an answer, and no failure of the call. */
  ofRecord?: boolean;
}

/** The code of a record that was changed since the time of `If-Unmodified-Since`: 412 may come without a body. */
export const MODIFIED_SINCE = 'ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE_CHECK';
/** How a call about one record is answered where Salesforce refuses this record. */
const RECORD_REFUSED = new Set([400, 403, 404]);

/**
 * "Too many calls of this org under way" passes in seconds, and nothing was done: such a call waits here, and not every
 * lead in it.
 */
const CONCURRENT_TRIES = 4;
const CONCURRENT_WAIT_MS = 500;
/** A sync makes about three calls. Where half of all calls fail, four tries each let most syncs end. */
const REPEATS_AT_MOST = 3;
const REPEAT_WAIT_MS = 200;
/** A call whose tries took longer is not repeated: leads wait in the queue, and not in a batch. */
const REPEAT_WITHIN_MS = 5000;

/**
 * Salesforce's REST API, a call at a time: at the shared rate, within the org's budget, with a hard timeout, with one
 * new token where the old one has expired, and again where too many calls were under way. A repeatable call that
 * Salesforce did not answer is repeated within the budget of repeats. The pipeline decides about all other failures.
 */
export class SalesforceClient {
  private stopping = false;

  constructor(private readonly options: ClientOptions) {}

  /** The process is about to end: no call is repeated from now on. */
  stopRepeating(): void {
    this.stopping = true;
  }

  /** @throws AppError CRM_UNAVAILABLE, CRM_RATE_LIMITED, CRM_DAILY_LIMIT_REACHED or CRM_MISCONFIGURED. */
  async call<T>(request: ApiCall, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    const { repeats } = this.options;
    const began = performance.now();
    for (let repeated = 0; ; repeated++) {
      try {
        const answer = await this.callOnce(request, schema, signal);
        repeats.succeeded();
        return answer;
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        repeats.failed();
        if (!request.repeatable || repeated >= REPEATS_AT_MOST || performance.now() - began > REPEAT_WITHIN_MS) throw error;
        if (error.retryAfterMs !== undefined) throw error;
        if (!this.mayRepeat(signal)) throw error;
        await sleep(REPEAT_WAIT_MS * 2 ** repeated * (0.5 + Math.random() / 2));
        if (this.stopping || signal?.aborted) throw error;
      }
    }
  }

  private async callOnce<T>(request: ApiCall, schema: z.ZodType<T>, signal: AbortSignal | undefined): Promise<T> {
    const { status, body } = await this.send(request, { mayRefresh: true, tries: 1, signal });
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw unavailable(`Salesforce's answer (${status}) has not the shape that its documentation gives.`);
    return parsed.data;
  }

  /**
   * Writes one record. @returns null where it was written, else how Salesforce refuses this record.
   * @throws AppError as `call`
   */
  async callForRecord(request: ApiCall, signal: AbortSignal): Promise<ApiError | null> {
    const { status, body } = await this.send(request, { mayRefresh: true, tries: 1, signal, ofRecord: true });
    if (status === 412) return { code: MODIFIED_SINCE, message: '', fields: [], duplicates: [] };
    // Salesforce answers a change with 204: an empty page with 200 comes from whatever stands before it.
    if (status === 200 && body === null) throw unavailable('Salesforce answered 200 and nothing, as during maintenance.');
    return status < 300 ? null : errorOf(body);
  }

  /** The user whose permissions the calls have; null where Salesforce did not say. @throws AppError as `call` */
  async userId(): Promise<string | null> {
    return (await this.options.session.grant()).userId;
  }

  /** Where the calls of the day run low, they are kept for leads that have not been tried. */
  private mayRepeat(signal: AbortSignal | undefined): boolean {
    const { budget, repeats } = this.options;
    return !this.stopping && signal?.aborted !== true && !budget.isLow && repeats.take();
  }

  private async send(request: ApiCall, sending: Sending): Promise<Parsed> {
    const { mayRefresh, tries, signal, ofRecord = false } = sending;
    const { session, rateLimiter, budget } = this.options;
    const grant = await session.grant();
    await budget.spend();
    await takeTurn(rateLimiter, signal);
    const response = await this.fetch(request, grant, signal).catch(async (cause: unknown) => {
      if (isUnknownHost(cause)) await session.expired(grant.token);
      throw cause;
    });
    budget.learn(response.headers.get('sforce-limit-info'));
    if (response.status >= 300 && response.status < 400) {
      // The org moved to another host, or redirects to a maintenance page: a new token names the org's host of today.
      await session.expired(grant.token);
      throw unavailable(`Salesforce redirects (${response.status}), as during maintenance.`);
    }
    const text = await textOf(response);
    const body = bodyOf(text);
    if (response.ok && body !== NOT_JSON) return { status: response.status, body };
    if (response.ok) throw unavailable(`Salesforce answered ${response.status} with something that is not JSON.`);
    const error = errorOf(body);
    if ((response.status === 401 || needsNewToken(error)) && mayRefresh) {
      await session.expired(grant.token);
      return this.send(request, { ...sending, mayRefresh: false });
    }
    if (ofRecord && isAboutRecord(response.status, error)) return { status: response.status, body };
    // A page where the API should be: the org may have another host now, which a new token names.
    if (!error && response.status < 500) await session.expired(grant.token);
    if (isConcurrencyLimit(error) && tries < CONCURRENT_TRIES) {
      await sleep(CONCURRENT_WAIT_MS * tries * (0.5 + Math.random()));
      return this.send(request, { ...sending, tries: tries + 1 });
    }
    throw callError(response.status, error, retryAfterOf(response));
  }

  private async fetch(
    { method, path, body, headers }: ApiCall,
    grant: { token: string; instanceUrl: string },
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { apiVersion, timeoutMs } = this.options;
    try {
      return await fetch(new URL(`/services/data/v${apiVersion}/${path}`, grant.instanceUrl), {
        method,
        headers: {
          authorization: `Bearer ${grant.token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal: deadlineSignal(timeoutMs, signal),
      });
    } catch (cause) {
      throw unavailable(signal?.aborted ? ENDED : 'Salesforce did not answer.', cause);
    }
  }
}

/** Salesforce is unavailable. A call that took too long is divided, and not repeated. */
function isUnanswered(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'CRM_UNAVAILABLE' && !(error instanceof BatchRefused);
}

/** Whether an answer concerns the record, and not the call, the settings of the org or the number of calls. */
function isAboutRecord(status: number, error: ApiError | null): boolean {
  if (status === 412) return true;
  if (!error || !RECORD_REFUSED.has(status) || isConcurrencyLimit(error) || needsNewToken(error)) return false;
  return error.code === 'NOT_FOUND' || !isSetting(error);
}

/** The host of an org changes with its instance or its My Domain. */
function isUnknownHost(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.cause : undefined;
  return cause instanceof Error && ['ENOTFOUND', 'EAI_AGAIN'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

const ENDED = 'The call was ended before Salesforce answered.';

async function takeTurn(rateLimiter: RateLimiter, signal: AbortSignal | undefined): Promise<void> {
  try {
    await rateLimiter.acquire(signal);
  } catch (cause) {
    if (signal?.aborted) throw unavailable(ENDED, cause);
    throw cause;
  }
}

/** The timeout also ends a body that does not come. */
async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw unavailable('Salesforce ended the connection in the middle of its answer.', cause);
  }
}

const NOT_JSON = Symbol('not JSON');

function bodyOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

function errorOf(body: unknown): ApiError | null {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  const parsed = apiErrorSchema.safeParse(first);
  return parsed.success ? parsed.data : null;
}
