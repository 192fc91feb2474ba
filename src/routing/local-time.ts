const MINUTE = 60_000;
export const DAY_MS = 86_400_000;

/** Zones whose offsets are kept. Each has at most KEPT_DAYS days; the oldest entries leave first. */
const KEPT_ZONES = 600;
const KEPT_DAYS = 1500;

/**
 * The wall clock of one IANA time zone. Offsets are kept per UTC day: a decision reads the calendars of hundreds of
 * members, and `Intl` takes microseconds per call.
 */
export class ZoneClock {
  private readonly format: Intl.DateTimeFormat;
  /** The offset of each UTC day on which it does not change; null where it changes within the day. */
  private readonly dayOffsets = new Map<number, number | null>();

  private constructor(readonly timeZone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  private static readonly clocks = new Map<string, ZoneClock>();

  /** @throws RangeError where the runtime does not know the zone. */
  static of(timeZone: string): ZoneClock {
    const kept = ZoneClock.clocks.get(timeZone);
    if (kept) return kept;
    const clock = new ZoneClock(timeZone);
    if (ZoneClock.clocks.size >= KEPT_ZONES) ZoneClock.clocks.clear();
    ZoneClock.clocks.set(timeZone, clock);
    return clock;
  }

  /** The wall clock at an instant, as milliseconds since 1970-01-01T00:00 of the wall clock. */
  wallTime(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /**
   * The instant at which the wall clock shows `wall`. A time that the clock skips (spring) is the moment of the skip; a
   * time that it shows twice (autumn) is the first of the two.
   */
  instantOf(wall: number): number {
    const before = this.offsetAt(wall - DAY_MS);
    const after = this.offsetAt(wall + DAY_MS);
    if (before === after && this.wallTime(wall - before) === wall) return wall - before;
    const early = wall - Math.max(before, after);
    const late = wall - Math.min(before, after);
    if (this.wallTime(early) === wall) return early;
    if (this.wallTime(late) === wall) return late;
    return this.firstInstantAfter(wall, early - DAY_MS, late + DAY_MS);
  }

  /** The first instant at which the wall clock is at or past `wall`. It only moves forward within the bounds. */
  private firstInstantAfter(wall: number, low: number, high: number): number {
    while (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2);
      if (this.wallTime(middle) >= wall) high = middle;
      else low = middle;
    }
    return high;
  }

  private offsetAt(instant: number): number {
    const day = Math.floor(instant / DAY_MS);
    let offset = this.dayOffsets.get(day);
    if (offset === undefined) {
      const first = this.readOffset(day * DAY_MS);
      offset = first === this.readOffset((day + 1) * DAY_MS) ? first : null;
      if (this.dayOffsets.size >= KEPT_DAYS) this.dayOffsets.clear();
      this.dayOffsets.set(day, offset);
    }
    return offset ?? this.readOffset(instant);
  }

  private readOffset(instant: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.format.formatToParts(instant)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    return wall - Math.floor(instant / 1000) * 1000;
  }
}

/** Minutes of a wall clock time `HH:MM`; `24:00` is the end of the day. Null where the text is no time. */
export function minutesOfDay(text: string): number | null {
  const found = /^(\d{1,2}):(\d\d)$/.exec(text.trim());
  if (!found) return null;
  const [hours, minutes] = [Number(found[1]), Number(found[2])];
  return minutes < 60 && hours * 60 + minutes <= 1440 ? hours * 60 + minutes : null;
}

/** The start of a local day `YYYY-MM-DD` on the wall clock. Null where the text is no date of the calendar. */
export function wallDay(text: string): number | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text.trim());
  if (!found) return null;
  const wall = Date.UTC(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
  return new Date(wall).toISOString().startsWith(text.trim()) ? wall : null;
}

/** A local date or date and time, `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM`, on the wall clock. Null where it is neither. */
export function wallMoment(text: string): { wall: number; wholeDay: boolean } | null {
  const [date = '', time, ...rest] = text.trim().split('T');
  const day = wallDay(date);
  if (day === null || rest.length > 0) return null;
  if (time === undefined) return { wall: day, wholeDay: true };
  const minutes = minutesOfDay(time.replace(/^(\d{1,2}:\d\d):00$/, '$1'));
  return minutes === null ? null : { wall: day + minutes * MINUTE, wholeDay: false };
}
