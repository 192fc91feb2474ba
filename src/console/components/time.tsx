const SECOND = 1000;
const UNITS: [string, number][] = [
  ['day', 86_400 * SECOND],
  ['hour', 3600 * SECOND],
  ['min', 60 * SECOND],
];

/** "3 min ago"; "in 2 hours". */
export function relative(at: Date, now: Date): string {
  const distance = now.getTime() - at.getTime();
  const size = Math.abs(distance);
  const [unit, length] = UNITS.find(([, milliseconds]) => size >= milliseconds) ?? ['s', SECOND];
  const count = Math.floor(size / length);
  if (unit === 's' && count < 2) return 'now';
  const plural = count === 1 || unit === 'min' || unit === 's' ? unit : `${unit}s`;
  return distance >= 0 ? `${count} ${plural} ago` : `in ${count} ${plural}`;
}

/** A duration in the largest two units that matter: `85 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1).replace(/\.0$/, '')} s`;
  if (seconds < 3600) return pair(seconds, 60, 'min', 's');
  if (seconds < 86_400) return pair(seconds / 60, 60, 'h', 'min');
  return pair(seconds / 3600, 24, 'd', 'h');
}

function pair(amount: number, size: number, large: string, small: string): string {
  const rest = Math.floor(amount % size);
  return `${Math.floor(amount / size)} ${large}${rest > 0 ? ` ${rest} ${small}` : ''}`;
}

/** A duration in one short unit, for the labels of a chart: `250ms`, `15s`, `2.5m`, `1h`. */
export function shortDuration(value: number): string {
  const [unit, length] = value < 1 ? ['ms', 0.001] : value < 60 ? ['s', 1] : value < 3600 ? ['m', 60] : ['h', 3600];
  return `${Math.round((value / (length as number)) * 10) / 10}${unit}`;
}

/** Seconds as people read them; null where the value is unknown. */
export function seconds(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : duration(value * 1000);
}

/** Leads per second; below ten with two significant digits. Null where it is unknown. */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return '–';
  return String(perSecond < 10 ? Number(perSecond.toPrecision(2)) : Math.round(perSecond));
}

type Format = 'date' | 'clock' | 'relative';

/** A time in UTC, which the script replaces by the reader's own zone. */
export function Time({ at, now, format = 'date' }: { at: string | Date | null | undefined; now: Date; format?: Format }) {
  if (!at) return <span class="muted">–</span>;
  const date = new Date(at);
  const iso = date.toISOString();
  const utc = iso.replace('T', ' ').slice(0, 19);
  const text = { relative: relative(date, now), clock: `${utc.slice(11)} UTC`, date: `${utc} UTC` }[format];
  return (
    <time dateTime={iso} title={iso} data-format={format} class="nowrap">
      {text}
    </time>
  );
}
