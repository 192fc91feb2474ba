import { InvalidArgumentError, Option, type Command } from 'commander';
import { usageOf } from '../src/enrichment/model/cost.js';
import { VARIABLES } from '../src/platform/config/variables.js';
import { day } from './model/load.js';
import type { Scenario } from './model/scenario.js';

/** What the service does where nothing is said. */
const of = (name: keyof typeof VARIABLES): number => Number(VARIABLES[name].real);

export const DEFAULTS = {
  slaSeconds: of('SPEED_TO_LEAD_SLA_SECONDS'),
  concurrency: { enrichment: of('AI_CONCURRENCY'), 'crm-sync': of('CRM_CONCURRENCY') },
  retry: { attempts: of('RETRY_ATTEMPTS'), baseMs: of('RETRY_BASE_MS') },
  ai: {
    timeoutMs: of('AI_TIMEOUT_MS'),
    ratePerSecond: of('AI_RATE_LIMIT_PER_SECOND'),
    deadlineSeconds: of('AI_DEADLINE_SECONDS'),
    dailyTokens: Infinity,
  },
  crm: {
    ratePerSecond: of('CRM_RATE_LIMIT_PER_SECOND'),
    batchSize: of('CRM_BATCH_SIZE'),
    batchWindowMs: of('CRM_BATCH_WINDOW_MS'),
    usedByOthers: 0,
    slowAt: of('SALESFORCE_API_SLOW_PERCENT') / 100,
    stopAt: of('SALESFORCE_API_STOP_PERCENT') / 100,
  },
};
/** As many good leads as bad ones, in ten steps. */
const RANKS: readonly number[] = Array.from({ length: 10 }, () => 0.1);
/** How far a model's median lies below its 95th percentile, where only that is known. */
const P50_OF_P95 = 0.4;

export interface PredictOptions {
  leadsPerDay?: number;
  shape: 'working-day' | 'flat';
  burst: number;
  burstTime: number;
  burstHour: number;
  sla: number;
  heuristic?: true;
  aiModel: string;
  aiP50?: number;
  aiP95: number;
  aiRate: number;
  aiConcurrency: number;
  aiTokensIn: number;
  aiTokensOut: number;
  aiDailyTokens: number;
  mockCrm?: true;
  crmLimit: number;
  crmUsed: number;
  crmP50: number;
  crmP95: number;
  crmRecord: number;
  crmRate: number;
  crmConcurrency: number;
  crmBatchSize: number;
  crmBatchWindow: number;
  crmKnown: number;
  apiTasks?: number;
  apiCpu: number;
  workerTasks?: number;
  workerCpu: number;
  calibration?: string;
  seed: number;
  json?: true;
}

export function addOptions(command: Command): Command {
  const option = (flags: string, about: string, parse: (text: string) => number, fallback?: number, shown?: string) =>
    command.addOption(new Option(flags, about).argParser(parse).default(fallback, shown));
  option('--leads-per-day <n>', 'leads of one day', count);
  command.addOption(new Option('--shape <shape>', 'how they come').choices(['working-day', 'flat']).default('working-day'));
  option('--burst <times>', "a burst of so many times the day's average rate, on top of it", amount, 0, 'none');
  option('--burst-time <time>', 'how long it lasts', milliseconds, 60_000, '60s');
  option('--burst-hour <hour>', 'in which hour, 0 to 23', count, 10);
  option('--sla <time>', 'SPEED_TO_LEAD_SLA_SECONDS', milliseconds, DEFAULTS.slaSeconds * 1000, '300s');
  command.option('--heuristic', 'no model: the heuristic scores');
  command.option('--ai-model <name>', 'the model, for its price', 'us.anthropic.claude-haiku-4-5');
  option('--ai-p95 <time>', '95th percentile of one call of the model', milliseconds, 3000, '3s');
  option('--ai-p50 <time>', 'its median', milliseconds, undefined, '0.4 of the 95th percentile');
  option('--ai-rate <n>', 'AI_RATE_LIMIT_PER_SECOND', amount, DEFAULTS.ai.ratePerSecond);
  option('--ai-concurrency <n>', 'AI_CONCURRENCY', count, DEFAULTS.concurrency.enrichment);
  option('--ai-tokens-in <n>', 'tokens of one request', count, 1500);
  option('--ai-tokens-out <n>', 'tokens of one answer', count, 120);
  option('--ai-daily-tokens <n>', 'AI_DAILY_TOKEN_BUDGET', count, Infinity, 'none');
  command.option('--mock-crm', 'no Salesforce: the mock CRM');
  option('--crm-limit <n>', "the org's API calls of a day", count, 100_000);
  option('--crm-used <n>', 'how many of them others make', count, 0);
  option('--crm-p50 <time>', 'median of one call of Salesforce with few records', milliseconds, 300, '300ms');
  option('--crm-p95 <time>', 'its 95th percentile', milliseconds, 900, '900ms');
  option('--crm-record <time>', 'and more for each record in the call', milliseconds, 5, '5ms');
  option('--crm-rate <n>', 'CRM_RATE_LIMIT_PER_SECOND', amount, DEFAULTS.crm.ratePerSecond);
  option('--crm-concurrency <n>', 'CRM_CONCURRENCY', count, DEFAULTS.concurrency['crm-sync']);
  option('--crm-batch-size <n>', 'CRM_BATCH_SIZE', count, DEFAULTS.crm.batchSize);
  option('--crm-batch-window <time>', 'CRM_BATCH_WINDOW_MS', milliseconds, DEFAULTS.crm.batchWindowMs, '25ms');
  option('--crm-known <share>', 'leads whose person the org has already', share, 0.1);
  option('--api-tasks <n>', 'api processes', count, undefined, 'the fewest that do');
  option('--api-cpu <n>', 'vCPUs of each', amount, 0.5);
  option('--worker-tasks <n>', 'worker processes', count, undefined, 'the fewest that do');
  option('--worker-cpu <n>', 'vCPUs of each', amount, 1);
  command.option('--calibration <file>', 'what the service costs; default: simulate/calibration.json');
  option('--seed <n>', 'repeats a run', count, 1);
  return command.option('--json', 'one JSON document instead of tables');
}

/** @throws Error with a sentence where options contradict each other. */
export function scenarioOf(options: PredictOptions): Scenario {
  if (!options.leadsPerDay) throw new Error('How many leads? Say --leads-per-day, such as 100000; --help has the rest.');
  const aiP50 = options.aiP50 ?? options.aiP95 * P50_OF_P95;
  if (aiP50 > options.aiP95)
    throw new Error('--ai-p50 is above --ai-p95: half of the calls cannot be slower than all but the slowest.');
  if (options.crmP50 > options.crmP95) throw new Error('--crm-p50 is above --crm-p95.');
  if (options.burstHour > 23) throw new Error('--burst-hour is an hour of the day, 0 to 23.');
  if (options.burst > 0 && options.burstTime > 3600_000) throw new Error('--burst-time is at most an hour.');
  const { leadsPerDay, shape, burst, burstTime, burstHour } = options;
  return {
    seed: options.seed,
    ranks: RANKS,
    load: day({ leadsPerDay, shape, burst, burstSeconds: burstTime / 1000, burstAtHour: burstHour }),
    slaSeconds: options.sla / 1000,
    api: { tasks: options.apiTasks ?? 1, cores: options.apiCpu },
    worker: { tasks: options.workerTasks ?? 1, cores: options.workerCpu },
    ai: options.heuristic
      ? null
      : {
          ...DEFAULTS.ai,
          p50Ms: aiP50,
          p95Ms: options.aiP95,
          ratePerSecond: options.aiRate,
          dailyTokens: options.aiDailyTokens,
          tokensPerCall: options.aiTokensIn + options.aiTokensOut,
        },
    crm: options.mockCrm
      ? null
      : {
          ...DEFAULTS.crm,
          p50Ms: options.crmP50,
          p95Ms: options.crmP95,
          perRecordMs: options.crmRecord,
          ratePerSecond: options.crmRate,
          batchSize: options.crmBatchSize,
          batchWindowMs: options.crmBatchWindow,
          dailyLimit: options.crmLimit,
          usedByOthers: options.crmUsed,
          knownShare: options.crmKnown,
        },
    concurrency: { enrichment: options.aiConcurrency, 'crm-sync': options.crmConcurrency },
    retry: DEFAULTS.retry,
  };
}

/** @returns dollars; null where the price table does not know the model. */
export function costOf(options: PredictOptions, calls: number): number | null {
  return usageOf(options.aiModel, calls * options.aiTokensIn, calls * options.aiTokensOut).costUsd ?? null;
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

function amount(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0) || value === Infinity) throw new InvalidArgumentError('It is a number, 0 or more.');
  return value;
}

function share(text: string): number {
  const value = amount(text);
  if (value > 1) throw new InvalidArgumentError('It is a share, from 0 to 1.');
  return value;
}

/** `800ms`, `3s`, `5m`. */
export function milliseconds(text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('It is a time: 800ms, 3s, 5m.');
  return Number(value) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm'];
}
