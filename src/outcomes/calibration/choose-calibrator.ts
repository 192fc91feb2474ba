import { brier, rawPrediction } from '../statistics/score-quality.js';
import { together, totalOf, type ScoreCounts } from '../statistics/score-counts.js';
import { fitIsotonicCalibrator, fitPlatt, probabilityOf, type CalibrationMethod, type Calibrator } from './calibrator.js';

/** Fewer conversions do not allow a probability. */
export const LEAST_CONVERSIONS = 100;
/** scikit-learn advises against isotonic regression with far fewer than 1,000 samples: it overfits. */
const ISOTONIC_LEADS = 1000;
const ISOTONIC_CONVERSIONS = 120;

/** Leads by when they were synced: a calibrator is fitted on the earlier and judged by the later. */
export interface TimeSplit {
  earlier: ScoreCounts;
  later: ScoreCounts;
}

export interface ChosenCalibrator {
  calibrator: Calibrator;
  leads: number;
  conversions: number;
  /** Brier scores on the later leads, of what was fitted on the earlier ones. */
  outOfTime: { leads: number; conversions: number; raw: number; baseRate: number } & Partial<Record<CalibrationMethod, number>>;
}

export type Choice = { chosen: ChosenCalibrator } | { chosen: null; reason: string };

/** Chooses the method by its Brier score out of time, and fits it on all leads. */
export function chooseCalibrator({ earlier, later }: TimeSplit): Choice {
  const all = together(earlier, later);
  const { leads, conversions } = totalOf(all);
  if (conversions < LEAST_CONVERSIONS) return none(`${conversions} conversions; at least ${LEAST_CONVERSIONS} are needed`);
  if (leads - conversions < LEAST_CONVERSIONS)
    return none(`${leads - conversions} leads did not convert; at least ${LEAST_CONVERSIONS} are needed`);
  if (!fitPlatt(all)) return none('higher scores convert less often, so no calibrator describes them');
  const before = totalOf(earlier);
  const after = totalOf(later);
  if (before.leads === 0 || after.conversions === 0) return none('no conversions among the later leads to judge by');
  const base = before.conversions / before.leads;
  const fits: [CalibrationMethod, (counts: ScoreCounts) => Calibrator | null][] = [['platt', fitPlatt]];
  if (leads >= ISOTONIC_LEADS && conversions >= ISOTONIC_CONVERSIONS) fits.push(['isotonic', fitIsotonicCalibrator]);
  const outOfTime: ChosenCalibrator['outOfTime'] = {
    ...after,
    raw: brier(later, rawPrediction)!,
    baseRate: brier(later, () => base)!,
  };
  const candidates = fits.flatMap(([method, fit]) => {
    const fitted = fit(earlier);
    if (!fitted) return [];
    const error = brier(later, (score) => probabilityOf(fitted, score))!;
    outOfTime[method] = error;
    return [{ fit, error }];
  });
  const best = candidates.toSorted((a, b) => a.error - b.error)[0];
  const calibrator = best && best.error < outOfTime.baseRate ? best.fit(all) : null;
  return calibrator
    ? { chosen: { calibrator, leads, conversions, outOfTime } }
    : none('out of time no calibrator is better than the average conversion rate');
}

function none(reason: string): Choice {
  return { chosen: null, reason };
}
