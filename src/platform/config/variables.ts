import { isIP } from 'node:net';
import { z } from 'zod';
import { SCORE_ATTRIBUTES } from '../../domain/score-attributes.js';

/** One environment variable: its schema, its default per profile, and its description in the docs. */
export interface Variable {
  schema: z.ZodType;
  /** One sentence for .env.example and docs/configuration.md. */
  about: string;
  /** Default per profile; `undefined` is "none", `REQUIRED` stops the start when it is missing. */
  mock: string | undefined | ((env: NodeJS.ProcessEnv) => string | undefined);
  real: string | undefined | typeof REQUIRED;
  /** Shown in the docs instead of a default that is determined at the start. */
  mockNote?: string;
  realNote?: string;
  /** A value that is safe and useful to show in .env.example. */
  example?: string;
  secret?: boolean;
}

export const REQUIRED = Symbol('required');

/** Shut down by 2026-06-01: a start would succeed, and every lead would get a fallback score. */
const RETIRED_GEMINI = /^(?:models\/)?gemini-(?:pro|1|2\.0)\b/i;

const MIN_SECRET = 32;

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

const url = (protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    error: `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  });

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

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

/** Statuses that Salesforce gives new orgs, of the older and of the newer default process. */
const DEFAULT_STATUSES = JSON.stringify({
  'Working - Contacted': 'touched',
  Contacted: 'touched',
  Working: 'touched',
  Nurturing: 'touched',
  Qualified: 'qualified',
  'Closed - Not Converted': 'disqualified',
  Unqualified: 'disqualified',
});

const NO_STATUSES = 'must be a JSON object from statuses to touched, qualified or disqualified';
const statusKinds = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: NO_STATUSES });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.enum(['touched', 'qualified', 'disqualified'], { error: NO_STATUSES }), { error: NO_STATUSES }));

/** Every variable that the service reads. .env.example and docs/configuration.md are generated from this table. */
export const VARIABLES = {
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
  DATABASE_URL: {
    schema: url(['postgres:', 'postgresql:']),
    about: 'The PostgreSQL that holds the ledger (14 or later).',
    mock: undefined,
    real: REQUIRED,
    mockNote: 'an embedded PostgreSQL under DATA_DIR',
    example: 'postgres://revenueflow:password@127.0.0.1:5432/revenueflow',
    secret: true,
  },
  REDIS_URL: {
    schema: url(['redis:', 'rediss:']),
    about: 'The Redis or Valkey that holds the queues.',
    mock: undefined,
    real: undefined,
    mockNote: 'redis-server or valkey-server from PATH, started under DATA_DIR; without one the queues live in PostgreSQL',
    realNote: 'required, unless QUEUE_BACKEND=postgres',
    example: 'redis://127.0.0.1:6379',
    secret: true,
  },
  QUEUE_BACKEND: {
    schema: oneOf(['redis', 'postgres']),
    about: 'Where BullMQ keeps the queues.',
    mock: undefined,
    real: 'redis',
    mockNote: 'redis where there is one, else postgres',
  },
  DATA_DIR: {
    schema: z.string().min(1),
    about: 'Where the embedded servers keep their data.',
    mock: '.data',
    real: '.data',
  },
  AI_PROVIDER: {
    schema: z.string(),
    about: 'The scorer.',
    mock: (env) => (env['GEMINI_API_KEY']?.trim() ? 'gemini' : 'heuristic'),
    mockNote: 'gemini where GEMINI_API_KEY is set, else heuristic',
    example: 'heuristic',
    real: 'bedrock',
  },
  AI_FALLBACK_PROVIDER: {
    schema: z.string(),
    about: 'The scorer for leads that AI_PROVIDER could not score. Without one they get a fallback score.',
    mock: undefined,
    real: undefined,
    example: 'heuristic',
  },
  GEMINI_API_KEY: {
    schema: z.string(),
    about: 'The key of the Gemini API. Required with AI_PROVIDER=gemini.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  GEMINI_MODEL: {
    schema: z.string().refine((model) => !RETIRED_GEMINI.test(model), {
      error: 'names a Gemini model that was shut down (2.0 on 2026-06-01); gemini-3.5-flash-lite replaces it',
    }),
    about: 'The Gemini model. The 2.5 models retire on 2026-12-01; 2.0 and older are gone and refused.',
    mock: 'gemini-3.5-flash-lite',
    real: 'gemini-3.5-flash-lite',
  },
  GEMINI_BASE_URL: {
    schema: url(['http:', 'https:']),
    about: 'Where the Gemini API is; it ends in /v1beta.',
    mock: 'https://generativelanguage.googleapis.com/v1beta',
    real: 'https://generativelanguage.googleapis.com/v1beta',
  },
  BEDROCK_MODEL_ID: {
    schema: z.string(),
    about: 'The model or inference profile on Bedrock; us.amazon.nova-2-lite-v1:0 is a cheaper one.',
    mock: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    real: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
  },
  AWS_REGION: {
    schema: z.string().regex(/^[a-z0-9-]+$/, 'must be the name of a region, such as us-east-1'),
    about: 'The region of Bedrock, where lead text is processed. Required with AI_PROVIDER=bedrock.',
    mock: undefined,
    real: undefined,
    example: 'us-east-1',
  },
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: {
    schema: url(['http:', 'https:']),
    about: 'Where the Bedrock runtime is, if not at its public address: a VPC endpoint.',
    mock: undefined,
    real: undefined,
    mockNote: 'the public endpoint of AWS_REGION',
    realNote: 'the public endpoint of AWS_REGION',
  },
  AWS_BEARER_TOKEN_BEDROCK: {
    schema: z.string(),
    about: 'A Bedrock API key. Without one the AWS credential chain is used: environment, profile, container or instance role.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  OPENAI_COMPATIBLE_BASE_URL: {
    schema: url(['http:', 'https:']),
    about: 'Where a server with the chat/completions API is (Ollama, vLLM, LM Studio, a gateway); it usually ends in /v1.',
    mock: undefined,
    real: undefined,
    example: 'http://127.0.0.1:11434/v1',
  },
  OPENAI_COMPATIBLE_API_KEY: {
    schema: z.string(),
    about: 'The key of that server, if it requires one.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  OPENAI_COMPATIBLE_MODEL: {
    schema: z.string(),
    about: 'The model of that server. Required with AI_PROVIDER=openai-compatible, as is the base URL.',
    mock: undefined,
    real: undefined,
    example: 'qwen3:8b',
  },
  CRM_PROVIDER: {
    schema: z.string(),
    about: 'The CRM that leads are written to.',
    mock: 'postgres',
    real: 'salesforce',
  },
  CRM_SHADOW: {
    schema: oneOf(['salesforce']),
    about: 'A second CRM that is checked or written beside CRM_PROVIDER=postgres before a cut-over; its failures block no lead.',
    mock: undefined,
    real: undefined,
  },
  CRM_SHADOW_MODE: {
    schema: oneOf(['validate', 'write']),
    about: 'What CRM_SHADOW does: look each person up and check the record without writing (validate), or write it there too.',
    mock: 'validate',
    real: 'validate',
  },
  SALESFORCE_LOGIN_URL: {
    schema: url(['http:', 'https:']),
    about: "Where Salesforce issues tokens: https://login.salesforce.com, https://test.salesforce.com or the org's My Domain.",
    mock: undefined,
    real: undefined,
    example: 'https://example.my.salesforce.com',
  },
  SALESFORCE_CLIENT_ID: {
    schema: z.string(),
    about: 'The consumer key of the app in Salesforce. Required with CRM_PROVIDER=salesforce, as is the login URL.',
    mock: undefined,
    real: undefined,
  },
  SALESFORCE_CLIENT_SECRET: {
    schema: z.string(),
    about: "The app's consumer secret, for the client credentials flow.",
    mock: undefined,
    real: undefined,
    secret: true,
  },
  SALESFORCE_PRIVATE_KEY: {
    schema: z.string().transform((pem) => pem.replaceAll('\\n', '\n')),
    about: 'Instead of the secret, for the JWT bearer flow: an RSA private key in PEM; line breaks may be written as \\n.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  SALESFORCE_USERNAME: {
    schema: z.string(),
    about: 'The integration user, with SALESFORCE_PRIVATE_KEY.',
    mock: undefined,
    real: undefined,
  },
  SALESFORCE_API_VERSION: {
    schema: z.string().regex(/^\d{2}\.0$/, 'must look like 62.0'),
    about: "The version of Salesforce's API.",
    mock: '62.0',
    real: '62.0',
  },
  SALESFORCE_FIELD_MAP: {
    schema: z.string(),
    about:
      'A JSON file that maps fields of a lead to fields of Salesforce. `npx revenueflow crm check` compares it with the org.',
    mock: undefined,
    real: undefined,
    mockNote: 'src/crm/salesforce/default-field-map.json',
    realNote: 'src/crm/salesforce/default-field-map.json',
  },
  SALESFORCE_CAMPAIGN_MAP: {
    schema: z.string(),
    about: "A JSON file that maps Marketo's campaign ids to Campaigns (701…). Others are looked up by RF_Campaign_Key__c.",
    mock: undefined,
    real: undefined,
  },
  SALESFORCE_MATCH: {
    schema: oneOf(['leads-and-contacts', 'leads', 'none']),
    about:
      'Where an address is looked for before a Lead is created. A Contact that has it gets the membership, and no Lead is made.',
    mock: 'leads-and-contacts',
    real: 'leads-and-contacts',
  },
  SALESFORCE_ASSIGN: {
    schema: oneOf(['on', 'off']),
    about: "Whether the org's assignment rules run for new Leads. They never run on an update.",
    mock: 'on',
    real: 'on',
  },
  SALESFORCE_ON_DUPLICATE: {
    schema: oneOf(['dead-letter', 'membership']),
    about:
      "What becomes of a lead that Salesforce takes for another person's record: a dead letter, or that record gets the membership. The record itself is never changed.",
    mock: 'dead-letter',
    real: 'dead-letter',
  },
  SALESFORCE_REFUSED_FIELDS: {
    schema: oneOf(['leave-out', 'dead-letter']),
    about:
      'What becomes of a lead with a value that the org refuses in an optional field: the Lead is written without the field, or it is a dead letter.',
    mock: 'leave-out',
    real: 'leave-out',
  },
  SALESFORCE_ERASE: {
    schema: oneOf(['delete', 'anonymise']),
    about: 'Whether an erasure deletes the Lead in Salesforce or empties its fields.',
    mock: 'delete',
    real: 'delete',
  },
  SALESFORCE_API_SLOW_PERCENT: {
    schema: whole(1, 100),
    about: "The share of the org's daily API calls, of all integrations, from which this service slows down.",
    mock: '80',
    real: '80',
  },
  SALESFORCE_API_STOP_PERCENT: {
    schema: whole(1, 100),
    about: 'The share at which it stops and leaves the rest to other integrations; leads wait until the 24-hour window moves on.',
    mock: '95',
    real: '95',
  },
  SALESFORCE_TIMEOUT_MS: {
    schema: whole(100, 120_000),
    about: 'How long one call of Salesforce may take, in milliseconds.',
    mock: '20000',
    real: '20000',
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
  SCORING_PROFILE: {
    schema: z.string(),
    about:
      'A JSON file with the ideal customer, points and bands (docs/scoring.md). Checked at the start. The rules, the prompt and the guards use it.',
    mock: undefined,
    real: undefined,
    mockNote: 'src/enrichment/heuristic/profile.json',
    realNote: 'src/enrichment/heuristic/profile.json',
  },
  ROUTING_RULES: {
    schema: z.string(),
    about:
      'A JSON file that says who owns a new lead (docs/routing.md). Checked at the start. Without it the CRM assigns owners.',
    mock: undefined,
    real: undefined,
    mockNote: 'none: owners are left to the CRM',
    realNote: 'none: owners are left to the CRM',
  },
  AI_TIMEOUT_MS: {
    schema: whole(100, 600_000),
    about: 'How long one scoring may take, in milliseconds.',
    mock: '10000',
    real: '10000',
  },
  AI_CONCURRENCY: {
    schema: whole(1, 1000),
    about: 'Leads that all workers together score at a time.',
    mock: '50',
    real: '50',
  },
  AI_RATE_LIMIT_PER_SECOND: {
    schema: whole(1, 10_000),
    about: 'Model calls per second, of all workers together. The heuristic makes none.',
    mock: '20',
    real: '20',
  },
  AI_DEADLINE_SECONDS: {
    schema: whole(1, 86_400),
    about: "Time from a lead's first scoring attempt; a lead without a score by then continues with a fallback score.",
    mock: '120',
    real: '120',
  },
  AI_DAILY_TOKEN_BUDGET: {
    schema: whole(1, 1_000_000_000_000),
    about: 'Tokens that all workers together may spend on scoring per UTC day; beyond it leads get a fallback score.',
    mock: undefined,
    real: undefined,
  },
  AI_CACHE_TTL_SECONDS: {
    schema: whole(0, 31_536_000),
    about: "How long a model's judgement of the same text is reused, in seconds; 0 turns the cache off.",
    mock: '86400',
    real: '86400',
  },
  CRM_CONCURRENCY: {
    schema: whole(1, 5000),
    about: 'Leads in flight to the CRM, of all workers together.',
    mock: '400',
    real: '400',
  },
  CRM_RATE_LIMIT_PER_SECOND: {
    schema: whole(1, 10_000),
    about: 'CRM API calls per second, of all workers together; one call may carry many leads. The mock CRM has no API.',
    mock: '20',
    real: '20',
  },
  CRM_BATCH_SIZE: {
    schema: whole(1, 200),
    about: 'Records that share one API call to the CRM.',
    mock: '200',
    real: '200',
  },
  CRM_BATCH_WINDOW_MS: {
    schema: whole(0, 10_000),
    about:
      "The batching window of an API call, in milliseconds; up to four times as long while leads keep arriving. It grows up to a sixtieth of the SLA with the share of the day's API calls that is used. 0 turns it off.",
    mock: '25',
    real: '25',
  },
  OUTCOMES_POLL_SECONDS: {
    schema: whole(0, 86_400),
    about:
      'How often Salesforce is asked what became of leads, in seconds; 0 turns it off. Other CRMs are not asked. It costs one or two API calls each time.',
    mock: '300',
    real: '300',
  },
  OUTCOMES_STATUSES: {
    schema: statusKinds,
    about:
      'JSON: which Lead statuses mean touched, qualified or disqualified. It replaces the default; statuses that it does not name mean nothing.',
    mock: DEFAULT_STATUSES,
    real: DEFAULT_STATUSES,
    example: '{"Contacted":"touched","Sales Accepted":"qualified","Junk":"disqualified"}',
  },
  OUTCOMES_HORIZON_DAYS: {
    schema: whole(1, 730),
    about: 'How long after its first sync a lead may convert, in days. Reports and calibrations leave younger leads out.',
    mock: '90',
    real: '90',
  },
  RETRY_ATTEMPTS: {
    schema: whole(1, 20),
    about: 'Failures of one lead in one stage before it becomes a dead letter.',
    mock: '5',
    real: '5',
  },
  RETRY_BASE_MS: {
    schema: whole(1, 600_000),
    about: 'The wait before attempt n + 1 is 2^n times this, in milliseconds.',
    mock: '1000',
    real: '1000',
  },
  SWEEP_INTERVAL_MS: {
    schema: whole(100, 3_600_000),
    about: 'How often the sweeper checks for unfinished leads whose job was lost, in milliseconds.',
    mock: '10000',
    real: '10000',
  },
  LEASE_MS: {
    schema: whole(1000, 3_600_000),
    about: "A worker's lock on a job, in milliseconds; after it another worker runs the job of a killed one.",
    mock: '60000',
    real: '60000',
  },
  CRASH_BUDGET: {
    schema: whole(1, 100),
    about:
      'Workers that may crash because of one lead, before it becomes a dead letter; at least two, since the last one runs it alone.',
    mock: '3',
    real: '3',
  },
  SPOOL: {
    schema: oneOf(['off', 'fsync', 'replica']),
    about:
      'Where leads are buffered while PostgreSQL is down: nowhere (off: 503), in a Redis stream once it is on disk (fsync), or once a replica has it in memory (replica).',
    mock: 'fsync',
    real: 'off',
  },
  SPEED_TO_LEAD_SLA_SECONDS: {
    schema: whole(1, 86_400),
    about: 'The maximum time from the webhook to the CRM, in seconds; more is a breach.',
    mock: '300',
    real: '300',
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
  NOTICES_SLACK_URL: {
    schema: url(['http:', 'https:']),
    about:
      "Where owners are notified of their leads, in the format of Slack's incoming webhooks. Notices name the company and the reasons for the score, and no person.",
    mock: undefined,
    real: undefined,
    example: 'https://hooks.slack.com/services/…',
    secret: true,
  },
  NOTICES_WEBHOOK_URL: {
    schema: url(['http:', 'https:']),
    about:
      'Where the same notices are posted as JSON, signed with NOTICES_SECRET by the rules of Standard Webhooks (docs/first-touch.md).',
    mock: undefined,
    real: undefined,
    example: 'https://hooks.example.com/leads',
    secret: true,
  },
  NOTICES_SECRET: {
    schema: z.string().min(MIN_SECRET, `is shorter than ${MIN_SECRET} characters`),
    about: `Signs NOTICES_WEBHOOK_URL and the links Claim, Not mine and Junk; at least ${MIN_SECRET} characters. Without it notices have no such links.`,
    mock: undefined,
    real: undefined,
    secret: true,
  },
  FIRST_TOUCH_POLL_SECONDS: {
    schema: whole(0, 86_400),
    about:
      'How often Salesforce is asked whether people acted on leads whose clock runs, in seconds; 0: only before a step of the clock. One API call per 1,000 leads.',
    mock: '60',
    real: '60',
  },
  HOT_LEAD_SCORE: {
    schema: whole(0, 100),
    about: 'The fit score from which a lead is reported to ALERT_WEBHOOK_URL as hot.',
    mock: '80',
    real: '80',
  },
  RETENTION_DAYS: {
    schema: whole(1, 36_500),
    about:
      "How long a lead is kept after its last event, with its history and the operators' acts; unfinished leads are always kept. See docs/privacy.md.",
    mock: undefined,
    real: undefined,
    mockNote: 'forever',
    realNote: 'forever',
    example: '730',
  },
  CONSOLE: {
    schema: oneOf(['on', 'read-only', 'off']),
    about: 'Whether /console shows the service in a browser; `read-only` without any action. With OPS_TOKENS it asks to sign in.',
    mock: 'on',
    real: 'on',
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
  MARKETO_BASE_URL: {
    schema: url(['http:', 'https:']),
    about:
      'The endpoint of Marketo (Admin, Web Services): scores are written back and webhook calls are compared. None: neither.',
    mock: undefined,
    real: undefined,
    example: 'https://123-ABC-456.mktorest.com',
  },
  MARKETO_CLIENT_ID: {
    schema: z.string(),
    about: 'The client id of a custom service in Marketo (LaunchPoint). Required with MARKETO_BASE_URL, as is the secret.',
    mock: undefined,
    real: undefined,
  },
  MARKETO_CLIENT_SECRET: {
    schema: z.string(),
    about: 'The client secret of that custom service.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  MARKETO_FIELD_MAP: {
    schema: z.string(),
    about:
      'A JSON file that maps scores to fields in Marketo, and the webhook to fields. `npx revenueflow marketo check` checks it.',
    mock: undefined,
    real: undefined,
    mockNote: 'src/marketo/default-field-map.json',
    realNote: 'src/marketo/default-field-map.json',
  },
  MARKETO_WEBHOOK: {
    schema: z.string(),
    about: 'The name or id of our webhook in Marketo. Without it the webhook calls are not compared with the ledger.',
    mock: undefined,
    real: undefined,
    example: 'RevenueFlow',
  },
  MARKETO_RECONCILE: {
    schema: oneOf(['off', 'report', 'repair']),
    about: 'What the comparison of webhook calls does: count those that did not arrive, or also take their leads in.',
    mock: 'report',
    real: 'report',
  },
  MARKETO_EXTRACT: {
    schema: oneOf(['nightly', 'off']),
    about: 'Whether each day of the log of webhook calls is also read as a whole, by a bulk extract after midnight in UTC.',
    mock: 'nightly',
    real: 'nightly',
  },
  MARKETO_REPAIR_LIMIT: {
    schema: whole(1, 100_000),
    about: 'Leads that one run of the comparison takes in at most; the others are left to the next run.',
    mock: '1000',
    real: '1000',
  },
  MARKETO_CALLS_PER_20_SECONDS: {
    schema: whole(1, 100),
    about: 'Calls of Marketo within 20 seconds, of all processes. Marketo allows 100 to all its integrations together.',
    mock: '50',
    real: '50',
  },
  MARKETO_DAILY_CALLS: {
    schema: whole(1, 100_000_000),
    about: 'The calls of a day that Marketo allows to all its integrations together.',
    mock: '50000',
    real: '50000',
  },
  MARKETO_STOP_PERCENT: {
    schema: whole(1, 100),
    about: 'The share of those calls at which this service stops until midnight in Chicago and leaves the rest to others.',
    mock: '90',
    real: '90',
  },
  MARKETO_ERASE: {
    schema: oneOf(['clear', 'leave']),
    about: 'Whether an erasure clears the fields in Marketo that this service wrote, or leaves them.',
    mock: 'clear',
    real: 'clear',
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

export type VariableName = keyof typeof VARIABLES;
