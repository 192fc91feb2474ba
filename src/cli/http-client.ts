import { CommandError } from './exit-codes.js';
import { exitCodeOf, problemText, type Problem } from './problem-text.js';

/** How the commands reach the service: over HTTP, like every other operator's tool. */
export interface ServiceOptions {
  url: string;
  /** The secret of one of OPS_TOKENS. */
  token?: string;
  /** One of WEBHOOK_SECRETS. */
  secret?: string;
}

/** An answer that is not 2xx, as a sentence. Status 0: there was no answer. */
export class ServiceError extends CommandError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(exitCodeOf(status), message);
  }
}

/** A replay of many or an erasure can take longer than a look at a page. */
const TIMEOUT_MS = { GET: 30_000, POST: 120_000, PATCH: 30_000 };

export class ServiceClient {
  constructor(private readonly options: ServiceOptions) {}

  get<T>(path: string): Promise<T> {
    return this.request('GET', path);
  }

  post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.request('POST', path, body, headers);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.request('PATCH', path, body);
  }

  /** @throws ServiceError */
  private async request<T>(
    method: keyof typeof TIMEOUT_MS,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const { url, token, secret } = this.options;
    const bearer = path === '/leads' ? secret : token;
    let status: number;
    let text: string;
    let location: string | null;
    try {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirected POST becomes a GET: another act than the one that was asked for.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS[method]),
      });
      status = answer.status;
      location = answer.headers.get('location');
      text = await answer.text();
    } catch (error) {
      throw noAnswer(error, url, TIMEOUT_MS[method]);
    }
    const parsed = parsedObject(text);
    if (status >= 200 && status < 300 && parsed) return parsed as T;
    if (parsed && typeof parsed['code'] === 'string') {
      throw new ServiceError(status, path === '/leads' ? webhookProblem(status, parsed) : problemText(status, parsed, !!token));
    }
    if (status >= 300 && status < 400) {
      const origin = location !== null && URL.canParse(location, url) ? new URL(location, url).origin : 'another address';
      throw new ServiceError(
        status,
        `${url} redirects to ${origin} (status ${status}). Set REVENUEFLOW_URL or --url to that address.`,
      );
    }
    throw new ServiceError(
      status,
      `What answers at ${url} (status ${status}) is not RevenueFlow. Check --url or REVENUEFLOW_URL.`,
    );
  }
}

/** An import sends one of WEBHOOK_SECRETS, not the operator's token. */
function webhookProblem(status: number, problem: Problem): string {
  return status === 401
    ? 'The service refuses the webhook secret. Set WEBHOOK_SECRETS to one that it accepts.'
    : problemText(status, problem, true);
}

function noAnswer(error: unknown, url: string, timeoutMs: number): ServiceError {
  if ((error as Error).name === 'TimeoutError') {
    return new ServiceError(
      0,
      `The service at ${url} did not answer within ${timeoutMs / 1000} s. The request may still take effect.`,
    );
  }
  const code = codeOf(error);
  const reason = REASONS.find(([codes]) => codes.test(code))?.[1];
  if (reason !== undefined) return new ServiceError(0, `${url}: ${reason} (${code}). Check --url or REVENUEFLOW_URL.`);
  return new ServiceError(0, `No service answers at ${url}. Start it, or name it with --url or REVENUEFLOW_URL.`);
}

/** Of what fetch failed for; empty where the system gave none. */
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? String((cause as NodeJS.ErrnoException).code ?? '') : '';
}

const REASONS: [RegExp, string][] = [
  [/^(?:ERR_SSL_|EPROTO)/, 'what answers there does not speak https; the service may be at http://'],
  [/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/, 'its certificate is not trusted; name its authority with NODE_EXTRA_CA_CERTS'],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, 'this host is not known'],
  [/^(?:HPE_|UND_ERR_SOCKET)/, 'the connection was closed without an answer; the service stopped, or is at https://'],
];

function parsedObject(text: string): (Record<string, unknown> & Problem) | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown> & Problem) : null;
  } catch {
    return null;
  }
}
