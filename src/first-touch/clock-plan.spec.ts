import { describe, expect, it } from 'vitest';
import { firstTouchSchema } from '../routing/first-touch.schema.js';
import { workingCalendar, type CalendarSource, type WorkingCalendar } from '../routing/working-calendar.js';
import { afterQuietHours, minutesToTouch, planClock, slaMinutesOf } from './clock-plan.js';

const BERLIN: CalendarSource = { timeZone: 'Europe/Berlin', hours: { 'mon-fri': '09:00-17:00' } };
const NEVER: CalendarSource = { timeZone: 'UTC', hours: {} };

function calendarOf(source: CalendarSource): WorkingCalendar {
  const made = workingCalendar(source);
  if ('problems' in made) throw new Error(made.problems.join());
  return made.calendar;
}

describe('the plan of a clock', () => {
  const policy = firstTouchSchema.parse({ minutes: { hot: 60, other: 480 } });
  const plan = (startedAt: string, source: CalendarSource) => {
    const { dueAt, steps } = planClock(policy, 60, new Date(startedAt), calendarOf(source));
    return [dueAt.toISOString(), ...steps.map((step) => `${step.position} ${step.kind} ${step.dueAt.toISOString()}`)];
  };

  it('counts working time of the owner only', () => {
    // Friday 16:30 in Berlin: half an hour is left before the weekend.
    expect(plan('2026-11-27T15:30:00Z', BERLIN)).toEqual([
      '2026-11-30T08:30:00.000Z',
      '0 remind 2026-11-27T16:00:00.000Z',
      '1 manager 2026-11-30T08:30:00.000Z',
      '2 reassign 2026-11-30T09:00:00.000Z',
    ]);
  });

  it('counts wall time for an owner who never works, so that the lead goes on', () => {
    expect(plan('2026-11-28T12:00:00Z', NEVER)[0]).toBe('2026-11-28T13:00:00.000Z');
    expect(minutesToTouch(new Date(0), new Date(90_000), calendarOf(NEVER))).toBe(1.5);
    expect(minutesToTouch(new Date('2026-11-27T15:30:00Z'), new Date('2026-11-30T08:30:00Z'), calendarOf(BERLIN))).toBe(60);
  });

  it('orders the steps by their time, whatever their order in the rules', () => {
    const mixed = firstTouchSchema.parse({
      minutes: { other: 10 },
      steps: [
        { do: 'reassign', atPercent: 200 },
        { do: 'remind', atPercent: 10 },
      ],
    });
    const { steps } = planClock(mixed, 10, new Date(0), calendarOf({ timeZone: 'UTC' }));
    expect(steps.map(({ kind }) => kind)).toEqual(['remind', 'reassign']);
  });

  it.each([
    ['hot', 60],
    ['warm', 480],
    [null, 480],
  ])('has the minutes of the band %s', (band, minutes) => expect(slaMinutesOf(policy, band)).toBe(minutes));

  it('does not exist for a band without minutes', () => {
    expect(slaMinutesOf({ minutes: { hot: 5 } }, 'cold')).toBeNull();
  });
});

describe('quiet hours', () => {
  it.each([
    ['in the evening', '2026-11-27T20:30:00Z', '2026-11-28T07:00:00.000Z'],
    ['in the night', '2026-11-28T01:00:00Z', '2026-11-28T07:00:00.000Z'],
    ['by day', '2026-11-28T12:00:00Z', '2026-11-28T12:00:00.000Z'],
  ])('delay a notice %s', (_when, at, sentAt) => {
    expect(afterQuietHours(new Date(at), '20:00-08:00', 'Europe/Berlin').toISOString()).toBe(sentAt);
  });

  it('may end at midnight', () => {
    const sentAt = afterQuietHours(new Date('2026-11-27T22:30:00Z'), '20:00-24:00', 'UTC');
    expect(sentAt.toISOString()).toBe('2026-11-28T00:00:00.000Z');
  });

  it('delay nothing where there are none', () => {
    expect(afterQuietHours(new Date(5), undefined, 'Europe/Berlin')).toEqual(new Date(5));
  });
});
