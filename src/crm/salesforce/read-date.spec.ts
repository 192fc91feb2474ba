import { afterEach, describe, expect, it } from 'vitest';
import { calendarDayOf, instantOf } from './read-date.js';

const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

describe.each(['UTC', 'America/Los_Angeles', 'Pacific/Auckland'])('a date where the process is in %s', (timeZone) => {
  it.each([
    ['2026-03-04', '2026-03-04'],
    ['2026-03-04 23:30', '2026-03-04'],
    ['2026-03-04T00:15:00', '2026-03-04'],
    ['2026-03-04T10:00:00Z', '2026-03-04'],
    ['2026-03-04T23:30:00-08:00', '2026-03-05'],
    ['2026/3/4', '2026-03-04'],
    ['20260304', '2026-03-04'],
    ['03/04/2026', '2026-03-04'],
    ['13/04/2026', '2026-04-13'],
    ['04/13/2026 11:30 PM', '2026-04-13'],
    ['03-04-2026', '2026-03-04'],
    ['03.04.2026', '2026-04-03'],
    ['4 March 2026', '2026-03-04'],
    ['March 4th, 2026', '2026-03-04'],
    ['Wed, 04 Mar 2026 10:00:00 GMT', '2026-03-04'],
    ['1772582400', '2026-03-04'],
    ['1772582400000', '2026-03-04'],
    ['2026-03-04 23:30:00+00', '2026-03-04'],
    ['2026-03-04 23:30:00-08', '2026-03-05'],
    ['0001-01-01T00:00:00', null],
    ['9999-12-31', null],
    ['0000-00-00', null],
    ['46085', null],
    ['31.02.2026', null],
    ['13/13/2026', null],
    ['2026-03-04 25:00', null],
    ['4 Foo 2026', null],
    ['next Tuesday', null],
    ['03/04/26', null],
    ['', null],
  ])('"%s" is the day %s', (text, day) => {
    process.env['TZ'] = timeZone;
    expect(calendarDayOf(text)).toBe(day);
  });

  it.each([
    ['2026-03-04 10:15', '2026-03-04T10:15:00.000Z'],
    ['2026-03-04T10:15:30.5+02:00', '2026-03-04T08:15:30.500Z'],
    ['2026-03-04', '2026-03-04T00:00:00.000Z'],
    ['03/04/2026 12:05 AM', '2026-03-04T00:05:00.000Z'],
    ['soon', null],
  ])('"%s" is the instant %s', (text, at) => {
    process.env['TZ'] = timeZone;
    expect(instantOf(text)).toBe(at);
  });
});
