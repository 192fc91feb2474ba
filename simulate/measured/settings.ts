import { cpus } from 'node:os';
import { DEFAULTS } from '../options.js';
import type { Load } from '../model/load.js';
import type { Scenario } from '../model/scenario.js';
import { RANKS } from './send.js';
import type { TestBedOptions } from './test-bed.js';

/** Compilers and caches are as warm in each measurement. */
export const WARM_UP: Load = [{ seconds: 3, perSecond: 150 }];

/** A load and settings that can be measured here and simulated: the same figures for both. */
export interface Trial {
  name: string;
  load: Load;
  /** Null: the heuristic and the mock CRM. */
  remote: {
    aiP50Ms: number;
    aiP95Ms: number;
    aiPerSecond: number;
    aiConcurrency: number;
    crmMs: number;
    crmPerSecond: number;
  } | null;
}

export function testBedOf({ remote }: Trial): TestBedOptions {
  if (!remote) return { fakes: null, worker: true };
  const { aiPerSecond, aiConcurrency, crmPerSecond, ...fakes } = remote;
  const settings = {
    AI_RATE_LIMIT_PER_SECOND: String(aiPerSecond),
    AI_CONCURRENCY: String(aiConcurrency),
    CRM_RATE_LIMIT_PER_SECOND: String(crmPerSecond),
  };
  return { fakes, worker: true, settings };
}

/** All on this machine, one process of each role. */
export function scenarioOf({ load, remote }: Trial, seed: number, competing: number): Scenario {
  const one = { tasks: 1, cores: 1 };
  const ai = remote && {
    ...DEFAULTS.ai,
    p50Ms: remote.aiP50Ms,
    p95Ms: remote.aiP95Ms,
    ratePerSecond: remote.aiPerSecond,
    tokensPerCall: 0,
  };
  const crm = remote && {
    ...DEFAULTS.crm,
    p50Ms: remote.crmMs,
    p95Ms: remote.crmMs,
    perRecordMs: 0,
    ratePerSecond: remote.crmPerSecond,
    dailyLimit: 10_000_000,
    knownShare: 0,
  };
  const concurrency = { ...DEFAULTS.concurrency, ...(remote ? { enrichment: remote.aiConcurrency } : {}) };
  const { slaSeconds, retry } = DEFAULTS;
  const oneMachine = { cores: cpus().length, competing };
  return { seed, load, ranks: RANKS, slaSeconds, api: one, worker: one, oneMachine, ai, crm, concurrency, retry };
}
