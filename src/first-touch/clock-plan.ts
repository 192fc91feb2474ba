import { addBusinessTime, businessMinutesBetween, nextWorkingTime } from '../routing/business-time.js';
import { hoursWithout, type FirstTouchPolicy, type StepKind } from '../routing/first-touch.schema.js';
import { workingCalendar, type WorkingCalendar } from '../routing/working-calendar.js';

const MINUTE_MS = 60_000;

export interface PlannedStep {
  position: number;
  kind: StepKind;
  dueAt: Date;
}

/** When the SLA of a clock ends, and what is due when. */
export interface ClockPlan {
  dueAt: Date;
  steps: PlannedStep[];
}

/** The minutes that an owner has for a lead of this band; null where such a lead has no clock. */
export function slaMinutesOf(policy: Pick<FirstTouchPolicy, 'minutes'>, band: string | null): number | null {
  const { hot, warm, cold, other } = policy.minutes;
  const named = band === 'hot' ? hot : band === 'warm' ? warm : band === 'cold' ? cold : undefined;
  return named ?? other ?? null;
}

/**
 * The plan of a clock that starts now, in working time of the owner. Of an owner who never works, in wall time: the
 * lead then goes to another one.
 */
export function planClock(
  policy: Pick<FirstTouchPolicy, 'steps'>,
  slaMinutes: number,
  startedAt: Date,
  calendar: WorkingCalendar,
): ClockPlan {
  const at = (minutes: number) =>
    addBusinessTime(startedAt, minutes, calendar) ?? new Date(startedAt.getTime() + minutes * MINUTE_MS);
  const steps = policy.steps
    .map(({ do: kind, atPercent }) => ({ kind, dueAt: at((slaMinutes * atPercent) / 100) }))
    .toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
  return { dueAt: at(slaMinutes), steps: steps.map((step, position) => ({ position, ...step })) };
}

/** Working time of the owner from the start to the touch, in minutes; in wall time where the owner never works. */
export function minutesToTouch(startedAt: Date, touchedAt: Date, calendar: WorkingCalendar): number {
  return nextWorkingTime(startedAt, calendar) === null
    ? Math.max(0, (touchedAt.getTime() - startedAt.getTime()) / MINUTE_MS)
    : businessMinutesBetween(startedAt, touchedAt, calendar);
}

/** When a notice may be sent that is ready at `at`: at once, or after the quiet hours of the recipient. */
export function afterQuietHours(at: Date, quietHours: string | undefined, timeZone: string): Date {
  if (quietHours === undefined) return at;
  const made = workingCalendar({ timeZone, hours: hoursWithout(quietHours) });
  // The range was checked with the rules, and `timeZone` is that of a calendar.
  return 'calendar' in made ? (nextWorkingTime(at, made.calendar) ?? at) : at;
}
