import { DAY_MS, minutesOfDay, wallDay, wallMoment, ZoneClock } from './local-time.js';

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const MINUTE = 60_000;

/** What the rules file says about the time of a member. */
export interface CalendarSource {
  /** An IANA name, such as `Europe/Berlin`. */
  timeZone: string;
  /**
   * Working hours by days: `{"mon-fri": "09:00-12:00, 13:00-17:00", "sat": "10:00-14:00"}`. A range that ends before it
   * starts ends on the next day. Absent: always there. `{}`: never.
   */
  hours?: Readonly<Record<string, string>> | null | undefined;
  /**
   * Local dates, both included (`2026-12-24` to `2027-01-02`), or local times for parts of days
   * (`2026-12-24T12:00` to `2026-12-24T18:00`).
   */
  absences?: readonly { from: string; to: string }[] | undefined;
  /** Local dates on which the member does not work: `2026-12-25`. */
  holidays?: readonly string[] | undefined;
}

/** Milliseconds since 1970, start included, end not. */
export interface Interval {
  start: number;
  end: number;
}

/** A calendar that was checked and is ready for calculation. Holds no references to its source. */
export interface WorkingCalendar {
  clock: ZoneClock;
  /** Per weekday, Sunday first: minutes of the local day. An end above 1440 is on the next day. Null: always there. */
  shifts: readonly (readonly { from: number; to: number }[])[] | null;
  /** Sorted, without overlaps. */
  absent: readonly Interval[];
}

/**
 * Checks and prepares a calendar.
 * @returns the calendar, or every problem of the source in words that name the value.
 */
export function workingCalendar(source: CalendarSource): { calendar: WorkingCalendar } | { problems: string[] } {
  const problems: string[] = [];
  const clock = clockOf(source.timeZone, problems);
  const shifts = source.hours == null ? null : shiftsOf(source.hours, problems);
  const absent = clock ? absencesOf(source, clock, problems) : [];
  return clock && problems.length === 0 ? { calendar: { clock, shifts, absent: merged(absent) } } : { problems };
}

function clockOf(timeZone: string, problems: string[]): ZoneClock | null {
  try {
    return ZoneClock.of(timeZone);
  } catch {
    problems.push(`time zone "${timeZone}" is not an IANA name such as Europe/Berlin`);
    return null;
  }
}

function shiftsOf(hours: Readonly<Record<string, string>>, problems: string[]): { from: number; to: number }[][] {
  const shifts: { from: number; to: number }[][] = WEEKDAYS.map(() => []);
  for (const [days, ranges] of Object.entries(hours)) {
    const weekdays = weekdaysOf(days);
    if (!weekdays) problems.push(`hours: "${days}" is no day or range of days such as mon-fri`);
    for (const range of ranges.split(',')) {
      const shift = shiftOf(range);
      if (!shift) problems.push(`hours of ${days}: "${range.trim()}" is no range of times such as 09:00-17:00`);
      else for (const weekday of weekdays ?? []) shifts[weekday]?.push(shift);
    }
  }
  return shifts.map((ofDay) => ofDay.toSorted((a, b) => a.from - b.from));
}

/** The weekdays of a key of `hours`, Sunday 0; null where it is no day or range of days. */
export function weekdaysOf(text: string): number[] | null {
  const found: number[] = [];
  for (const part of text.toLowerCase().split(',')) {
    const [first, last = first, ...rest] = part.split('-').map((day) => WEEKDAYS.findIndex((name) => name === day.trim()));
    if (first === undefined || last === undefined || first < 0 || last < 0 || rest.length > 0) return null;
    for (let day = first; ; day = (day + 1) % 7) {
      found.push(day);
      if (day === last) break;
    }
  }
  return found;
}

function shiftOf(text: string): { from: number; to: number } | null {
  const [from, to, ...rest] = text.split('-').map(minutesOfDay);
  if (from == null || to == null || rest.length > 0 || from === to || from === 1440) return null;
  return { from, to: to < from ? to + 1440 : to };
}

function absencesOf(source: CalendarSource, clock: ZoneClock, problems: string[]): Interval[] {
  const absent: Interval[] = [];
  const add = (fromWall: number, toWall: number) =>
    absent.push({ start: clock.instantOf(fromWall), end: clock.instantOf(toWall) });
  for (const holiday of source.holidays ?? []) {
    const day = wallDay(holiday);
    if (day === null) problems.push(`holiday "${holiday}" is no date such as 2026-12-25`);
    else add(day, day + DAY_MS);
  }
  for (const { from, to } of source.absences ?? []) {
    const [first, last] = [wallMoment(from), wallMoment(to)];
    if (!first || !last) {
      problems.push(`absence "${from}" to "${to}" has no date such as 2026-12-24 or time such as 2026-12-24T12:00`);
      continue;
    }
    const end = last.wholeDay ? last.wall + DAY_MS : last.wall;
    if (end <= first.wall) problems.push(`absence "${from}" to "${to}" ends before it starts`);
    else add(first.wall, end);
  }
  return absent;
}

/** Sorted, without overlaps and without empty ones. */
export function merged(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const { start, end } of intervals.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (end <= start) continue;
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** When a shift of the local day that starts at `wallDayStart` is worked, before absences. */
export function shiftInterval(clock: ZoneClock, wallDayStart: number, shift: { from: number; to: number }): Interval {
  return {
    start: clock.instantOf(wallDayStart + shift.from * MINUTE),
    end: clock.instantOf(wallDayStart + shift.to * MINUTE),
  };
}
