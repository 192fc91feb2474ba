import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Enrichment } from '../domain/enrichment.js';
import { TARGETS } from '../outcomes/outcome.js';
import type { Challenger } from './challenger.js';
import { STRATA, type TrialKind } from './trial-kinds.js';

/** `selecting` and `running` are open; the others have ended. */
export const TRIAL_STATES = ['selecting', 'running', 'done', 'stopped'] as const;
export type TrialState = (typeof TRIAL_STATES)[number];

/** Rows of a trial at most. */
export const MAX_SAMPLE = 50_000;

/** When a trial ends by itself. Rates are compared by the lower end of their interval, so a few leads end nothing. */
export const stopRulesSchema = z.strictObject({
  maxErrorRate: z.number().min(0).max(1).default(0.05).describe('Share of leads that the challenger may fail.'),
  maxDisagreement: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Share of leads whose band may differ. A backtest is never ended by it.'),
  maxInjected: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe('Share of leads in which the challenger may obey a text of the lead: its answer leaks or escapes the schema.'),
  maxCostUsdPerLead: z.number().min(0).optional().describe('Mean cost of a score of the challenger.'),
});

/** Strict: a setting that this version does not know must not be left out of what it does. */
export const settingsSchema = z.strictObject({
  sample: z.int().min(1).max(MAX_SAMPLE),
  since: z.iso.datetime().optional(),
  stratify: z.array(z.enum(STRATA)).max(STRATA.length),
  share: z.number().min(0).max(1),
  perSecond: z.number().min(0.1).max(1000),
  dailyTokens: z.int().min(0),
  target: z.enum(TARGETS as [(typeof TARGETS)[number]]),
  horizonDays: z.int().min(1).max(730),
  stop: stopRulesSchema,
});
export type TrialSettings = z.output<typeof settingsSchema>;
export type StopRules = z.output<typeof stopRulesSchema>;

/** The attacks that a challenger was tried with, and whether one raised its score. */
export interface InjectionResult {
  tried: number;
  raised: number;
  failed: number;
  cases: { name: string; plain: number; attacked: number | null }[];
}

interface TrialHead {
  id: number;
  kind: TrialKind;
  state: TrialState;
  note: string;
  who: string;
  createdAt: string;
  endedAt: string | null;
  reason: string | null;
  lastError: string | null;
  injections: InjectionResult | null;
}

export interface Trial extends TrialHead {
  challenger: Challenger;
  settings: TrialSettings;
  unreadable: null;
}

/** A trial that another version of this service wrote; `unreadable` says what this one cannot read. */
export interface UnreadableTrial extends TrialHead {
  challenger: null;
  settings: null;
  unreadable: string;
}

export type ListedTrial = Trial | UnreadableTrial;

/** What a trial keeps of a score. Usage and time of the challenger are in the row. */
export type KeptScore = Pick<Enrichment, 'fitScore' | 'intent' | 'evidence' | 'flags' | 'provider' | 'scorerVersion'> & {
  model?: string | undefined;
  costUsd?: number | undefined;
};

export function keptScoreOf(enrichment: Enrichment): KeptScore {
  const { fitScore, intent, evidence, flags, provider, scorerVersion, model, usage } = enrichment;
  return { fitScore, intent, evidence, flags, provider, scorerVersion, model, costUsd: usage?.costUsd };
}

/**
 * Whether a person belongs to the share of a trial. It depends on nothing else, so each process at each time decides
 * alike, and all leads of a person are on one side.
 */
export function isInShare(trialId: number, personKey: string, share: number): boolean {
  const digest = createHash('sha256').update(`trial ${trialId} ${personKey}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < share;
}
