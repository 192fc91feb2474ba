import { describe, expect, it } from 'vitest';
import { FailedAuthentications } from './webhook-auth.js';

describe('FailedAuthentications', () => {
  it('holds an address off after 20 failures, and forgets after a minute', () => {
    let now = 0;
    const failures = new FailedAuthentications({ now: () => now });
    const noted = Array.from({ length: 25 }, () => failures.note('a'));
    expect(noted.indexOf(true)).toBe(20);
    expect(failures.note('b')).toBe(false);
    now = 60_000;
    expect(failures.note('a')).toBe(false);
  });

  it('remembers a bounded number of addresses', () => {
    const failures = new FailedAuthentications({ now: () => 0 });
    for (let n = 0; n < 21; n++) failures.note('first');
    for (let n = 0; n < 10_000; n++) failures.note(`other-${n}`);
    expect(failures.note('first')).toBe(false);
  });
});
