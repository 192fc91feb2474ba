import type { Load } from './load.js';

/** The input: a load, and a service with its settings. Times in milliseconds unless the name says otherwise. */
export interface Scenario {
  seed: number;
  load: Load;
  /** Shares of the leads per rank of the heuristic, the lowest first; equal ranks go in order of arrival. */
  ranks: readonly number[];
  slaSeconds: number;
  api: Tasks;
  worker: Tasks;
  /** If set, everything runs on one machine, stores and load generator too. Otherwise each task has its own cores. */
  oneMachine?: { cores: number; competing: number };
  /** Null: the heuristic scores, without calls. */
  ai: Ai | null;
  /** Null: the mock CRM in PostgreSQL. */
  crm: Crm | null;
  /** AI_CONCURRENCY, CRM_CONCURRENCY: of all workers together. */
  concurrency: { enrichment: number; 'crm-sync': number };
  retry: { attempts: number; baseMs: number };
}

export interface Tasks {
  tasks: number;
  /** vCPUs a task, each counted as a core of the machine of the calibration. */
  cores: number;
}

export interface Ai {
  p50Ms: number;
  p95Ms: number;
  timeoutMs: number;
  ratePerSecond: number;
  deadlineSeconds: number;
  /** AI_DAILY_TOKEN_BUDGET */
  dailyTokens: number;
  tokensPerCall: number;
}

export interface Crm {
  /** A call of few records. */
  p50Ms: number;
  p95Ms: number;
  /** And more for each record in it. */
  perRecordMs: number;
  ratePerSecond: number;
  batchSize: number;
  batchWindowMs: number;
  /** The org's calls of a day, and how many of them others make. */
  dailyLimit: number;
  usedByOthers: number;
  /** Shares of the limit at which the service slows down and stops. */
  slowAt: number;
  stopAt: number;
  /** Share of the leads whose person the org has already: an update instead of a creation. */
  knownShare: number;
}
