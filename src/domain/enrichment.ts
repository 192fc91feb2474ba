import { z } from 'zod';
import { INTENTS } from './intent.js';

export const SCORE_SOURCES = ['ai', 'heuristic', 'fallback'] as const;

/**
 * One reason for the score. `points` are given where the scorer adds up points (the heuristic does, a model does not).
 */
export const evidenceSchema = z.object({
  signal: z.string().min(1).max(200),
  polarity: z.enum(['positive', 'negative', 'neutral']),
  points: z.number().optional(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

const answered = z.enum(['yes', 'no', 'unknown']);

/** Whether the lead speaks of a budget, of authority, of a need and of a time frame. */
export const bantSchema = z.object({ budget: answered, authority: answered, need: answered, timeline: answered });

/** What one scoring cost. */
export const usageSchema = z.object({
  inputTokens: z.number().int().min(0),
  outputTokens: z.number().int().min(0),
  /** An estimate by the price table; absent where it does not know the model. */
  costUsd: z.number().min(0).optional(),
});
export type Usage = z.infer<typeof usageSchema>;

export const ARMS = ['champion', 'challenger'] as const;

/** Of a trial in which live leads are scored by a challenger: which side this person's leads belong to. */
export const armSchema = z.object({
  id: z.number().int(),
  arm: z.enum(ARMS),
  /** The code of the error for which the challenger gave no score, so that the champion's was used. */
  failed: z.string().optional(),
});
export type TrialArm = z.infer<typeof armSchema>;

/** Items of evidence that a score has at most. */
export const MAX_EVIDENCE = 12;

/** The result of the enrichment stage, as the ledger keeps it and the CRM receives it. */
export const enrichmentSchema = z.object({
  /** 0 (no fit) to 100 (ideal customer who wants to buy). */
  fitScore: z.number().int().min(0).max(100),
  intent: z.enum(INTENTS),
  /** 0 to 1: how sure the scorer is of `intent`. */
  confidence: z.number().min(0).max(1),
  /** The listed points sum to `fitScore`; the base and the limits of the scale are items of their own. */
  evidence: z.array(evidenceSchema).max(MAX_EVIDENCE),
  /** One sentence for the salesperson. */
  reasoning: z.string().max(300),
  scoreSource: z.enum(SCORE_SOURCES),
  /** The score is provisional: a better one is still owed. */
  needsRescore: z.boolean(),
  flags: z.array(z.string()),
  /** The provider that answered, e.g. `heuristic`. */
  provider: z.string(),
  /** The version of the rules or the prompt that made this score. */
  scorerVersion: z.string(),
  /** The model that a provider asked; the heuristic has none. */
  model: z.string().optional(),
  bant: bantSchema.optional(),
  /** Zero tokens where the judgement came from the cache. */
  usage: usageSchema.optional(),
  trial: armSchema.optional(),
});
export type Enrichment = z.infer<typeof enrichmentSchema>;
