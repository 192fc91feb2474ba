import { setImmediate as turn } from 'node:timers/promises';
import { probabilityOf, type Calibrator } from './calibration/calibrator.js';
import { LEAST_CONVERSIONS } from './calibration/choose-calibrator.js';
import type { Target } from './outcome.js';
import type { Cells, CellsBySegment } from './score-cells.repository.js';
import { bootstrapIntervals } from './statistics/bootstrap.js';
import { driftLevelOf, stabilityIndex, type DriftLevel } from './statistics/drift.js';
import { INTERVAL_LEVEL, wilson, type Interval, type Share } from './statistics/intervals.js';
import {
  binOf,
  equalMassBins,
  MAX_SCORE,
  noCounts,
  sum,
  totalOf,
  type ScoreBin,
  type ScoreCounts,
} from './statistics/score-counts.js';
import {
  auc,
  brier,
  brierParts,
  calibrationError,
  lifts,
  rawPrediction,
  reliability,
  type BrierParts,
  type Lift,
  type Prediction,
  type ReliabilityPoint,
} from './statistics/score-quality.js';

/** The lowest scores of the bands `warm` and `hot`; below is `cold`. */
export interface BandLimits {
  warm: number;
  hot: number;
}

/** `() => Promise<BandLimits>`: those of the scoring profile in use. */
export const BAND_LIMITS = Symbol('Limits of the bands');

export interface RatedBin extends ScoreBin {
  rate: Share;
}

export interface RatedBand extends RatedBin {
  band: 'cold' | 'warm' | 'hot';
}

export interface Figure extends Interval {
  value: number;
}

/** How well the scores rank and predict. Figures are null where there are too few outcomes to say. */
export interface Quality {
  leads: number;
  conversions: number;
  rate: Share;
  /** Whether there are enough outcomes; else `reason` says what is missing. */
  enough: boolean;
  reason: string | null;
  auc: Figure | null;
  brier: Figure | null;
}

export interface SegmentQuality extends Quality {
  group: string;
  immature: number;
}

export interface OutcomesReport {
  at: string;
  target: Target;
  horizonDays: number;
  intervalLevel: number;
  /** Whether all leads that reached the CRM are in the report. */
  complete: boolean;
  immature: { leads: number; conversions: number };
  convertedBefore: number;
  overall: Quality & { brierParts: BrierParts | null; calibrationError: number | null };
  bands: RatedBand[];
  deciles: RatedBin[];
  lift: Lift[];
  /** What the predictions of the diagram are: the score as it is, or the active calibration. */
  prediction: 'score' | 'calibration';
  reliability: ReliabilityPoint[];
  drift: { weeks: { week: number; leads: number; index: number | null; level: DriftLevel | null }[] };
  /** The score from which on so many leads a day arrive, by the last four weeks; null without `capacity`. */
  capacity: { leadsPerDay: number; score: number | null } | null;
  by: Record<keyof CellsBySegment, SegmentQuality[]>;
  notes: string[];
}

export interface ReportParts {
  now: Date;
  target: Target;
  horizonDays: number;
  capacity: number | undefined;
  complete: boolean;
  all: Cells;
  by: CellsBySegment;
  /** Leads by score of the last weeks, this one first. */
  weeks: number[][];
  calibrator: Calibrator | null;
  limits: BandLimits;
}

export async function reportOf(parts: ReportParts): Promise<OutcomesReport> {
  const { now, target, horizonDays, capacity, complete, all, by, weeks, calibrator, limits } = parts;
  const { mature, immature, convertedBefore } = all;
  const predict: Prediction = calibrator ? (score) => probabilityOf(calibrator, score) : rawPrediction;
  const overall = await qualityOf(mature);
  return {
    at: now.toISOString(),
    target,
    horizonDays,
    intervalLevel: INTERVAL_LEVEL,
    complete,
    immature,
    convertedBefore,
    overall: {
      ...overall,
      brierParts: overall.enough ? brierParts(mature) : null,
      calibrationError: overall.enough ? calibrationError(mature, predict) : null,
    },
    bands: bandsOf(mature, limits),
    deciles: equalMassBins(mature, 10).map(rated),
    lift: overall.enough ? lifts(mature) : [],
    prediction: calibrator ? 'calibration' : 'score',
    reliability: overall.enough ? reliability(mature, predict) : [],
    drift: { weeks: driftOf(weeks) },
    capacity: capacity === undefined ? null : { leadsPerDay: capacity, score: thresholdFor(capacity, weeks) },
    by: {
      scorerVersion: await segmentsOf(by.scorerVersion),
      campaignId: await segmentsOf(by.campaignId),
      scoreSource: await segmentsOf(by.scoreSource),
    },
    notes: notesOf({ overall, complete, immature: immature.leads, convertedBefore, horizonDays }),
  };
}

function bandsOf(counts: ScoreCounts, { warm, hot }: BandLimits): RatedBand[] {
  const bins = { cold: [0, warm - 1], warm: [warm, hot - 1], hot: [hot, MAX_SCORE] } as const;
  return Object.entries(bins).map(([band, [from, to]]) => ({
    band: band as RatedBand['band'],
    ...rated(binOf(counts, from, to)),
  }));
}

function rated(bin: ScoreBin): RatedBin {
  return { ...bin, rate: wilson(bin.conversions, bin.leads) };
}

/** Other requests get a turn before each: the intervals take some milliseconds of this process. */
async function qualityOf(counts: ScoreCounts): Promise<Quality> {
  await turn();
  const { leads, conversions } = totalOf(counts);
  const reason = missingIn(leads, conversions);
  const figures = [auc, (sample: ScoreCounts) => brier(sample)];
  const intervals = reason === null ? bootstrapIntervals(counts, figures) : [];
  const [ofAuc, ofBrier] = figures.map((figureOf, index): Figure | null => {
    const value = figureOf(counts);
    const interval = intervals[index];
    return value === null || !interval ? null : { value, ...interval };
  });
  return {
    leads,
    conversions,
    rate: wilson(conversions, leads),
    enough: reason === null,
    reason,
    auc: ofAuc!,
    brier: ofBrier!,
  };
}

async function segmentsOf(groups: { group: string; cells: Cells }[]): Promise<SegmentQuality[]> {
  const rated: SegmentQuality[] = [];
  for (const { group, cells } of groups)
    rated.push({ group, immature: cells.immature.leads, ...(await qualityOf(cells.mature)) });
  return rated;
}

function missingIn(leads: number, conversions: number): string | null {
  const others = leads - conversions;
  const needed = `at least ${LEAST_CONVERSIONS} are needed`;
  if (conversions < LEAST_CONVERSIONS) return `Not enough to say: ${conversions} conversions, and ${needed}.`;
  if (others < LEAST_CONVERSIONS) return `Not enough to say: ${others} leads without a conversion, and ${needed}.`;
  return null;
}

/** Each of the last weeks against the weeks before it together. */
function driftOf(weeks: number[][]): OutcomesReport['drift']['weeks'] {
  return weeks.slice(0, -1).map((scores, week) => {
    const before = weeks
      .slice(week + 1)
      .reduce((total, older) => total.map((count, score) => count + older[score]!), noCounts().leads);
    const index = stabilityIndex(before, scores);
    return { week, leads: sum(scores), index, level: index === null ? null : driftLevelOf(index) };
  });
}

/** Null where even the leads with the highest score are more than that, or none came. */
function thresholdFor(leadsPerDay: number, weeks: number[][]): number | null {
  const recent = weeks.slice(0, 4);
  const room = leadsPerDay * 7 * recent.length;
  let [above, threshold]: [number, number | null] = [0, null];
  for (let score = MAX_SCORE; score >= 0; score--) {
    above += recent.reduce((count, week) => count + week[score]!, 0);
    if (above > room) break;
    threshold = score;
  }
  return above === 0 ? null : threshold;
}

interface NoteFacts {
  overall: Quality;
  complete: boolean;
  immature: number;
  convertedBefore: number;
  horizonDays: number;
}

function notesOf({ overall, complete, immature, convertedBefore, horizonDays }: NoteFacts): string[] {
  return [
    ...(complete ? [] : ['Leads are still being copied for this report; ask again in a minute.']),
    ...(overall.reason === null ? [] : [overall.reason]),
    ...(immature === 0 ? [] : [`${immature} leads are younger than ${horizonDays} days and are left out, converted or not.`]),
    ...(convertedBefore === 0 ? [] : [`${convertedBefore} leads had converted before their first score and are left out.`]),
    'Leads with high scores may get better service, so part of their conversion can be an effect of the score.',
  ];
}
