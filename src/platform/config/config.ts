import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { REQUIRED, VARIABLES, type Variable, type VariableName } from './variables.js';

type Values = { [Name in VariableName]: z.output<(typeof VARIABLES)[Name]['schema']> };

/** Variables that may be absent: where a profile has no default for them. */
type OptionalName =
  | 'DATABASE_URL'
  | 'REDIS_URL'
  | 'QUEUE_BACKEND'
  | 'WEBHOOK_SECRETS'
  | 'OPS_TOKENS'
  | 'AI_FALLBACK_PROVIDER'
  | 'AI_DAILY_TOKEN_BUDGET'
  | 'GEMINI_API_KEY'
  | 'AWS_REGION'
  | 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME'
  | 'AWS_BEARER_TOKEN_BEDROCK'
  | 'OPENAI_COMPATIBLE_BASE_URL'
  | 'OPENAI_COMPATIBLE_API_KEY'
  | 'OPENAI_COMPATIBLE_MODEL'
  | 'CRM_SHADOW'
  | 'SALESFORCE_LOGIN_URL'
  | 'SALESFORCE_CLIENT_ID'
  | 'SALESFORCE_CLIENT_SECRET'
  | 'SALESFORCE_PRIVATE_KEY'
  | 'SALESFORCE_USERNAME'
  | 'SCORING_PROFILE'
  | 'ROUTING_RULES'
  | 'SALESFORCE_FIELD_MAP'
  | 'SALESFORCE_CAMPAIGN_MAP'
  | 'MARKETO_BASE_URL'
  | 'MARKETO_CLIENT_ID'
  | 'MARKETO_CLIENT_SECRET'
  | 'MARKETO_FIELD_MAP'
  | 'MARKETO_WEBHOOK'
  | 'ALERT_WEBHOOK_URL'
  | 'NOTICES_SLACK_URL'
  | 'NOTICES_WEBHOOK_URL'
  | 'NOTICES_SECRET'
  | 'PUBLIC_URL'
  | 'OTEL_EXPORTER_OTLP_ENDPOINT'
  | 'RETENTION_DAYS';

/** What a scorer requires. Checked at the start, because every lead would fail otherwise. */
const NEEDED_BY: Record<string, readonly OptionalName[]> = {
  gemini: ['GEMINI_API_KEY'],
  bedrock: ['AWS_REGION'],
  'openai-compatible': ['OPENAI_COMPATIBLE_BASE_URL', 'OPENAI_COMPATIBLE_MODEL'],
};

/** The variables that a scorer requires and the configuration has not. */
export function missingFor(provider: string, config: Config): string[] {
  return (NEEDED_BY[provider] ?? []).filter((name) => config[name] === undefined);
}

/** The environment, parsed and checked once; all settings of the service come from here. */
export type Config = Omit<Values, OptionalName> & Partial<Pick<Values, OptionalName>>;

export interface Choices {
  aiProviders: readonly string[];
  crmProviders: readonly string[];
}

/**
 * Reads the environment. Empty values count as unset, so that `VAR=` in a compose file means "the default".
 * @throws AppError CONFIG_INVALID with one line per problem; it names the variable and never its value.
 */
export function loadConfig(env: NodeJS.ProcessEnv, choices: Choices): Config {
  const problems: string[] = [];
  const profile = env['ENV'] === 'REAL' ? 'real' : 'mock';
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(VARIABLES) as VariableName[]) {
    values[name] = readVariable(name, env, profile, problems);
  }
  if (problems.length === 0) problems.push(...contradictions(values as Config, choices, env));
  if (problems.length > 0) {
    throw new AppError('CONFIG_INVALID', problems.map((problem) => `Configuration: ${problem}`).join('\n'));
  }
  return values as Config;
}

function readVariable(name: VariableName, env: NodeJS.ProcessEnv, profile: 'mock' | 'real', problems: string[]): unknown {
  const variable: Variable = VARIABLES[name];
  const given = env[name]?.trim();
  const preset = variable[profile];
  const fallback = typeof preset === 'function' ? preset(env) : preset;
  const text = given === undefined || given === '' ? fallback : given;
  if (text === REQUIRED) {
    problems.push(`${name} is required with ENV=REAL. ${variable.about}`);
    return undefined;
  }
  if (text === undefined) return undefined;
  const parsed = variable.schema.safeParse(text);
  if (parsed.success) return parsed.data;
  for (const message of new Set(parsed.error.issues.map((issue) => issue.message))) problems.push(`${name} ${message}.`);
  return undefined;
}

function contradictions(config: Config, choices: Choices, env: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  if (!isLoopback(config.HOST) && config.ENV === 'MOCK') {
    for (const name of ['WEBHOOK_SECRETS', 'OPS_TOKENS'] as const) {
      if (!config[name]) problems.push(`${name} is required when HOST is not loopback: anyone on the network could reach it.`);
    }
  }
  if (config.ENV === 'REAL' && config.QUEUE_BACKEND === 'redis' && !config.REDIS_URL) {
    problems.push('REDIS_URL is required with ENV=REAL, unless QUEUE_BACKEND=postgres.');
  }
  for (const [name, known] of [
    ['AI_PROVIDER', choices.aiProviders],
    ['CRM_PROVIDER', choices.crmProviders],
  ] as const) {
    if (known.includes(config[name])) continue;
    // The profile chose it, so the message names the value: it is not in the environment.
    const byDefault = env[name]?.trim()
      ? ''
      : ` (with ENV=${config.ENV} it is ${config[name]} by default, which this version does not have)`;
    problems.push(`${name} must be one of ${known.join(', ')}${byDefault}.`);
  }
  problems.push(...scorerProblems(config, choices), ...salesforceProblems(config), ...marketoProblems(config));
  if (config.NOTICES_WEBHOOK_URL !== undefined && config.NOTICES_SECRET === undefined)
    problems.push('NOTICES_SECRET is required with NOTICES_WEBHOOK_URL: it signs what is posted there.');
  const names = (config.OPS_TOKENS ?? []).map((token) => token.name);
  if (new Set(names).size < names.length)
    problems.push('OPS_TOKENS names two tokens alike; the audit trail needs distinct names.');
  return problems;
}

/** An api does not score, so it needs no key. */
function scorerProblems(config: Config, choices: Choices): string[] {
  const problems: string[] = [];
  const { AI_PROVIDER: first, AI_FALLBACK_PROVIDER: second } = config;
  if (second !== undefined && !choices.aiProviders.includes(second))
    problems.push(`AI_FALLBACK_PROVIDER must be one of ${choices.aiProviders.join(', ')}.`);
  if (second === first) problems.push('AI_FALLBACK_PROVIDER must be another than AI_PROVIDER.');
  if (config.ROLE === 'api') return problems;
  for (const [variable, provider] of [
    ['AI_PROVIDER', first],
    ['AI_FALLBACK_PROVIDER', second],
  ] as const) {
    if (provider === undefined || !choices.aiProviders.includes(provider)) continue;
    for (const name of NEEDED_BY[provider] ?? []) {
      if (config[name] === undefined) problems.push(`${name} is required with ${variable}=${provider}.`);
    }
  }
  return problems;
}

/** An api does not write to a CRM. */
function salesforceProblems(config: Config): string[] {
  if (config.ROLE === 'api') return [];
  const wanted =
    config.CRM_PROVIDER === 'salesforce' ? 'CRM_PROVIDER=salesforce' : config.CRM_SHADOW ? 'CRM_SHADOW=salesforce' : null;
  if (wanted === null) return [];
  const problems: string[] = [];
  if (config.CRM_SHADOW && config.CRM_PROVIDER === 'salesforce') {
    problems.push('CRM_SHADOW=salesforce is for CRM_PROVIDER=postgres; with CRM_PROVIDER=salesforce leave it out.');
  }
  for (const name of ['SALESFORCE_LOGIN_URL', 'SALESFORCE_CLIENT_ID'] as const) {
    if (config[name] === undefined) problems.push(`${name} is required with ${wanted}.`);
  }
  if (config.SALESFORCE_PRIVATE_KEY && !config.SALESFORCE_USERNAME) {
    problems.push('SALESFORCE_USERNAME is required with SALESFORCE_PRIVATE_KEY.');
  }
  if (!config.SALESFORCE_PRIVATE_KEY && !config.SALESFORCE_CLIENT_SECRET) {
    problems.push(`SALESFORCE_CLIENT_SECRET, or SALESFORCE_PRIVATE_KEY with SALESFORCE_USERNAME, is required with ${wanted}.`);
  }
  if (config.SALESFORCE_API_SLOW_PERCENT >= config.SALESFORCE_API_STOP_PERCENT) {
    problems.push('SALESFORCE_API_SLOW_PERCENT must be less than SALESFORCE_API_STOP_PERCENT.');
  }
  return problems;
}

/** An api calls no Marketo; it only has to know that a worker does. */
function marketoProblems(config: Config): string[] {
  if (config.ROLE === 'api' || config.MARKETO_BASE_URL === undefined) return [];
  return (['MARKETO_CLIENT_ID', 'MARKETO_CLIENT_SECRET'] as const)
    .filter((name) => config[name] === undefined)
    .map((name) => `${name} is required with MARKETO_BASE_URL.`);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
