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

/** Milliseconds from `now` until the next midnight in Chicago. Days with a change of the clock have 23 or 25 hours. */
export function untilQuotaReset(now: number): number {
  const left = DAY_MS - clockOf(now);
  const drift = clockOf(now + left);
  if (drift === 0) return left;
  return drift <= HOUR_MS ? left - drift : left + (DAY_MS - drift);
}
