import { z } from 'zod';
import { SCORES, sum, type ScoreCounts } from '../statistics/score-counts.js';
import { fitIsotonic, interpolate, knotsOf } from './isotonic.js';
import { fitSigmoid, sigmoidAt } from './platt.js';

/** A function from scores to probabilities, as it is stored. */
export const calibratorSchema = z.discriminatedUnion('method', [
  z.object({ method: z.literal('platt'), a: z.number(), b: z.number() }),
  z.object({ method: z.literal('isotonic'), knots: z.array(z.object({ x: z.number(), y: z.number() })).min(1) }),
]);
export type Calibrator = z.output<typeof calibratorSchema>;
export type CalibrationMethod = Calibrator['method'];

/** The probability that a lead with this score converts; it never falls as the score rises. */
export function probabilityOf(calibrator: Calibrator, score: number): number {
  return calibrator.method === 'platt' ? sigmoidAt(calibrator, logOdds(score)) : interpolate(calibrator.knots, score);
}

/** Scores 0 and 100 have no finite log odds: the scale is narrowed by half a point at each end. */
function logOdds(score: number): number {
  const share = (score + 0.5) / SCORES;
  return Math.log(share / (1 - share));
}

/** Null where higher scores convert less often: then no non-decreasing function describes them. */
export function fitPlatt({ leads, conversions }: ScoreCounts): Calibrator | null {
  const points = leads.flatMap((all, score) => {
    const positives = conversions[score]!;
    return all === 0 ? [] : [{ x: logOdds(score), positives, negatives: all - positives }];
  });
  const { a, b } = fitSigmoid(points);
  return a <= 0 ? { method: 'platt', a, b } : null;
}

/** Probabilities stay within 1/(n+2) and (n+1)/(n+2): n outcomes cannot give certainty. */
export function fitIsotonicCalibrator({ leads, conversions }: ScoreCounts): Calibrator {
  const points = leads.flatMap((weight, score) => (weight === 0 ? [] : [{ x: score, y: conversions[score]! / weight, weight }]));
  const all = sum(leads);
  const [low, high] = [1 / (all + 2), (all + 1) / (all + 2)];
  const fitted = fitIsotonic(points).map((y) => Math.min(high, Math.max(low, y)));
  return { method: 'isotonic', knots: knotsOf(points, fitted) };
}
