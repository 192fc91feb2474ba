import type { Draw } from '../engine/draw.js';

/** A time span with one arrival rate (a Poisson process). */
export interface Stretch {
  seconds: number;
  perSecond: number;
}
export type Load = Stretch[];

/** The share of a working day's leads per hour, with a peak of 2.3 times the average at ten. */
const WORKING_DAY = [1, 1, 1, 1, 1, 1.5, 2.5, 4, 6.5, 8.5, 9.5, 9, 7, 7.5, 8.5, 8, 6.5, 4.5, 3.5, 3, 2.5, 2, 1.5, 1];

export interface DayOptions {
  leadsPerDay: number;
  shape: 'working-day' | 'flat';
  /** A multiple of the day's average rate, in addition to the normal load; 0: none. */
  burst: number;
  burstSeconds: number;
  burstAtHour: number;
}

/** One day; the burst's leads are included. @throws Error if the burst alone exceeds the day. */
export function day(options: DayOptions): Load {
  const { leadsPerDay, shape, burst, burstSeconds, burstAtHour } = options;
  const average = leadsPerDay / 86_400;
  const inBurst = average * burst * burstSeconds;
  if (inBurst > leadsPerDay)
    throw new Error(
      `A burst of ${burst} times the average for ${burstSeconds} s is more than the whole day: make it shorter or lower.`,
    );
  const weights = shape === 'flat' ? WORKING_DAY.map(() => 1) : WORKING_DAY;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const rates = weights.map((weight) => ((leadsPerDay - inBurst) * weight) / total / 3600);
  const hours = rates.map((perSecond): Stretch => ({ seconds: 3600, perSecond }));
  if (inBurst === 0) return hours;
  // In the middle of its hour, in addition to the normal load.
  const { perSecond } = hours[burstAtHour]!;
  const side: Stretch = { seconds: (3600 - burstSeconds) / 2, perSecond };
  const peak: Stretch = { seconds: burstSeconds, perSecond: perSecond + average * burst };
  return [...hours.slice(0, burstAtHour), side, peak, side, ...hours.slice(burstAtHour + 1)];
}

export const secondsOf = (load: Load): number => load.reduce((sum, { seconds }) => sum + seconds, 0);
export const leadsOf = (load: Load): number => load.reduce((sum, { seconds, perSecond }) => sum + seconds * perSecond, 0);

/** Arrival times in milliseconds: a Poisson process of unit rate, mapped onto the load. */
export function* arrivals(load: Load, draw: Draw): Generator<number> {
  let due = draw.exponential(1);
  let began = 0;
  let passed = 0;
  for (const { seconds, perSecond } of load) {
    const inStretch = seconds * perSecond;
    while (due < passed + inStretch) {
      yield (began + (due - passed) / perSecond) * 1000;
      due += draw.exponential(1);
    }
    passed += inStretch;
    began += seconds;
  }
}
