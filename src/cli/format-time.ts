const DAY_MS = 86_400_000;

/** How times are shown: in the zone of this machine with its offset, or with --utc in UTC. */
export interface Times {
  /** 2026-11-27 15:52:04 +01:00 */
  full(at: string | Date): string;
  /** 15:52:04.065; with the date where it is not today. For places that name the zone once. */
  clock(at: string | Date): string;
  /** 2 min ago, in 6 s; the date where that is more than 30 days away. */
  relative(at: string | Date): string;
  /** The offset that applies at a time: UTC, +01:00. */
  zone(at: string | Date): string;
}

export function timesIn(zone: 'local' | 'utc', now: () => number = Date.now): Times {
  const offsetAt = (date: Date) => (zone === 'utc' ? 0 : -date.getTimezoneOffset());
  /** The wall-clock time, read with the UTC methods. */
  const shifted = (at: string | Date) => {
    const date = new Date(at);
    return { date, iso: new Date(date.getTime() + offsetAt(date) * 60_000).toISOString() };
  };
  const zoneOf = (at: string | Date) => offsetText(offsetAt(new Date(at)));
  return {
    full(at) {
      const { iso } = shifted(at);
      return `${iso.slice(0, 10)} ${iso.slice(11, 19)} ${zoneOf(at)}`;
    },
    clock(at) {
      const { iso } = shifted(at);
      const time = iso.slice(11, 23);
      return iso.slice(0, 10) === shifted(new Date(now())).iso.slice(0, 10) ? time : `${iso.slice(0, 10)} ${time}`;
    },
    relative(at) {
      const ms = now() - new Date(at).getTime();
      if (Math.abs(ms) > 30 * DAY_MS) return shifted(at).iso.slice(0, 10);
      if (Math.abs(ms) < 1000) return 'now';
      return ms > 0 ? `${durationText(ms)} ago` : `in ${durationText(-ms)}`;
    },
    zone: zoneOf,
  };
}

/** 5 s, 2 min, 3 h, 4 d: whole units, rounded down. */
export function durationText(ms: number): string {
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return ms < DAY_MS ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / DAY_MS)} d`;
}

function offsetText(minutes: number): string {
  if (minutes === 0) return 'UTC';
  const pad = (n: number) => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}
