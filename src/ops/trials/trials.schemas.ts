import { z } from 'zod';
import { evidenceSchema } from '../../domain/enrichment.js';
import { INTENTS } from '../../domain/intent.js';
import { LEAD_ID } from '../../ingress/lead.schemas.js';
import { TARGETS } from '../../outcomes/outcome.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema, timeSchema } from '../../platform/http/field-schemas.js';
import { challengerSchema } from '../../trials/challenger.js';
import { STRATA, TRIAL_KINDS } from '../../trials/trial-kinds.js';
import { MAX_SAMPLE, settingsSchema, stopRulesSchema, TRIAL_STATES, type TrialSettings } from '../../trials/trial.js';

const count = countSchema;
const share = z.number().min(0).max(1);
const band = z.enum(['cold', 'warm', 'hot']);
const perSide = <T extends z.ZodType>(of: T) => z.object({ champion: of, challenger: of });

const DAY_MS = 86_400_000;
const SINCE_DAYS = 30;

const common = {
  challenger: challengerSchema.describe('What it has other than the scorer in use.'),
  sample: z.int().min(1).max(MAX_SAMPLE).describe('Leads at most.'),
  perSecond: z.number().min(0.1).max(1000).default(2).describe('Calls of a model at most, per worker.'),
  dailyTokens: z.int().min(0).default(200_000).describe('Tokens of a day (UTC), apart from AI_DAILY_TOKEN_BUDGET.'),
  target: z
    .enum(TARGETS as [(typeof TARGETS)[number]])
    .default('converted')
    .describe('What counts as success.'),
  horizonDays: z.int().min(1).max(730).default(90).describe('How long a lead may take.'),
  stop: stopRulesSchema.prefault({}).describe('When the trial ends by itself.'),
  note: z.string().trim().max(500).default('').describe('Why, for the reader of the list.'),
};

export const trialRequestSchema = apiSchema(
  'TrialRequest',
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('backtest'),
      ...common,
      sample: common.sample.default(500),
      since: timeSchema.optional().describe(`Leads received at or after this time; by default of the last ${SINCE_DAYS} days.`),
      stratify: z.array(z.enum(STRATA)).max(STRATA.length).default([]).describe('Spread the sample evenly over these.'),
    }),
    z.strictObject({
      kind: z.literal('shadow'),
      ...common,
      sample: common.sample.default(5000),
      share: share.default(0.1).describe('Share of persons whose leads are scored again after they reached the CRM.'),
    }),
    z.strictObject({
      kind: z.literal('challenge'),
      ...common,
      sample: common.sample.default(5000),
      share: share.max(0.5).default(0.1).describe('Share of persons whose leads get the score of the challenger.'),
    }),
  ]),
  { kind: 'backtest', challenger: { profile: { base: 25 } } },
  { kind: 'shadow', challenger: { provider: 'gemini', model: 'gemini-flash-latest' }, share: 0.05 },
);
export type TrialRequestBody = z.output<typeof trialRequestSchema>;

/** The settings of any kind, from those that a kind has. */
export function settingsOf(body: TrialRequestBody, now: number): TrialSettings {
  const { sample, perSecond, dailyTokens, target, horizonDays, stop } = body;
  const isBacktest = body.kind === 'backtest';
  return settingsSchema.parse({
    sample,
    perSecond,
    dailyTokens,
    target,
    horizonDays,
    stop,
    stratify: isBacktest ? body.stratify : [],
    share: isBacktest ? 1 : body.share,
    ...(isBacktest ? { since: body.since ?? new Date(now - SINCE_DAYS * DAY_MS).toISOString() } : {}),
  });
}

const injections = z
  .object({
    tried: count,
    raised: count,
    failed: count,
    cases: z.array(z.object({ name: z.string(), plain: count, attacked: count.nullable() })),
  })
  .nullable()
  .describe('Attacks in the text of a made-up lead, and whether one raised its score; null until they were tried.');

const trialFields = z.object({
  id: z.int(),
  kind: z.enum(TRIAL_KINDS),
  state: z.enum(TRIAL_STATES),
  challenger: challengerSchema.nullable(),
  settings: settingsSchema.nullable(),
  unreadable: z
    .string()
    .nullable()
    .describe('Why this version cannot read the trial, which another version wrote; then challenger and settings are null.'),
  note: z.string(),
  who: z.string(),
  createdAt: timeSchema,
  endedAt: timeSchema.nullable(),
  reason: z.string().nullable().describe('Why it ended.'),
  lastError: z.string().nullable().describe('Why the scorer cannot be asked now; null where it can.'),
  injections,
});

const champion = z
  .object({
    version: z.int().describe('0: the scorer of the configuration, never changed by a trial.'),
    trialId: z.int().nullable().describe('The trial whose challenger is in use; null: the configuration.'),
    challenger: challengerSchema.nullable(),
    unreadable: z.string().nullable().describe('Why this version cannot use it; then the challenger is null.'),
    at: timeSchema.nullable(),
    who: z.string().nullable(),
  })
  .describe('The scorer in use.');

const exampleTrial = {
  id: 1,
  kind: 'backtest',
  state: 'done',
  challenger: { profile: { base: 25 } },
  settings: {
    sample: 500,
    since: '2026-10-25T00:00:00.000Z',
    stratify: [],
    share: 1,
    perSecond: 2,
    dailyTokens: 200_000,
    target: 'converted',
    horizonDays: 90,
    stop: { maxErrorRate: 0.05, maxDisagreement: 0.5, maxInjected: 0.02 },
  },
  unreadable: null,
  note: '',
  who: 'ann',
  createdAt: '2026-11-24T04:00:00.000Z',
  endedAt: '2026-11-24T04:00:09.000Z',
  reason: 'All leads of the sample are scored.',
  lastError: null,
  injections: { tried: 6, raised: 0, failed: 0, cases: [] },
};
const exampleChampion = { version: 0, trialId: null, challenger: {}, unreadable: null, at: null, who: null };

export const trialSchema = apiSchema('Trial', trialFields, exampleTrial);

export const trialListSchema = apiSchema(
  'TrialList',
  z.object({ champion, items: z.array(trialFields).describe('The newest first, at most 50.') }),
  { champion: exampleChampion, items: [exampleTrial] },
);

export const championSchema = apiSchema('ScorerInUse', champion, exampleChampion);

const difference = z.object({ value: z.number(), low: z.number(), high: z.number() });
const compared = perSide(z.number())
  .extend({ difference: difference.describe('The challenger less the champion.') })
  .nullable();

const kept = z.object({
  fitScore: count,
  intent: z.enum(INTENTS),
  evidence: z.array(evidenceSchema),
  flags: z.array(z.string()),
  provider: z.string(),
  scorerVersion: z.string(),
  model: z.string().optional(),
  costUsd: z.number().optional(),
});

const figures = z
  .object({
    pending: count,
    scored: count.describe('Leads that both sides scored: the figures are about them.'),
    failed: count.describe('Leads that the challenger failed.'),
    errors: z.array(z.object({ code: z.string(), leads: count })),
    agreement: z.object({
      sameBand: share.nullable(),
      sameIntent: share.nullable(),
      meanDifference: z.number().nullable(),
      rankCorrelation: z.number().nullable().describe("Spearman's, -1 to 1."),
    }),
    bands: z.array(z.object({ champion: band, challenger: band, leads: count })),
    costUsdPerLead: perSide(z.number().nullable()),
    tokens: count.describe('What the trial itself spent.'),
    tookMs: z.object({ p50: z.number().nullable(), p95: z.number().nullable() }).describe('Of the challenger.'),
    injections: z.object({ attempts: count, championObeyed: count, challengerObeyed: count }),
    versions: perSide(z.array(z.string())),
    outcomes: z
      .object({
        leads: count,
        conversions: count,
        verdict: z.enum(['better', 'worse', 'no difference shown', 'not enough outcomes']),
        auc: compared,
        brier: compared,
      })
      .describe('Both sides on the same leads. Intervals are a paired bootstrap of level 0.99.'),
  })
  .nullable();

export const trialReportSchema = apiSchema(
  'TrialReport',
  trialFields.extend({
    figures,
    movers: z
      .array(z.object({ leadId: z.uuid(), champion: kept, challenger: kept }))
      .describe('The leads whose scores differ most, at most 20.'),
  }),
  {
    ...exampleTrial,
    figures: {
      pending: 0,
      scored: 500,
      failed: 0,
      errors: [],
      agreement: { sameBand: 0.97, sameIntent: 1, meanDifference: 4.8, rankCorrelation: 0.998 },
      bands: [{ champion: 'warm', challenger: 'cold', leads: 15 }],
      costUsdPerLead: { champion: 0, challenger: 0 },
      tokens: 0,
      tookMs: { p50: 0, p95: 1 },
      injections: { attempts: 3, championObeyed: 0, challengerObeyed: 0 },
      versions: { champion: ['heuristic-0123456789ab'], challenger: ['heuristic-ba9876543210'] },
      outcomes: { leads: 120, conversions: 9, verdict: 'not enough outcomes', auc: null, brier: null },
    },
    movers: [
      {
        leadId: LEAD_ID,
        champion: { fitScore: 30, intent: 'low', evidence: [], flags: [], provider: 'heuristic', scorerVersion: 'heuristic-1' },
        challenger: { fitScore: 25, intent: 'low', evidence: [], flags: [], provider: 'heuristic', scorerVersion: 'heuristic-2' },
      },
    ],
  },
);

export const promoteSchema = apiSchema(
  'TrialPromotion',
  z.strictObject({ force: z.boolean().default(false).describe('Also where the trial speaks against it.') }),
  { force: false },
);
