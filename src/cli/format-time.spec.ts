import { afterEach, describe, expect, it, vi } from 'vitest';
import { timesIn } from './format-time.js';

const NOW = Date.parse('2026-11-27T14:52:04.065Z');
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const zone = (name: string) => {
  vi.stubEnv('TZ', name);
  return timesIn('local', () => NOW);
};

describe('times', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('are in the zone of the machine, which they name, or in UTC', () => {
    expect(zone('Europe/Berlin').full('2026-11-27T14:52:04.065Z')).toBe('2026-11-27 15:52:04 +01:00');
    expect(zone('Europe/Berlin').full('2026-07-27T23:52:04Z')).toBe('2026-07-28 01:52:04 +02:00');
    expect(zone('America/St_Johns').full('2026-11-27T02:00:00Z')).toBe('2026-11-26 22:30:00 -03:30');
    expect(timesIn('utc').full('2026-11-27T14:52:04.065Z')).toBe('2026-11-27 14:52:04 UTC');
  });

  it('of the day are without the date, of another day with it', () => {
    expect(zone('Europe/Berlin').clock('2026-11-26T23:30:00.5Z')).toBe('00:30:00.500');
    expect(zone('Europe/Berlin').clock('2026-11-26T22:30:00.5Z')).toBe('2026-11-26 23:30:00.500');
  });

  it.each([
    [0, 'now'],
    [-900, 'now'],
    [5_500, '5 s ago'],
    [-6_000, 'in 6 s'],
    [150_000, '2 min ago'],
    [7_200_000, '2 h ago'],
    [3 * 86_400_000, '3 d ago'],
    [31 * 86_400_000, '2026-10-27'],
  ])('%i ms before now are "%s"', (ms, text) => {
    expect(timesIn('utc', () => NOW).relative(ago(ms))).toBe(text);
  });
});
