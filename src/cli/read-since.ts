import { InvalidArgumentError } from 'commander';

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `Date.parse` reads a number as a month or a year, and `Nov 1` in 2001. */
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** The 31st of a short month would become the 1st of the next one. */
function timeOf(text: string): number {
  const day = Date.parse(text.slice(0, 10));
  const isDay = ISO.test(text) && !Number.isNaN(day) && text.startsWith(new Date(day).toISOString().slice(0, 10));
  return isDay ? Date.parse(text) : Number.NaN;
}

/** A time in ISO 8601; without a zone it is of this machine's. */
export function readInstant(text: string): string {
  const at = timeOf(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('It must be a time such as 2026-12-24T15:00:00Z.');
  return new Date(at).toISOString();
}

/** The time as ISO 8601: `30d` is 30 days ago. */
export function readSince(text: string): string {
  const [, count, unit] = /^(\d{1,5})([mhdw])$/.exec(text) ?? [];
  const at = unit === undefined ? timeOf(text) : Date.now() - Number(count) * UNITS[unit]!;
  if (Number.isNaN(at) || at > Date.now()) {
    throw new InvalidArgumentError('It must be a time in the past such as 30d, 12h, 2w or 2026-11-01T08:00:00Z.');
  }
  return new Date(at).toISOString();
}
