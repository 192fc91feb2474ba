import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { RateLimiter } from '../../platform/concurrency/rate-limiter.port.js';
import { InFlightLimit } from './call-limiter.js';
import { noAnswer, responseError, statusError, type MarketoError } from './errors.js';
import { MarketoSession, type Credentials } from './session.js';
import { deadlineSignal } from '../../platform/concurrency/deadline-signal.js';

export interface MarketoClientOptions extends Credentials {
  rateLimiter: RateLimiter;
  now: () => number;
  /** Caps the timeout of each call, in milliseconds; for tests. */
  timeoutAtMostMs?: number;
  /** The wait before a call that met too many others at once is tried again, in milliseconds. */
  concurrencyWaitMs?: number;
  /** Waits so many milliseconds for a token to expire; for tests. */
  pause?: (ms: number) => Promise<unknown>;
}

export interface MarketoCall {
  method: 'GET' | 'POST';
  /** From the base URL: /rest/v1/leads.json */
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  /** Longer than Marketo's own timeout of the call, so that its outcome is known as often as possible. */
  timeoutMs: number;
  /** Called each time that the call is sent, repetitions included; calls of identity are free. */
  onSend?(): void;
}

export interface MarketoDownload {
  path: string;
  /** The first byte that is wanted, and how many at most. */
  from: number;
  bytes: number;
  timeoutMs: number;
  onSend?(): void;
}

const envelopeSchema = z.looseObject({
  success: z.boolean(),
  errors: z
    .array(z.looseObject({ code: z.union([z.string(), z.number()]).transform(String), message: z.string().catch('') }))
    .nullish(),
});

/** Calls of this process under way at a time. With a command beside it, Marketo sees fewer than five. */
const IN_FLIGHT = 3;
/** Marketo answers 414 to an address of more than 8 KB; a read with a longer one is sent as a form. */
const URL_BYTES = 7500;
const CONCURRENT_TRIES = 4;
const CONCURRENCY_WAIT_MS = 1000;
const IDENTITY_TIMEOUT_MS = 30_000;
/** "No data found": an answer without a result, and no error. */
const NO_DATA = '702';

/**
 * Marketo's REST API, a call at a time: at the shared rate, few at once, with one new token where the old one is no
 * longer accepted, and again where too many calls were under way. Nothing is repeated otherwise: the caller decides
 * that.
 */
export class MarketoClient {
  private readonly session: MarketoSession;
  private readonly inFlight = new InFlightLimit(IN_FLIGHT);

  constructor(private readonly options: MarketoClientOptions) {
    const timeoutMs = Math.min(IDENTITY_TIMEOUT_MS, options.timeoutAtMostMs ?? Infinity);
    this.session = new MarketoSession(options, timeoutMs, options.now, options.pause);
  }

  /** The API user that Marketo counts our calls for; null before the first call. */
  get user(): string | null {
    return this.session.user;
  }

  /**
   * @throws AppError MARKETO_UNAVAILABLE, MARKETO_OUTCOME_UNKNOWN, MARKETO_RATE_LIMITED, MARKETO_DAILY_LIMIT_REACHED,
   * MARKETO_MISCONFIGURED or MARKETO_REQUEST_REFUSED; the signal's reason where that is aborted before the call is
   * sent.
   */
  call<T>(request: MarketoCall, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    return this.inFlight.run(async () => {
      const body = await this.send(request, { mayRefresh: true, tries: 1 }, signal);
      const parsed = schema.safeParse(body);
      if (parsed.success) return parsed.data;
      throw noAnswer("Marketo's answer has not the shape that its documentation gives.", request.method === 'GET');
    });
  }

  /**
   * A part of a file, from the byte `from` on; its bytes follow as they come.
   * @returns null where there is no such file (any more).
   * @throws AppError as `call`; while the bytes are read, what fetch throws.
   */
  download(request: MarketoDownload, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | null> {
    return this.inFlight.run(async () => {
      for (let mayRefresh = true; ; mayRefresh = false) {
        const token = await this.session.token();
        await this.options.rateLimiter.acquire(signal);
        const response = await this.fetchPart(request, token, signal);
        if (response.status === 404) {
          await response.body?.cancel();
          return null;
        }
        if (!response.headers.get('content-type')?.includes('json')) return bytesFrom(response, request.from);
        const error = envelopeSchema.safeParse(jsonOf(await response.text())).data?.errors?.[0];
        if (!error) throw noAnswer('Marketo answered JSON where a file is.', true);
        if (!mayRefresh || (error.code !== '601' && error.code !== '602')) {
          throw responseError(error as MarketoError, true, this.options.now());
        }
        await this.session.refused(token);
      }
    });
  }

  private async fetchPart({ path, from, bytes, timeoutMs, onSend }: MarketoDownload, token: string, signal?: AbortSignal) {
    const { baseUrl, timeoutAtMostMs = Infinity } = this.options;
    onSend?.();
    try {
      return await fetch(new URL(path, baseUrl), {
        headers: { authorization: `Bearer ${token}`, range: `bytes=${from}-${from + bytes - 1}` },
        redirect: 'manual',
        signal: deadlineSignal(Math.min(timeoutMs, timeoutAtMostMs), signal),
      });
    } catch (cause) {
      throw noAnswer('Marketo did not answer.', true, cause);
    }
  }

  private async send(
    request: MarketoCall,
    { mayRefresh, tries }: { mayRefresh: boolean; tries: number },
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const token = await this.session.token();
    await this.options.rateLimiter.acquire(signal);
    const envelope = await this.exchange(request, token, signal);
    if (envelope.success) return envelope;
    const error = envelope.errors?.[0];
    if (!error) throw noAnswer('Marketo reports a failure and no error.', request.method === 'GET');
    if (error.code === NO_DATA) return { ...envelope, success: true, result: [] };
    if ((error.code === '601' || error.code === '602') && mayRefresh) {
      await this.session.refused(token);
      return this.send(request, { mayRefresh: false, tries }, signal);
    }
    if (error.code === '615' && tries < CONCURRENT_TRIES) {
      const waitMs = (this.options.concurrencyWaitMs ?? CONCURRENCY_WAIT_MS) * tries * (0.5 + Math.random());
      await sleep(waitMs, undefined, signal ? { signal } : {});
      return this.send(request, { mayRefresh, tries: tries + 1 }, signal);
    }
    throw responseError(error as MarketoError, request.method === 'GET', this.options.now());
  }

  private async exchange(call: MarketoCall, token: string, signal: AbortSignal | undefined) {
    const { baseUrl, timeoutAtMostMs = Infinity } = this.options;
    const isRead = call.method === 'GET';
    const { method, search, content } = wireFormOf(call);
    const url = new URL(call.path, baseUrl);
    url.search = search;
    let status: number;
    let text: string;
    call.onSend?.();
    try {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(content ? { 'content-type': content.type } : {}),
        },
        ...(content ? { body: content.text } : {}),
        redirect: 'manual',
        signal: deadlineSignal(Math.min(call.timeoutMs, timeoutAtMostMs), signal),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw noAnswer(signal?.aborted ? 'The call was ended before Marketo answered.' : 'Marketo did not answer.', isRead, cause);
    }
    const envelope = envelopeSchema.safeParse(jsonOf(text)).data;
    // Marketo's own code says more than a status beside it.
    if (status !== 200 && !envelope?.errors?.[0]) throw statusError(status, isRead);
    if (!envelope) throw noAnswer('Marketo answered something that is not its JSON, as during maintenance.', isRead);
    return envelope;
  }
}

function wireFormOf({ method, path, query, body }: MarketoCall) {
  const search = new URLSearchParams(query).toString();
  if (method === 'GET' && path.length + search.length > URL_BYTES) {
    return { method: 'POST', search: '_method=GET', content: { text: search, type: 'application/x-www-form-urlencoded' } };
  }
  if (body === undefined) return { method, search };
  return { method, search, content: { text: JSON.stringify(body), type: 'application/json' } };
}

/** A server that ignores the range sends the whole file. */
async function* bytesFrom(response: Response, from: number): AsyncGenerator<Uint8Array> {
  const { status, body } = response;
  if ((status !== 200 && status !== 206) || !body) {
    await body?.cancel();
    throw statusError(status, true);
  }
  let skip = status === 200 ? from : 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const part = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - part.length;
    if (part.length > 0) yield part;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The base of all addresses: people paste it with the path of the REST or the identity endpoint. */
export function baseUrlOf(configured: string): string {
  return new URL(configured).origin;
}

/** @throws AppError CONFIG_INVALID where Marketo is not configured. */
export function credentialsOf(config: {
  MARKETO_BASE_URL?: string | undefined;
  MARKETO_CLIENT_ID?: string | undefined;
  MARKETO_CLIENT_SECRET?: string | undefined;
}): Credentials {
  const { MARKETO_BASE_URL: url, MARKETO_CLIENT_ID: clientId, MARKETO_CLIENT_SECRET: clientSecret } = config;
  if (!url || !clientId || !clientSecret) {
    const names = 'MARKETO_BASE_URL, MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET';
    throw new AppError('CONFIG_INVALID', `Configuration: set ${names}, or try \`npm run fakes\`.`);
  }
  return { baseUrl: baseUrlOf(url), clientId, clientSecret };
}
