import { createPublicKey, randomBytes, verify } from 'node:crypto';

export interface OAuthSettings {
  clientId: string;
  clientSecret: string;
  publicKey: string | undefined;
  username: string;
  sessionSeconds: number;
}

const ORG_ID = '00D5e000000FakeEAA';
const USER_ID = '0055e000001IntgAAC';

/** The OAuth answer to a token request, and its status. */
export interface TokenAnswer {
  status: number;
  body: Record<string, string>;
}

const refusal = (error: string, description: string): TokenAnswer => ({
  status: 400,
  body: { error, error_description: description },
});

/** POST /services/oauth2/token, and the sessions that it issues. Errors have OAuth's format, not the REST API's. */
export class OAuth {
  private readonly sessions = new Map<string, number>();
  private revoked = false;

  constructor(private readonly settings: OAuthSettings) {}

  expireSessions(): void {
    this.sessions.clear();
  }

  /** The admin revokes the app's access: open sessions end and no new one is issued, until `revoked` is false. */
  revoke(revoked: boolean): void {
    this.revoked = revoked;
    this.sessions.clear();
  }

  accepts(authorization: string | undefined): boolean {
    const token = /^(?:Bearer|OAuth) (.+)$/.exec(authorization ?? '')?.[1];
    return (this.sessions.get(token ?? '') ?? 0) > Date.now();
  }

  answer(form: URLSearchParams, url: string, authorization: string | undefined): TokenAnswer {
    switch (form.get('grant_type')) {
      case 'client_credentials':
        return this.clientCredentials(form, url, authorization);
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return this.jwtBearer(form.get('assertion') ?? '', url);
      case null:
        return refusal('invalid_request', 'must provide grant_type');
      default:
        return refusal('unsupported_grant_type', 'grant type not supported');
    }
  }

  /** Id and secret in the form, or in a Basic header. */
  private clientCredentials(form: URLSearchParams, url: string, authorization: string | undefined): TokenAnswer {
    const basic = /^Basic (.+)$/.exec(authorization ?? '')?.[1];
    const [basicId, basicSecret] = basic ? Buffer.from(basic, 'base64').toString('utf8').split(':').map(decodeURIComponent) : [];
    if ((form.get('client_id') ?? basicId) !== this.settings.clientId)
      return refusal('invalid_client_id', 'client identifier invalid');
    if ((form.get('client_secret') ?? basicSecret) !== this.settings.clientSecret)
      return refusal('invalid_client', 'invalid client credentials');
    if (this.revoked) return refusal('invalid_grant', 'no client credentials user enabled');
    return this.open(url);
  }

  private jwtBearer(assertion: string, url: string): TokenAnswer {
    const parts = assertion.split('.');
    const claims = parts.length === 3 ? parse(parts[1]!) : null;
    if (!claims || parse(parts[0]!)?.['alg'] !== 'RS256') return refusal('invalid_grant', 'invalid assertion');
    if (claims['iss'] !== this.settings.clientId) return refusal('invalid_client_id', 'client identifier invalid');
    if (!this.settings.publicKey || !signed(parts, this.settings.publicKey)) return refusal('invalid_grant', 'invalid assertion');
    if (!['https://login.salesforce.com', 'https://test.salesforce.com', url].includes(String(claims['aud']).replace(/\/$/, '')))
      return refusal('invalid_grant', 'audience is invalid');
    // Salesforce's message says "authorization code" for an assertion too.
    if (typeof claims['exp'] !== 'number' || claims['exp'] * 1000 <= Date.now())
      return refusal('invalid_grant', 'expired authorization code');
    if (this.revoked || claims['sub'] !== this.settings.username)
      return refusal('invalid_grant', "user hasn't approved this consumer");
    return this.open(url);
  }

  private open(url: string): TokenAnswer {
    const token = `${ORG_ID.slice(0, 15)}!${randomBytes(48).toString('base64url')}`;
    this.sessions.set(token, Date.now() + this.settings.sessionSeconds * 1000);
    return {
      status: 200,
      body: {
        access_token: token,
        scope: 'api',
        instance_url: url,
        id: `${url}/id/${ORG_ID}/${USER_ID}`,
        token_type: 'Bearer',
        issued_at: String(Date.now()),
      },
    };
  }
}

function parse(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function signed(parts: string[], publicKey: string): boolean {
  return verify(
    'RSA-SHA256',
    Buffer.from(`${parts[0]}.${parts[1]}`),
    createPublicKey(publicKey),
    Buffer.from(parts[2]!, 'base64url'),
  );
}
