import { createSign } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { unavailable } from './errors.js';
import { retryAfterOf } from './retry-after.js';

/** How this service shows who it is. With a private key it is the JWT bearer flow, else client credentials. */
export interface Credentials {
  /** Where tokens are issued: the login host or the org's My Domain. */
  loginUrl: string;
  clientId: string;
  clientSecret?: string | undefined;
  /** PEM, RSA. */
  privateKey?: string | undefined;
  /** Of the integration user; with a private key. */
  username?: string | undefined;
}

export interface Grant {
  token: string;
  /** Where the org's API is. */
  instanceUrl: string;
  /** The user of this service; null where the answer did not say. */
  userId: string | null;
}

const JWT_VALID_SECONDS = 180;
const answerSchema = z.object({ access_token: z.string().min(1), instance_url: z.url(), id: z.string().optional() });
const refusalSchema = z.object({ error: z.string(), error_description: z.string().catch('') });
/** OAuth errors that speak of the server's state (RFC 6749, 4.1.2.1) and not of our credentials. */
const NOT_OUR_FAULT = /^(?:server_error|temporarily_unavailable|unknown_error)$/;
/** Descriptions that ask for another try, whatever the error is. */
const PASSES_LATER = /maintenance|temporar|unavailable|not available|retry your request|try again later/i;

/** One token for all calls of the process. However many calls find it expired, one of them fetches the next. */
export class Session {
  private current: Promise<Grant> | undefined;

  constructor(
    private readonly credentials: Credentials,
    private readonly timeoutMs: number,
  ) {}

  /**
   * @throws AppError CRM_MISCONFIGURED where the credentials are refused, CRM_RATE_LIMITED after too many logins,
   * CRM_UNAVAILABLE where no usable answer comes: a maintenance page says nothing about the credentials.
   */
  grant(): Promise<Grant> {
    this.current ??= this.fetchGrant().catch((error: unknown) => {
      this.current = undefined;
      throw error;
    });
    return this.current;
  }

  /** The org no longer takes this token. Another call may have fetched a newer one since; that stays. */
  async expired(token: string): Promise<void> {
    const known = await this.current?.catch(() => undefined);
    if (known?.token === token) this.current = undefined;
  }

  private async fetchGrant(): Promise<Grant> {
    const { loginUrl } = this.credentials;
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL('/services/oauth2/token', loginUrl), {
        method: 'POST',
        body: new URLSearchParams(this.request()),
        // A redirect leads to a maintenance page, or would carry the secret to another host.
        redirect: 'manual',
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      throw unavailable('Salesforce issued no token: its login host did not answer.', cause);
    }
    const body = jsonOf(text);
    const answer = answerSchema.safeParse(body);
    if (response.ok && answer.success) {
      const { access_token: token, instance_url: instanceUrl, id } = answer.data;
      return { token, instanceUrl, userId: userOf(id) };
    }
    throw tokenError(response.status, body, retryAfterOf(response));
  }

  private request(): Record<string, string> {
    const { clientId, clientSecret, privateKey } = this.credentials;
    if (privateKey) return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: this.assertion(privateKey) };
    return { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret ?? '' };
  }

  /** https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm */
  private assertion(privateKey: string): string {
    const { clientId, username, loginUrl } = this.credentials;
    const claims = {
      iss: clientId,
      sub: username,
      aud: new URL(loginUrl).origin,
      exp: Math.floor(Date.now() / 1000) + JWT_VALID_SECONDS,
    };
    const signed = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
    try {
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
    } catch (cause) {
      throw new AppError('CRM_MISCONFIGURED', 'SALESFORCE_PRIVATE_KEY is no RSA private key in PEM.', { cause });
    }
  }
}

/** The identity URL ends with the ids of the org and of the user: https://login.salesforce.com/id/00D…/005… */
function userOf(identityUrl: string | undefined): string | null {
  return /\/(005[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)$/.exec(identityUrl ?? '')?.[1] ?? null;
}

/**
 * Only an OAuth refusal speaks of our credentials: a page, an empty or a broken answer comes from whatever stands
 * before Salesforce.
 */
function tokenError(status: number, body: unknown, retryAfterMs: number | undefined): AppError {
  const refusal = refusalSchema.safeParse(body);
  const where = 'Salesforce issued no token: its login host';
  if (status >= 500) return unavailable(`${where} answered ${status}.`, undefined, retryAfterMs);
  if (status >= 300 && status < 400) {
    return unavailable(`${where} redirects (${status}), as during maintenance; or SALESFORCE_LOGIN_URL is not the login host.`);
  }
  if (status === 429 && !refusal.success) return tooManyLogins(`HTTP ${status}`, retryAfterMs);
  if (!refusal.success) {
    const what = `answered ${status} and no OAuth answer, as during maintenance`;
    return unavailable(`${where} ${what}; or SALESFORCE_LOGIN_URL is not the login host.`);
  }
  const { error: reason, error_description: description } = refusal.data;
  if (status === 429 || /rate[ _](?:limit[ _])?exceeded/i.test(`${reason} ${description}`)) {
    return tooManyLogins(reason, retryAfterMs);
  }
  if (NOT_OUR_FAULT.test(reason) || PASSES_LATER.test(description)) return unavailable(`${where} answered ${reason}.`);
  return new AppError('CRM_MISCONFIGURED', `Salesforce refused the credentials (${reason}). Check the SALESFORCE_… variables.`, {
    answer: `${reason}${causeIn(description)}`,
    signature: `token:${reason}`,
  });
}

function tooManyLogins(answer: string, retryAfterMs: number | undefined): AppError {
  return new AppError('CRM_RATE_LIMITED', 'Salesforce takes no more logins at the moment; that passes in minutes.', {
    answer,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** "user hasn't approved this consumer", "ip restricted": only the description has the cause. It may name the user. */
function causeIn(description: string): string {
  const text = description
    .replaceAll(/\S*@\S*/g, '…')
    .replaceAll(/[^\x20-\x7e…]/g, ' ')
    .trim()
    .slice(0, 120);
  return text === '' ? '' : `: ${text}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
