import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addBusinessTime, businessMinutesBetween, isWorking, nextWorkingTime } from './business-time.js';
import { workingCalendar, type CalendarSource, type WorkingCalendar } from './working-calendar.js';

const BERLIN: CalendarSource = { timeZone: 'Europe/Berlin', hours: { 'mon-fri': '09:00-17:00' } };

function calendarOf(source: CalendarSource): WorkingCalendar {
  const made = workingCalendar(source);
  if ('problems' in made) throw new Error(made.problems.join('; '));
  return made.calendar;
}

const added = (from: string, minutes: number, source: CalendarSource) =>
  addBusinessTime(new Date(from), minutes, calendarOf(source))?.toISOString() ?? null;
const between = (a: string, b: string, source: CalendarSource) =>
  businessMinutesBetween(new Date(a), new Date(b), calendarOf(source));

describe('addBusinessTime', () => {
  it.each([
    ['within the day', '2026-11-27T10:00:00Z', 60, BERLIN, '2026-11-27T11:00:00.000Z'],
    ['over the night', '2026-11-26T15:30:00Z', 60, BERLIN, '2026-11-27T08:30:00.000Z'],
    ['over the weekend', '2026-11-27T15:30:00Z', 60, BERLIN, '2026-11-30T08:30:00.000Z'],
    ['from before the start of the day', '2026-11-27T05:00:00Z', 15, BERLIN, '2026-11-27T08:15:00.000Z'],
    ['to the last moment of the day', '2026-11-27T15:00:00Z', 60, BERLIN, '2026-11-27T16:00:00.000Z'],
    ['zero minutes', '2026-11-28T12:00:00Z', 0, BERLIN, '2026-11-28T12:00:00.000Z'],
    [
      'over the start of summer time: Monday starts an hour earlier in UTC',
      '2026-03-27T15:30:00Z',
      60,
      BERLIN,
      '2026-03-30T07:30:00.000Z',
    ],
    ['over the end of summer time', '2026-10-23T14:30:00Z', 60, BERLIN, '2026-10-26T08:30:00.000Z'],
    [
      'a night shift of the change to summer time has seven hours',
      '2026-03-28T21:00:00Z',
      420,
      { timeZone: 'Europe/Berlin', hours: { sat: '22:00-06:00' } },
      '2026-03-29T04:00:00.000Z',
    ],
    [
      'a night shift of the change to winter time has nine hours',
      '2026-10-24T20:00:00Z',
      540,
      { timeZone: 'Europe/Berlin', hours: { sat: '22:00-06:00' } },
      '2026-10-25T05:00:00.000Z',
    ],
    [
      'a half-day absence',
      '2026-11-27T10:30:00Z',
      60,
      { ...BERLIN, absences: [{ from: '2026-11-27T12:00', to: '2026-11-27T24:00' }] },
      '2026-11-30T08:30:00.000Z',
    ],
    [
      'absences that touch, with the last day included',
      '2026-12-23T15:30:00Z',
      60,
      {
        ...BERLIN,
        absences: [
          { from: '2026-12-24', to: '2026-12-31' },
          { from: '2027-01-01', to: '2027-01-01' },
        ],
      },
      '2027-01-04T08:30:00.000Z',
    ],
    ['a public holiday', '2026-12-24T15:30:00Z', 60, { ...BERLIN, holidays: ['2026-12-25'] }, '2026-12-28T08:30:00.000Z'],
    [
      'a lunch break',
      '2026-11-27T11:30:00Z',
      60,
      { timeZone: 'Europe/London', hours: { fri: '09:00-12:00, 13:00-17:00' } },
      '2026-11-27T13:30:00.000Z',
    ],
    ['no hours: always there', '2026-11-28T23:30:00Z', 60, { timeZone: 'UTC' }, '2026-11-29T00:30:00.000Z'],
    [
      'an offset of 45 minutes',
      '2026-11-27T03:00:00Z',
      30,
      { timeZone: 'Asia/Kathmandu', hours: { fri: '09:00-17:00' } },
      '2026-11-27T03:45:00.000Z',
    ],
    [
      'a zone that starts summer time at midnight',
      '2026-09-05T20:00:00Z',
      60,
      { timeZone: 'America/Santiago', hours: { sun: '00:00-02:00' } },
      '2026-09-06T05:00:00.000Z',
    ],
  ] as [string, string, number, CalendarSource, string][])('%s', (_what, from, minutes, source, due) => {
    expect(added(from, minutes, source)).toBe(due);
  });

  it('has no answer where the member is never there', () => {
    expect(added('2026-11-27T10:00:00Z', 1, { timeZone: 'UTC', hours: {} })).toBeNull();
    expect(nextWorkingTime(new Date(), calendarOf({ timeZone: 'UTC', hours: {} }))).toBeNull();
    const gone = { timeZone: 'UTC', absences: [{ from: '2000-01-01', to: '2999-12-31' }] };
    expect(added('2026-11-27T10:00:00Z', 1, gone)).toBeNull();
  });
});

describe('businessMinutesBetween', () => {
  it.each([
    ['a week', '2026-11-23T00:00:00Z', '2026-11-30T00:00:00Z', BERLIN, 5 * 480],
    ['the wrong way round', '2026-11-30T00:00:00Z', '2026-11-23T00:00:00Z', BERLIN, 0],
    [
      'overlapping shifts count once',
      '2026-11-27T00:00:00Z',
      '2026-11-28T00:00:00Z',
      { timeZone: 'UTC', hours: { thu: '22:00-06:00', fri: '04:00-08:00, 07:00-09:00' } },
      540,
    ],
  ] as [string, string, string, CalendarSource, number][])('%s', (_what, a, b, source, minutes) => {
    expect(between(a, b, source)).toBe(minutes);
  });
});

describe('workingCalendar', () => {
  it('names each value that it cannot read', () => {
    const made = workingCalendar({
      timeZone: 'Mars/Olympus',
      hours: { 'mon-fry': '09:00-17:00', sat: '9-17', sun: '09:00-09:00' },
    });
    expect(made).toEqual({
      problems: [
        'time zone "Mars/Olympus" is not an IANA name such as Europe/Berlin',
        'hours: "mon-fry" is no day or range of days such as mon-fri',
        'hours of sat: "9-17" is no range of times such as 09:00-17:00',
        'hours of sun: "09:00-09:00" is no range of times such as 09:00-17:00',
      ],
    });
    const absences = [
      { from: '2026-02-30', to: '2026-03-01' },
      { from: '2026-03-02', to: '2026-03-01' },
    ];
    expect(workingCalendar({ timeZone: 'UTC', absences, holidays: ['Christmas'] })).toEqual({
      problems: [
        'holiday "Christmas" is no date such as 2026-12-25',
        'absence "2026-02-30" to "2026-03-01" has no date such as 2026-12-24 or time such as 2026-12-24T12:00',
        'absence "2026-03-02" to "2026-03-01" ends before it starts',
      ],
    });
  });

  it('reads weekdays around the end of the week', () => {
    const weekend = calendarOf({ timeZone: 'UTC', hours: { 'sat-mon': '00:00-24:00' } });
    expect(isWorking(new Date('2026-11-29T12:00:00Z'), weekend)).toBe(true);
    expect(isWorking(new Date('2026-11-30T23:59:59Z'), weekend)).toBe(true);
    expect(isWorking(new Date('2026-12-01T00:00:00Z'), weekend)).toBe(false);
  });
});

describe('laws', () => {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/Santiago', 'UTC'];
  const at = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
  const time = (low: number, high: number) =>
    fc
      .integer({ min: low, max: high })
      .map((n) => `${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`);
  const day = at.map((date) => date.toISOString().slice(0, 10));
  const days = fc.constantFrom('mon-fri', 'sun', 'sat-sun', 'wed', 'mon,thu');
  const source = fc.record({
    timeZone: fc.constantFrom(...zones),
    // From 04:00: the clock is not changed later than that, so that the wall clock decides alone.
    hours: fc.option(
      fc.dictionary(
        days,
        fc.tuple(time(240, 720), time(721, 1440)).map(([a, b]) => `${a}-${b}`),
        { minKeys: 1 },
      ),
    ),
    absences: fc.array(
      fc
        .tuple(day, day)
        .map(([a, b]) => (a < b ? { from: a, to: b.slice(0, 8) + '28' } : { from: b, to: a }))
        .filter(({ from, to }) => from <= to && Date.parse(to) - Date.parse(from) < 40 * 86_400_000),
      { maxLength: 3 },
    ),
    holidays: fc.array(day, { maxLength: 5 }),
  });
  const calendars = source.map((from) => ({ from, calendar: calendarOf(from) }));
  const minutes = fc.integer({ min: 1, max: 6000 });

  it('works exactly where the wall clock of the member says so', () => {
    fc.assert(
      fc.property(calendars, at, ({ from, calendar }, when) => {
        expect(isWorking(when, calendar)).toBe(wallClockSaysWorking(from, when));
      }),
      { numRuns: 500 },
    );
  });

  it('adds what it measures, in any number of parts, and ends within working time', () => {
    fc.assert(
      fc.property(calendars, at, minutes, minutes, ({ calendar }, from, a, b) => {
        const first = addBusinessTime(from, a, calendar);
        const both = addBusinessTime(from, a + b, calendar);
        if (!first || !both) return;
        expect(businessMinutesBetween(from, first, calendar)).toBeCloseTo(a, 6);
        expect(addBusinessTime(first, b, calendar)).toEqual(both);
        expect(both.getTime()).toBeGreaterThan(first.getTime());
        expect(isWorking(new Date(first.getTime() - 1), calendar)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('finds the next working time and none before it', () => {
    fc.assert(
      fc.property(calendars, at, ({ calendar }, from) => {
        const next = nextWorkingTime(from, calendar);
        if (!next) return;
        expect(isWorking(next, calendar)).toBe(true);
        expect(next.getTime()).toBeGreaterThanOrEqual(from.getTime());
        expect(businessMinutesBetween(from, next, calendar)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

/** The definition, read off `Intl` directly. */
function wallClockSaysWorking(source: CalendarSource, when: Date): boolean {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: source.timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      weekday: 'short',
      hourCycle: 'h23',
    })
      .formatToParts(when)
      .map(({ type, value }) => [type, value]),
  );
  const date = `${parts['year']}-${parts['month']}-${parts['day']}`;
  const clock = `${parts['hour']}:${parts['minute']}`;
  const weekday = (parts['weekday'] ?? '').toLowerCase();
  if (source.holidays?.includes(date)) return false;
  if (source.absences?.some(({ from, to }) => from <= date && date <= to)) return false;
  if (!source.hours) return true;
  const groups: Record<string, string[]> = {
    'mon-fri': ['mon', 'tue', 'wed', 'thu', 'fri'],
    sun: ['sun'],
    'sat-sun': ['sat', 'sun'],
    wed: ['wed'],
    'mon,thu': ['mon', 'thu'],
  };
  return Object.entries(source.hours).some(([days, range]) => {
    const [from = '', to = ''] = range.split('-');
    return (groups[days]?.includes(weekday) ?? false) && from <= clock && clock < to;
  });
}
