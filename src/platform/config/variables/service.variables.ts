import { isIP } from 'node:net';
import { z } from 'zod';
import { SCORE_ATTRIBUTES } from '../../../domain/score-attributes.js';
import { REQUIRED, MIN_SECRET, whole, oneOf, url, list, type Variable } from './variable.js';

/** Where people on this machine open the service; undefined where HOST and PORT do not say it: 0.0.0.0, or port 0. */
function localUrl({ HOST, PORT }: NodeJS.ProcessEnv): string | undefined {
  const host = HOST?.trim() || '127.0.0.1';
  const port = PORT?.trim() || '3000';
  if (host === '0.0.0.0' || host === '::' || !/^[1-9]\d{0,4}$/.test(port)) return undefined;
  const text = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return URL.canParse(text) ? text : undefined;
}

/** Addresses as proxy-addr takes them. */
const proxyAddress = z.string().refine(isProxyAddress, 'must be off, the number of proxies, or their addresses and networks');

function isProxyAddress(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const longest = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= longest))
  );
}

const opsToken = z
  .string()
  .regex(/^[^:]+:(viewer|operator):.+$/, 'must be name:role:secret, the role viewer or operator')
  .transform((value) => {
    const [name, role] = value.split(':', 2) as [string, 'viewer' | 'operator'];
    return { name, role, secret: value.slice(name.length + role.length + 2) };
  })
  .refine((token) => token.secret.length >= MIN_SECRET, `has a secret shorter than ${MIN_SECRET} characters`);

/** The process, its HTTP interface and its pages. */
export const SERVICE_VARIABLES = {
  ENV: {
    schema: oneOf(['MOCK', 'REAL']),
    about: 'The profile: MOCK runs everything on this machine, REAL talks to the real CRM and AI. It sets the defaults below.',
    mock: 'MOCK',
    real: 'MOCK',
  },
  ROLE: {
    schema: oneOf(['api', 'worker', 'all']),
    about: 'What this process does: accept webhooks (api), process leads (worker), or both.',
    mock: 'all',
    real: 'all',
  },
  PORT: { schema: whole(0, 65535), about: 'The HTTP port; 0 lets the system choose.', mock: '3000', real: '3000' },
  HOST: {
    schema: z.string(),
    about: 'The address to listen on. MOCK without secrets listens on loopback only.',
    mock: '127.0.0.1',
    real: '0.0.0.0',
  },
  TRUST_PROXY: {
    schema: z.union(
      [
        z.literal('off').transform(() => false as const),
        z
          .string()
          .regex(/^[1-9]$/)
          .transform(Number),
        list.pipe(z.array(proxyAddress).min(1)),
      ],
      { error: 'must be off, the number of proxies in front (1 to 9), or their addresses and networks, comma-separated' },
    ),
    about:
      'The proxies whose X-Forwarded-For names the client: their number, or their addresses and networks (10.0.0.0/8). Set it behind a load balancer: failed authentications are counted per client address.',
    mock: 'off',
    real: 'off',
    example: '1',
  },
  PUBLIC_URL: {
    schema: url(['http:', 'https:']).transform((text) => text.replace(/\/+$/, '')),
    about: 'The address at which people open this service. Alerts link to the console there.',
    mock: localUrl,
    real: undefined,
    mockNote: 'http://HOST:PORT',
    realNote: 'none: alerts have no links',
    example: 'https://leads.example.com',
  },
  WEBHOOK_SECRETS: {
    schema: list.pipe(z.array(z.string().min(MIN_SECRET, `has a secret shorter than ${MIN_SECRET} characters`)).min(1)),
    about: `Secrets that POST /leads accepts, comma-separated, at least ${MIN_SECRET} characters each; several while one is rotated.`,
    mock: undefined,
    real: REQUIRED,
    mockNote: 'none: open, on loopback only',
    secret: true,
  },
  OPS_TOKENS: {
    schema: list.pipe(z.array(opsToken).min(1)),
    about: 'Bearer tokens of the operations endpoints: name:role:secret, comma-separated; role viewer or operator.',
    mock: undefined,
    real: REQUIRED,
    mockNote: 'none: open, on loopback only',
    secret: true,
  },
  CONTENT_IGNORE: {
    // A trigger on one of our own fields in Marketo may call the webhook: the score must not make a new revision.
    schema: list.transform((names) => [...new Set([...names, ...SCORE_ATTRIBUTES])]),
    about:
      'Attributes that change with every sending, so that a change in them makes no new revision; * stands for any characters, e.g. utm_* or *.updatedAt. The fields that the service writes to Marketo (rfFitScore, …) are always among them.',
    mock: 'timestamp,datetime,sent_at,system_datetime',
    real: 'timestamp,datetime,sent_at,system_datetime',
  },
  CONSOLE: {
    schema: oneOf(['on', 'read-only', 'off']),
    about: 'Whether /console shows the service in a browser; `read-only` without any action. With OPS_TOKENS it asks to sign in.',
    mock: 'on',
    real: 'on',
  },
  API_DOCS: {
    schema: oneOf(['on', 'off']),
    about: 'Whether /docs serves the API reference. GET /openapi.json is always served. Both require one of OPS_TOKENS.',
    mock: 'on',
    real: 'off',
  },
  QUEUE_BOARD: {
    schema: oneOf(['on', 'off']),
    about: 'Whether /ops/queues/board shows the jobs in a browser. It requires one of OPS_TOKENS.',
    mock: 'on',
    real: 'off',
  },
  ALERT_WEBHOOK_URL: {
    schema: url(['http:', 'https:']),
    about:
      "Where alerts are posted, in the format of Slack's incoming webhooks: SLA at risk, breaker open, dead letters, hot leads. Alerts contain no personal data.",
    mock: undefined,
    real: undefined,
    example: 'https://hooks.slack.com/services/…',
    secret: true,
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url(['http:', 'https:']),
    about: 'An OpenTelemetry collector (OTLP over HTTP); one trace per webhook, through both stages to the CRM call.',
    mock: undefined,
    real: undefined,
    example: 'http://127.0.0.1:4318',
  },
  LOG_LEVEL: {
    schema: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    about: 'The lowest level that is logged.',
    mock: 'info',
    real: 'info',
  },
} as const satisfies Record<string, Variable>;
