import type { ShownClock } from '../first-touch/first-touch-report.repository.js';
import type { Times } from './format-time.js';

/** The clocks of a lead until the first touch, one line each, with their steps below. */
export function firstTouchLines(clocks: ShownClock[], times: Times): string[] {
  return clocks.flatMap((clock) => [
    `First touch: owner ${clock.ownerId}, ${clock.slaMinutes} min of working time, ${stateOf(clock, times)}`,
    ...clock.steps.map(({ kind, dueAt, outcome }) => `  ${kind}, due ${times.full(dueAt)}: ${outcome ?? 'open'}`),
  ]);
}

function stateOf({ startedAt, dueAt, touch, touchedAt, businessMinutes, endReason }: ShownClock, times: Times): string {
  if (touchedAt !== null && businessMinutes !== null)
    return `${touch} after ${businessMinutes.toFixed(1)} min, at ${times.full(touchedAt)}`;
  if (endReason !== null) return `ended: ${endReason}`;
  return startedAt === null || dueAt === null ? 'not in the CRM yet' : `due ${times.full(dueAt)}`;
}
