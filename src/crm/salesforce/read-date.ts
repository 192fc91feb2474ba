/** A calendar day, and the time of day where one was written. */
interface ReadDate {
  day: string;
  /** Milliseconds since midnight; null where only a day was written. */
  timeMs: number | null;
  /** Minutes that the zone is ahead of UTC; null where none was written. */
  zoneMinutes: number | null;
}

/** Full names of the months, by language: an abbreviation of one counts from three letters on. */
const MONTHS = ['en', 'de', 'fr', 'es', 'it', 'nl', 'pt'].map((language) => {
  const format = new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' });
  return Array.from({ length: 12 }, (_, month) => plainMonth(format.format(Date.UTC(2026, month))));
});
const DAY_MS = 86_400_000;
/** What Salesforce takes. Programs write years outside of it for "no date": 0001-01-01, 9999-12-31. */
const [FIRST_YEAR, LAST_YEAR] = [1700, 4000];

const TIME = String.raw`(?:[T,\s]+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?`;
const WEEKDAY = String.raw`(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})${TIME}$`, 'iu');
const COMPACT = /^(\d{4})(\d{2})(\d{2})$/u;
const YEAR_LAST = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})${TIME}$`, 'iu');
const YEAR_MONTH_NAME = new RegExp(String.raw`^(\d{4})[-/.\s](\p{L}{3,10})\.?[-/.\s](\d{1,2})${TIME}$`, 'iu');
const DAY_MONTH_NAME = new RegExp(
  String.raw`^${WEEKDAY}(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:de\s+|of\s+)?(\p{L}{3,10})\.?,?(?:\s+de)?[\s-]+(\d{4})${TIME}$`,
  'iu',
);
const MONTH_NAME_DAY = new RegExp(String.raw`^${WEEKDAY}(\p{L}{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})${TIME}$`, 'iu');
/** Seconds or milliseconds since 1970, from 2001 on. */
const EPOCH = /^\d{10}(?:\d{3})?$/u;

/**
 * Reads a date as people and programs write it. Of two numbers before the year the first is the month with slashes and
 * dashes (03/04/2026 is March 4th, as Marketo and Salesforce write it in the US) and the day with dots (03.04.2026 is
 * April 3rd), unless it is above 12. The process' time zone plays no part.
 * @returns null where the text is no date, or one that no calendar has.
 */
function read(text: string): ReadDate | null {
  const trimmed = plainDate(text);
  if (EPOCH.test(trimmed)) {
    const at = new Date(trimmed.length === 10 ? Number(trimmed) * 1000 : Number(trimmed));
    return { day: at.toISOString().slice(0, 10), timeMs: at.getTime() % DAY_MS, zoneMinutes: 0 };
  }
  const yearFirst = YEAR_FIRST.exec(trimmed);
  if (yearFirst) return dated([yearFirst[1]!, yearFirst[3]!, yearFirst[4]!], yearFirst.slice(5));
  const compact = COMPACT.exec(trimmed);
  if (compact) return dated([compact[1]!, compact[2]!, compact[3]!], []);
  const yearLast = YEAR_LAST.exec(trimmed);
  if (yearLast) {
    const [, first = '', separator, second = '', year = ''] = yearLast;
    const dayFirst = separator === '.' ? Number(second) <= 12 : Number(first) > 12;
    return dated(dayFirst ? [year, second, first] : [year, first, second], yearLast.slice(5));
  }
  const yearMonth = YEAR_MONTH_NAME.exec(trimmed);
  if (yearMonth) return dated([yearMonth[1]!, monthOf(yearMonth[2]!), yearMonth[3]!], yearMonth.slice(4));
  const dayMonth = DAY_MONTH_NAME.exec(trimmed);
  if (dayMonth) return dated([dayMonth[3]!, monthOf(dayMonth[2]!), dayMonth[1]!], dayMonth.slice(4));
  const monthDay = MONTH_NAME_DAY.exec(trimmed);
  if (monthDay) return dated([monthDay[3]!, monthOf(monthDay[1]!), monthDay[2]!], monthDay.slice(4));
  return null;
}

/** The calendar day as it was written, in ISO 8601; of an instant with a zone the day in UTC. */
export function calendarDayOf(text: string): string | null {
  const found = read(text);
  // Midnight of the first day of 1970 in UTC is how programs write "no date".
  if (!found || (found.zoneMinutes === 0 && found.timeMs === 0 && found.day === '1970-01-01')) return null;
  return found.zoneMinutes === null ? found.day : instant(found).slice(0, 10);
}

/** The instant in ISO 8601. A time without a zone counts as UTC, and a day as its midnight. */
export function instantOf(text: string): string | null {
  const found = read(text);
  return found && instant(found);
}

function instant({ day, timeMs, zoneMinutes }: ReadDate): string {
  return new Date(Date.parse(day) + (timeMs ?? 0) - (zoneMinutes ?? 0) * 60_000).toISOString();
}

function dated([year, month, day]: [string, string, string], time: (string | undefined)[]): ReadDate | null {
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (Number(year) < FIRST_YEAR || Number(year) > LAST_YEAR) return null;
  if (at.getUTCMonth() !== Number(month) - 1 || at.getUTCDate() !== Number(day)) return null;
  const [hours, minutes, seconds = '0', fraction = '0', half, zone] = time;
  const iso = at.toISOString().slice(0, 10);
  if (hours === undefined) return { day: iso, timeMs: null, zoneMinutes: null };
  const hour = half ? (Number(hours) % 12) + (/^p/iu.test(half) ? 12 : 0) : Number(hours);
  if (hour > 23 || Number(minutes) > 59 || Number(seconds) > 59 || (half && Number(hours) > 12)) return null;
  if (zone !== undefined && Math.abs(zoneOf(zone)) > 14 * 60) return null;
  const timeMs = ((hour * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Math.floor(Number(`0.${fraction}`) * 1000);
  return { day: iso, timeMs, zoneMinutes: zone === undefined ? null : zoneOf(zone) };
}

function zoneOf(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})?$/u.exec(zone) ?? [];
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
}

/** Its number, or one that no calendar has. */
function monthOf(name: string): string {
  const plain = plainMonth(name);
  const found = new Set(MONTHS.flatMap((months) => months.flatMap((month, at) => (month.startsWith(plain) ? [at + 1] : []))));
  return String(found.size === 1 ? [...found][0] : plain === 'mrz' || plain === 'mrt' ? 3 : 0);
}

function plainMonth(name: string): string {
  return name.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/**
 * Typographic hyphens, the signs of East Asian dates, and what JavaScript (`GMT+0100 (CET)`) and Java
 * (`[Europe/Berlin]`) write around an offset.
 */
function plainDate(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[\u2010-\u2013\u2212]/g, '-')
    .replace(/^(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]/u, '$1-$2-$3')
    .replace(/(Z|[+-]\d{2}:?\d{2})(?:\s*\([^()]{1,60}\)|\[[\w/+-]{1,40}\])$/u, '$1')
    .replace(/(?:GMT|UTC)(?=[+-]\d{2})/u, '')
    .trim();
}
