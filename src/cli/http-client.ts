/** How the commands reach the service: over HTTP, like every other operator's tool. */
export interface ServiceOptions {
  url: string;
  /** The secret of one of OPS_TOKENS. */
  token?: string;
  /** One of WEBHOOK_SECRETS. */
  secret?: string;
}

/** An answer that is not 2xx, as a sentence. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

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
  private async request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const { url, token, secret } = this.options;
    const bearer = path === '/leads' ? secret : token;
    let answer: Response;
    try {
      answer = await fetch(new URL(path, url), {
        method,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
    } catch {
      throw new ServiceError(0, `No service answers at ${url}. Start it, or name it with --url or REVENUEFLOW_URL.`);
    }
    const text = await answer.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    if (!answer.ok) throw new ServiceError(answer.status, complaintOf(parsed) ?? `The service answered ${answer.status}.`);
    return parsed as T;
  }
}

/** What a problem says, with each field that it names. */
function complaintOf({
  detail,
  errors = [],
}: {
  detail?: string;
  errors?: { path: string; message: string }[];
}): string | undefined {
  return errors.length === 0 ? detail : [detail, ...errors.map(({ path, message }) => `  ${path}: ${message}`)].join('\n');
}
