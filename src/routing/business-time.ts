import { DAY_MS } from './local-time.js';
import { merged, shiftInterval, type Interval, type WorkingCalendar } from './working-calendar.js';

const MINUTE = 60_000;
/** How far a search for working time goes. A member without an hour of work in this time counts as never there. */
const HORIZON_DAYS = 400;

/** True where the member works at `at`: within hours, not absent, no holiday. */
export function isWorking(at: Date, calendar: WorkingCalendar): boolean {
  const instant = at.getTime();
  for (const { start, end } of workingIntervals(calendar, instant, instant + 1)) {
    if (start <= instant && instant < end) return true;
  }
  return false;
}

/** `at` where the member works then, else the start of the next working time; null where there is none in 400 days. */
export function nextWorkingTime(at: Date, calendar: WorkingCalendar): Date | null {
  const instant = at.getTime();
  for (const { start } of workingIntervals(calendar, instant, instant + HORIZON_DAYS * DAY_MS)) return new Date(start);
  return null;
}

/**
 * The moment at which `minutes` of working time have passed since `from`. The time outside of the calendar does not
 * count. Zero minutes are `from`.
 * @returns null where the calendar has not so much working time in the 400 days after each stretch of work.
 */
export function addBusinessTime(from: Date, minutes: number, calendar: WorkingCalendar): Date | null {
  let missing = Math.round(minutes * MINUTE);
  if (missing <= 0) return new Date(from);
  let cursor = from.getTime();
  for (;;) {
    const before = cursor;
    for (const { start, end } of workingIntervals(calendar, cursor, cursor + HORIZON_DAYS * DAY_MS)) {
      if (end - start >= missing) return new Date(start + missing);
      missing -= end - start;
      cursor = end;
    }
    if (cursor === before) return null;
  }
}

/** Minutes of working time from `a` to `b`, with fractions; 0 where `b` is not after `a`. */
export function businessMinutesBetween(a: Date, b: Date, calendar: WorkingCalendar): number {
  let total = 0;
  for (const { start, end } of workingIntervals(calendar, a.getTime(), b.getTime())) total += end - start;
  return total / MINUTE;
}

/** The working time within [from, to), in order, without overlaps. */
function* workingIntervals(calendar: WorkingCalendar, from: number, to: number): Generator<Interval> {
  if (to <= from) return;
  if (calendar.shifts === null) {
    yield* withoutAbsences({ start: from, end: to }, calendar.absent);
    return;
  }
  const { clock, shifts } = calendar;
  // A shift of the day before may end today; a day of 25 hours makes the last local day start later than expected.
  const firstDay = Math.floor(clock.wallTime(from) / DAY_MS) - 1;
  const lastDay = Math.floor(clock.wallTime(to) / DAY_MS) + 1;
  let done = from;
  for (let day = firstDay; day <= lastDay && done < to; day += 1) {
    const weekday = (((day + 4) % 7) + 7) % 7;
    const ofDay = (shifts[weekday] ?? []).map((shift) => shiftInterval(clock, day * DAY_MS, shift));
    for (const { start, end } of merged(ofDay)) {
      // A night shift and the morning shift after it may overlap: `done` keeps each minute from counting twice.
      const cut = { start: Math.max(start, done), end: Math.min(end, to) };
      if (cut.end <= cut.start) continue;
      yield* withoutAbsences(cut, calendar.absent);
      done = cut.end;
    }
  }
}

function* withoutAbsences(interval: Interval, absent: readonly Interval[]): Generator<Interval> {
  let { start } = interval;
  for (let index = firstEndingAfter(absent, start); index < absent.length; index += 1) {
    const gap = absent[index];
    if (!gap || gap.start >= interval.end) break;
    if (gap.start > start) yield { start, end: gap.start };
    start = Math.max(start, gap.end);
  }
  if (start < interval.end) yield { start, end: interval.end };
}

/** The index of the first absence that ends after `instant`, by bisection: calendars may have years of holidays. */
function firstEndingAfter(absent: readonly Interval[], instant: number): number {
  let [low, high] = [0, absent.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((absent[middle]?.end ?? 0) > instant) high = middle;
    else low = middle + 1;
  }
  return low;
}
