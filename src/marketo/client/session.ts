import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { unavailable } from './errors.js';

export interface Credentials {
  /** https://<munchkin id>.mktorest.com, without a path. */
  baseUrl: string;
  clientId: string;
  clientSecret: string;
}

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number(), scope: z.string().optional() });

/** Of name resolution: the host is wrong, or names cannot be resolved at the moment. */
const UNKNOWN_HOST = new Set(['ENOTFOUND', 'EAI_AGAIN']);

/** A token with less than this left may expire on its way; identity gives no other one before it has. */
const ENDING_SECONDS = 3;
/** Where such a token was refused already, Marketo's clocks may differ by some seconds. */
const REFUSED_ENDING_SECONDS = 10;
const READS = 3;

interface IssuedToken {
  token: string;
  seconds: number;
}

const setting = (message: string, status: number) =>
  new AppError('MARKETO_MISCONFIGURED', message, { signature: `marketo:identity-${status}` });

/**
 * One token for all calls of the process. However many calls find it expired, one of them reads the next. Identity
 * answers the same token until it expires, so reading it early gains nothing.
 */
export class MarketoSession {
  /** The API user of the credentials, as identity names it; null before the first token. */
  user: string | null = null;
  private current: Promise<{ token: string; until: number }> | undefined;
  private refusedToken: string | undefined;

  constructor(
    private readonly credentials: Credentials,
    private readonly timeoutMs: number,
    private readonly now: () => number,
    private readonly pause: (ms: number) => Promise<unknown> = sleep,
  ) {}

  /**
   * @throws AppError MARKETO_MISCONFIGURED where the credentials are refused or the address is another server's;
   * MARKETO_UNAVAILABLE where no usable answer comes.
   */
  async token(): Promise<string> {
    const held = this.current;
    const known = await held;
    if (known && known.until <= this.now() && this.current === held) this.current = undefined;
    this.current ??= this.read().catch((error: unknown) => {
      this.current = undefined;
      throw error;
    });
    return (await this.current).token;
  }

  /** Marketo no longer accepts this token. Another call may have read a newer one since; that stays. */
  async refused(token: string): Promise<void> {
    const held = this.current;
    const known = await held?.catch(() => undefined);
    this.refusedToken = token;
    if (known?.token === token && this.current === held) this.current = undefined;
  }

  /** A token that is about to expire is waited out. */
  private async read(): Promise<{ token: string; until: number }> {
    for (let reads = 1; ; reads++) {
      const { token, seconds } = await this.issue();
      const ending = token === this.refusedToken ? REFUSED_ENDING_SECONDS : ENDING_SECONDS;
      if (seconds >= ending || reads === READS) return { token, until: this.now() + seconds * 1000 };
      await this.pause((Math.max(0, seconds) + 1) * 1000);
    }
  }

  private async issue(): Promise<IssuedToken> {
    const { baseUrl, clientId, clientSecret } = this.credentials;
    const url = new URL('/identity/oauth/token', baseUrl);
    url.search = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    }).toString();
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(this.timeoutMs) });
      body = await response.json().catch(() => undefined);
    } catch (error) {
      // The cause is left out: it may quote the address, which has the secret.
      const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '';
      throw unavailable(
        UNKNOWN_HOST.has(code)
          ? `The host of MARKETO_BASE_URL, ${url.hostname}, is not known (${code}).`
          : `Marketo issued no token: its identity service at ${url.origin} did not answer${code && ` (${code})`}.`,
      );
    }
    const { status } = response;
    if (status === 400 || status === 401 || status === 403) {
      throw setting(`Marketo refused the credentials (${status}). Check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET.`, status);
    }
    if (status === 404) {
      throw setting(`${url.origin} is not the address of Marketo's REST API (404). Check MARKETO_BASE_URL.`, status);
    }
    const parsed = tokenSchema.safeParse(body);
    if (!response.ok || !parsed.success) {
      throw unavailable(`Marketo issued no token: its identity service at ${url.origin} answered ${status} and no token.`);
    }
    this.user = parsed.data.scope ?? null;
    return { token: parsed.data.access_token, seconds: parsed.data.expires_in };
  }
}
