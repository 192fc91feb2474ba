import { describe, expect, it } from 'vitest';
import { personHider } from './personal-data.js';

describe('the hider of a person', () => {
  const hide = personHider({
    name: 'ann McBerg',
    attributes: { 'lead.last_name': 'Lee', phone: '+49 (30) 1234', company: 'Acme 2000', message: 'call me' },
  });

  it.each([
    ['Ann McBerg, VP at Acme 2000, asks for a demo', 'A… M…, VP at Acme 2000, asks for a demo'],
    ['MCBERG and Lee, not annual, Lees or McBergs', 'M… and L…, not annual, Lees or McBergs'],
    ['duplicate of <Bob@acme.example>, x@y', 'duplicate of <B…@acme.example>, x…@y'],
    ['the phone +49 (30) 1234 is wrong', 'the phone +… is wrong'],
  ])('%s', (text, expected) => {
    expect(hide(text)).toBe(expected);
  });

  it('keeps the sentence where a common word is a name', () => {
    expect(personHider({ name: 'Will', attributes: {} })('Will Ltd will grow')).toBe('W… Ltd will grow');
  });
});
