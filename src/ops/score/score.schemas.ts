import { z } from 'zod';
import { enrichmentSchema } from '../../domain/enrichment.js';
import { leadBodySchema, LEAD_ID } from '../../ingress/lead.schemas.js';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema, nextCursorSchema, timeSchema } from '../../platform/http/field-schemas.js';

const bandSchema = z.enum(['cold', 'warm', 'hot']);
const profileSchema = z
  .record(z.string(), z.unknown())
  .describe('A scoring profile instead of the active one. docs/scoring-profile.schema.json describes it.');

/** The lead itself, or the lead beside a profile. The handler parses it as a webhook is parsed. */
export const scoreBodySchema = apiSchema(
  'ScoreRequest',
  z.union([z.strictObject({ lead: leadBodySchema, profile: profileSchema.optional() }), leadBodySchema]),
  { lead: { email: 'lead@enterprise.com', campaign_id: 'launch_2024', title: 'VP Sales', message: 'A demo, please.' } },
  { email: 'lead@enterprise.com', campaign_id: 'launch_2024' },
);

const scoreShape = enrichmentSchema.pick({
  fitScore: true,
  intent: true,
  confidence: true,
  evidence: true,
  reasoning: true,
  scoreSource: true,
  flags: true,
  provider: true,
  scorerVersion: true,
}).shape;

const exampleScore = {
  fitScore: 84,
  intent: 'high',
  confidence: 0.67,
  evidence: [
    { signal: 'base score', polarity: 'positive', points: 30 },
    { signal: 'message: asks for a demo ("demo")', polarity: 'positive', points: 18 },
    { signal: "message as a whole: reads like a buyer's request (wants to see)", polarity: 'positive', points: 13 },
    { signal: 'e-mail: corporate domain enterprise.com', polarity: 'positive', points: 10 },
    { signal: 'intent: wants to buy, see, price or discuss the product', polarity: 'positive', points: 8 },
    { signal: 'title: VP (senior decision maker)', polarity: 'positive', points: 5 },
  ],
  reasoning: 'High intent: asks for a demo; VP in sales or revenue, corporate domain enterprise.com.',
  scoreSource: 'heuristic',
  flags: [],
  provider: 'heuristic',
  scorerVersion: 'heuristic-0123456789ab',
};

export const scoreSchema = apiSchema(
  'Score',
  z.object({ ...scoreShape, band: bandSchema, profile: z.string().describe('The name of the scoring profile.') }),
  { ...exampleScore, band: 'hot', profile: 'shipped' },
);
export type Score = z.output<typeof scoreSchema>;

export const MAX_PAGE = 500;
export const MAX_MOVERS = 20;

export const dryRunBodySchema = apiSchema(
  'ScoreDryRunRequest',
  z.strictObject({
    profile: profileSchema.describe('The scoring profile to try. docs/scoring-profile.schema.json describes it.'),
    since: timeSchema.describe('Leads received at or after this time.'),
    limit: z.int().min(1).max(MAX_PAGE).default(200).describe('Leads of this page.'),
    cursor: z.string().optional().describe('`nextCursor` of the page before.'),
  }),
  { profile: { base: 25 }, since: '2026-11-01T00:00:00.000Z' },
);
export type DryRunRequest = z.output<typeof dryRunBodySchema>;

const sideSchema = z.object({
  fitScore: scoreShape.fitScore,
  band: bandSchema,
  intent: scoreShape.intent,
  evidence: scoreShape.evidence,
});
const bandCounts = z.object({ cold: countSchema, warm: countSchema, hot: countSchema });
const exampleSide = { fitScore: 62, band: 'warm', intent: 'medium', evidence: [] };

export const dryRunSchema = apiSchema(
  'ScoreDryRun',
  z.object({
    leads: countSchema.describe('Leads of this page.'),
    changed: countSchema.describe('Leads whose score would be another.'),
    bands: z.object({ current: bandCounts, proposed: bandCounts }),
    moves: z.array(z.object({ from: bandSchema, to: bandSchema, count: countSchema })),
    movers: z
      .array(
        z.object({
          leadId: z.uuid(),
          campaignId: z.string(),
          receivedAt: timeSchema,
          current: sideSchema,
          proposed: sideSchema,
        }),
      )
      .max(MAX_MOVERS)
      .describe('The leads that would change band, the largest difference first.'),
    currentVersion: z.string(),
    proposedVersion: z.string(),
    nextCursor: nextCursorSchema,
  }),
  {
    leads: 1,
    changed: 1,
    bands: { current: { cold: 0, warm: 1, hot: 0 }, proposed: { cold: 0, warm: 0, hot: 1 } },
    moves: [{ from: 'warm', to: 'hot', count: 1 }],
    movers: [
      {
        leadId: LEAD_ID,
        campaignId: 'launch_2024',
        receivedAt: '2026-11-24T03:52:54.182Z',
        current: exampleSide,
        proposed: { ...exampleSide, fitScore: 67, band: 'hot' },
      },
    ],
    currentVersion: 'heuristic-0123456789ab',
    proposedVersion: 'heuristic-ba9876543210',
    nextCursor: null,
  },
);
export type DryRun = z.output<typeof dryRunSchema>;
