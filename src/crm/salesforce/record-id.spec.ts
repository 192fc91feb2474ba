import { describe, expect, it } from 'vitest';
import { isIdOf, to18 } from './record-id.js';

describe('an id of Salesforce', () => {
  it.each(['webinar', '7015e000000AbCd!!!', ''])('%s is none, and stays as it is', (text) => {
    expect(to18(text)).toBe(text);
  });

  it('is of its object by its prefix and its checksum', () => {
    const id = to18('7015e000000AbCd');
    expect([id, id.toUpperCase()].map(to18)).toEqual([id, id]);
    expect([
      isIdOf('701', id),
      isIdOf('00Q', id),
      isIdOf('701', '7015e000000AbCd'),
      isIdOf('701', `${id.slice(0, 15)}ZZZ`),
    ]).toEqual([true, false, false, false]);
  });
});
