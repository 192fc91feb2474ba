import { z } from 'zod';
import { AppError } from '../../errors/app-error.js';
import { REQUIRED, VARIABLES, type Variable, type VariableName } from './variables.js';

type Values = { [Name in VariableName]: z.output<(typeof VARIABLES)[Name]['schema']> };

/** Variables that may be absent: where a profile has no default for them. */
type OptionalName = 'DATABASE_URL' | 'REDIS_URL' | 'QUEUE_BACKEND' | 'WEBHOOK_SECRETS' | 'OPS_TOKENS';

/** The environment, parsed and checked once. Everything else in the service takes its settings from here. */
export type Config = Omit<Values, OptionalName> & Partial<Pick<Values, OptionalName>>;

export interface Choices {
  aiProviders: readonly string[];
  crmProviders: readonly string[];
}

/**
 * Reads the environment. Empty values count as unset, so that `VAR=` in a compose file means "the default".
 * @throws AppError CONFIG_INVALID with one line a problem; it names the variable and never its value.
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
  const text = given === undefined || given === '' ? variable[profile] : given;
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
    // Nobody's choice but the profile's: say what it is, since it stands nowhere in the environment.
    const byDefault = env[name]?.trim()
      ? ''
      : ` (with ENV=${config.ENV} it is ${config[name]} by default, which this version does not have)`;
    problems.push(`${name} must be one of ${known.join(', ')}${byDefault}.`);
  }
  const names = (config.OPS_TOKENS ?? []).map((token) => token.name);
  if (new Set(names).size < names.length)
    problems.push('OPS_TOKENS names two tokens alike; the audit trail needs distinct names.');
  return problems;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
