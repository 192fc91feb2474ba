import { SIZES, type Size, type StageName } from './sizes.js';

/** What `-c name=value` may say; docs/production-stack.md lists it for whoever deploys. */
export interface Settings {
  stage: StageName;
  size: Size;
  /** TLS: a certificate that exists, or a name in a hosted zone to make one for. */
  tls: { certificateArn: string } | { domainName: string; hostedZoneId: string; zoneName: string };
  /** Where the alarms and the news of a rotation go; none where nobody is named. */
  alarmEmail: string | undefined;
  /** With these set, POST /leads is answered to nobody else. */
  marketoCidrs: string[];
  /** Who may reach /ops over the load balancer; nobody where none is named. */
  opsCidrs: string[];
  /** Requests of one address in five minutes. */
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
 * One address of Marketo's with 20 calls at a time, each answered within 60 ms with the way there and back, makes 100,000 requests in
 * five minutes: a limit below that would turn leads away.
 */
const RATE_LIMIT = 120_000;

/** What depends on the vendors' limits and on the load, and not on AWS. */
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

/** A name that is misspelt would be a setting that is not there, and nobody would know. */
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
