import { z } from 'zod';
import { OUTCOME_KINDS, REPORTED_KINDS, SALESFORCE, TARGETS } from '../../outcomes/outcome.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema, timeSchema, wholeNumber } from '../../platform/http/field-schemas.js';

const count = countSchema;
const target = z.enum(TARGETS as [(typeof TARGETS)[number]]);
const horizonDays = wholeNumber(1, 730);
const probability = z.number().min(0).max(1);

/** Date.parse makes the 2nd of March of the 30th of February. */
function isInCalendar(text: string): boolean {
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return !Number.isNaN(Date.parse(text)) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
}

const FIRST_TIME = '2000-01-01T00:00:00.000Z';

/** A day means its end (UTC), so that an outcome is not taken for one from before a score of the same day. */
const outcomeTime = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2}))?$/,
    'must be a time with its zone such as 2026-11-24T04:00:00.000Z, or a day such as 2026-11-24',
  )
  .transform((text) => (text.includes('T') ? text : `${text}T23:59:59.999Z`))
  .refine(isInCalendar, { error: 'is not in the calendar', abort: true })
  .transform((text) => new Date(text).toISOString())
  // Systems write 0001-01-01 or 1970-01-01 for "no date", and a person who converted then would never be judged.
  .refine((text) => text >= FIRST_TIME, 'lies before the year 2000');

export const outcomeInputSchema = apiSchema(
  'OutcomeInput',
  z.strictObject({
    email: z.string().max(1000),
    kind: z.enum(REPORTED_KINDS),
    at: outcomeTime.describe('When it happened, with its zone. A day means the end of that day in UTC.'),
    amount: z.number().min(0).max(1e15).optional(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR')
      .optional(),
    source: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,39}$/, 'must be 1 to 40 of a-z, 0-9, dot, dash and underscore')
      .default('api')
      .describe(`The other system. \`${SALESFORCE}\` is what this service reads itself.`),
    id: z.string().trim().min(1).max(100).optional().describe('The record in the other system, where it has one.'),
  }),
  { email: 'lead@enterprise.com', kind: 'won', at: '2026-11-24T04:00:00.000Z', amount: 12_000, currency: 'EUR', id: 'deal-42' },
);

export const outcomeAnswerSchema = apiSchema('OutcomeAnswer', z.object({ status: z.enum(['recorded', 'duplicate']) }), {
  status: 'recorded',
});

/** As the journey of a lead shows it. */
export const shownOutcomeSchema = z.object({
  kind: z.enum(OUTCOME_KINDS),
  at: timeSchema,
  amount: z.number().nullable(),
  currency: z.string().nullable(),
  source: z.string(),
  crmId: z.string(),
});

export const probabilitySchema = z
  .object({ value: probability, calibration: z.int().describe('The version of the calibration.') })
  .nullable()
  .describe('The probability of conversion; null where no calibration is active, or it does not know this scorer.');

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day such as 2026-11-24')
  .refine(isInCalendar, 'is not in the calendar');

export const reportQuerySchema = z.strictObject({
  target: target.default('converted').describe('What counts as success; the later ones include won.'),
  horizonDays: horizonDays.optional().describe('How long a lead may take; by default OUTCOMES_HORIZON_DAYS.'),
  since: day.optional().describe('Only leads that were first synced on this day (UTC) or later.'),
  capacity: wholeNumber(1, 100_000)
    .optional()
    .describe('Leads that sales can take a day: answers the score from which on so many come.'),
});

const interval = { low: z.number(), high: z.number() };
const share = z.object({ value: probability.nullable(), ...interval });
const figure = z.object({ value: z.number(), ...interval }).nullable();
const bin = { from: count, to: count, leads: count, conversions: count };
const rated = z.array(z.object({ ...bin, rate: share }));
const quality = {
  leads: count,
  conversions: count,
  rate: share,
  enough: z.boolean(),
  reason: z.string().nullable(),
  auc: figure,
  brier: figure,
};
const segment = z.array(z.object({ group: z.string(), immature: count, ...quality }));
const noRate = { value: null, low: 0, high: 1 };
const noQuality = { leads: 0, conversions: 0, rate: noRate, enough: false, reason: null, auc: null, brier: null };

export const outcomesReportSchema = apiSchema(
  'OutcomesReport',
  z
    .object({
      at: timeSchema,
      target,
      horizonDays: count,
      intervalLevel: probability.describe('The level of all intervals: Wilson for shares, bootstrap for the others.'),
      complete: z.boolean(),
      immature: z.object({ leads: count, conversions: count }).describe('Younger than the horizon: left out of all figures.'),
      convertedBefore: count.describe('Converted before their first score: left out of all figures.'),
      overall: z.object({
        ...quality,
        brierParts: z.object({ reliability: z.number(), resolution: z.number(), uncertainty: z.number() }).nullable(),
        calibrationError: z.number().nullable(),
      }),
      bands: z
        .array(z.object({ band: z.enum(['cold', 'warm', 'hot']), ...bin, rate: share }))
        .describe('By the scoring profile in use.'),
      deciles: rated.describe('Groups of about a tenth of the leads, the lowest scores first; a score is never split.'),
      lift: z.array(z.object({ topShare: probability, conversionShare: probability, lift: z.number() })),
      prediction: z
        .enum(['score', 'calibration'])
        .describe('What the reliability compares with: score/100, or the active calibration.'),
      reliability: z.array(z.object({ ...bin, predicted: probability, observed: probability })),
      drift: z.object({
        weeks: z.array(
          z.object({
            week: count.describe('0: the last seven days.'),
            leads: count,
            index: z.number().nullable().describe('Population stability index against the weeks before.'),
            level: z.enum(['none', 'some', 'strong']).nullable(),
          }),
        ),
      }),
      capacity: z.object({ leadsPerDay: count, score: z.int().nullable() }).nullable(),
      by: z.object({ scorerVersion: segment, campaignId: segment, scoreSource: segment }),
      notes: z.array(z.string()),
    })
    .describe('Per person, by the score with which the person first reached the CRM.'),
  {
    at: '2026-11-24T04:00:00.000Z',
    target: 'converted',
    horizonDays: 90,
    intervalLevel: 0.99,
    complete: true,
    immature: { leads: 0, conversions: 0 },
    convertedBefore: 0,
    overall: { ...noQuality, brierParts: null, calibrationError: null },
    bands: [{ band: 'hot', from: 80, to: 100, leads: 0, conversions: 0, rate: noRate }],
    deciles: [],
    lift: [],
    prediction: 'score',
    reliability: [],
    drift: { weeks: [{ week: 0, leads: 0, index: null, level: null }] },
    capacity: null,
    by: { scorerVersion: [], campaignId: [], scoreSource: [] },
    notes: [],
  },
);

export const calibrationActSchema = apiSchema(
  'CalibrationAct',
  z.discriminatedUnion('act', [
    z.strictObject({
      act: z.literal('fit'),
      target: target.default('converted'),
      horizonDays: z.int().min(1).max(730).optional(),
    }),
    z.strictObject({ act: z.literal('activate'), version: z.int().min(1) }),
    z.strictObject({ act: z.literal('rollback') }),
  ]),
  { act: 'fit' },
  { act: 'activate', version: 1 },
  { act: 'rollback' },
);

const calibration = z.object({
  version: z.int(),
  at: timeSchema,
  who: z.string(),
  method: z.enum(['platt', 'isotonic']),
  active: z.boolean(),
  target,
  horizonDays: count,
  leads: count,
  conversions: count,
  scorerVersions: z.array(z.string()),
  outOfTime: z
    .object({
      leads: count,
      conversions: count,
      raw: z.number(),
      baseRate: z.number(),
      platt: z.number().optional(),
      isotonic: z.number().optional(),
    })
    .describe('Brier scores on the later 30 % of the leads, of what was fitted on the earlier ones; lower is better.'),
  curve: z.array(z.object({ score: count, probability })),
});

export const calibrationsSchema = apiSchema(
  'Calibrations',
  z.object({ active: z.int().nullable(), items: z.array(calibration).describe('The newest first, at most 50.') }),
  { active: null, items: [] },
);
