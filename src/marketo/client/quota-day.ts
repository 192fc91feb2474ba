/** Where Marketo's day begins: quotas are free again at 00:00 there. */
const TIME = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'America/Chicago',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Milliseconds since midnight by the clock of Chicago. */
function clockOf(at: number): number {
  const part = Object.fromEntries(TIME.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return ((part['hour']! * 60 + part['minute']!) * 60 + part['second']!) * 1000 + (((at % 1000) + 1000) % 1000);
}

const DATE = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Chicago' });
/** For so long after midnight, a quota that is used up may be that of the day before. */
const SETTLING_MS = 30 * 60_000;
const ASK_AGAIN_MS = 5 * 60_000;

/** The date of Marketo's day, as 2026-11-27. */
export const quotaDate = (now: number): string => DATE.format(now);

/**
 * How long to wait at `now`, in milliseconds, where the quota of the day is used up. Marketo's clock may be behind
 * ours, and a wait for the next midnight would then cost a whole day: soon after midnight it is asked again.
 */
export function untilQuotaReset(now: number): number {
  return clockOf(now) < SETTLING_MS ? ASK_AGAIN_MS : untilMidnight(now);
}

/** Milliseconds until the next midnight in Chicago. Days with a change of the clock have 23 or 25 hours. */
function untilMidnight(now: number): number {
  const left = DAY_MS - clockOf(now);
  const drift = clockOf(now + left);
  if (drift === 0) return left;
  return drift <= HOUR_MS ? left - drift : left + (DAY_MS - drift);
}
