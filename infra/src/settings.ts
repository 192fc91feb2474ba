import { SIZES, type Size, type StageName } from './sizes.js';

/** The `-c name=value` settings of a deployment; docs/production-stack.md lists them. */
export interface Settings {
  stage: StageName;
  size: Size;
  /** TLS: an existing certificate, or a name in a hosted zone for a new one. */
  tls: { certificateArn: string } | { domainName: string; hostedZoneId: string; zoneName: string };
  /** Receives alarms and rotation notices; optional. */
  alarmEmail: string | undefined;
  /** If set, POST /leads is blocked for all other addresses. */
  marketoCidrs: string[];
  /** Addresses that may reach /ops through the load balancer; by default none. */
  opsCidrs: string[];
  /** Requests per address in five minutes. */
  rateLimit: number;
  modelId: string;
  crm: 'salesforce' | 'postgres';
  spool: 'off' | 'replica';
  /** Settings of the service that `-c set=` changes. */
  set: Record<string, string>;
  /** An image that is in a registry already; without it the Dockerfile is built. */
  image: string | undefined;
  version: string;
}

/**
 * One Marketo address with 20 concurrent calls, each 60 ms with the round trip, makes 100,000 requests in five
 * minutes. A lower limit would block leads.
 */
const RATE_LIMIT = 120_000;

/** Settings that depend on the vendors' limits and on the load, not on AWS. */
const MAY_BE_SET = [
  'AI_CONCURRENCY',
  'AI_RATE_LIMIT_PER_SECOND',
  'AI_TIMEOUT_MS',
  'AI_DEADLINE_SECONDS',
  'AI_DAILY_TOKEN_BUDGET',
  'CRM_CONCURRENCY',
  'CRM_RATE_LIMIT_PER_SECOND',
  'CRM_BATCH_SIZE',
  'CRM_BATCH_WINDOW_MS',
  'SPEED_TO_LEAD_SLA_SECONDS',
  'RETENTION_DAYS',
];

/** @throws Error that says which `-c` is missing or wrong. */
export function settingsOf(context: (name: string) => unknown): Settings {
  const text = (name: string): string | undefined => {
    const value = context(name);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const list = (name: string): string[] =>
    (text(name) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  const oneOf = <const T extends string>(name: string, values: readonly T[], preset: T): T => {
    const value = (text(name) ?? preset) as T;
    if (!values.includes(value)) throw new Error(`-c ${name}= must be one of ${values.join(', ')}.`);
    return value;
  };
  const cidrs = (name: string): string[] => {
    const wrong = list(name).find((cidr) => !/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(cidr));
    if (wrong !== undefined) throw new Error(`-c ${name}= must list IPv4 ranges such as 192.0.2.0/24, separated by commas.`);
    return list(name);
  };
  const stage = oneOf('stage', Object.keys(SIZES) as StageName[], 'dev');
  const rateLimit = Number(text('rateLimit') ?? RATE_LIMIT);
  if (!Number.isInteger(rateLimit) || rateLimit < 100) throw new Error('-c rateLimit= must be a whole number of 100 or more.');
  return {
    stage,
    size: SIZES[stage],
    tls: tlsOf(text),
    alarmEmail: text('alarmEmail'),
    marketoCidrs: cidrs('marketoCidrs'),
    opsCidrs: cidrs('opsCidrs'),
    rateLimit,
    modelId: text('modelId') ?? 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    crm: oneOf('crm', ['salesforce', 'postgres'], stage === 'prod' ? 'salesforce' : 'postgres'),
    spool: oneOf('spool', ['off', 'replica'], 'off'),
    set: setOf(list('set')),
    image: text('image'),
    version: text('version') ?? '0.0.0',
  };
}

/** A misspelt name would silently set nothing, so unknown names are refused. */
function setOf(pairs: string[]): Record<string, string> {
  const wrong = pairs.find((pair) => {
    const [name, value] = pair.split('=');
    return !MAY_BE_SET.includes(name!) || !/^\d+$/.test(value ?? '');
  });
  if (wrong !== undefined) {
    throw new Error(`-c set= takes NAME=number, separated by commas, of ${MAY_BE_SET.join(', ')}; not ${wrong}.`);
  }
  return Object.fromEntries(pairs.map((pair) => pair.split('=')));
}

function tlsOf(text: (name: string) => string | undefined): Settings['tls'] {
  const [certificateArn, domainName, hostedZoneId, zoneName] = ['certificateArn', 'domainName', 'hostedZoneId', 'zoneName'].map(
    text,
  );
  if (certificateArn) return { certificateArn };
  if (domainName && hostedZoneId && zoneName) return { domainName, hostedZoneId, zoneName };
  throw new Error(
    'Webhooks carry a secret, so there is no stage without TLS. Say -c certificateArn=…, or -c domainName=leads.example.com ' +
      '-c hostedZoneId=Z… -c zoneName=example.com to have a certificate made.',
  );
}
