import { describe, expect, it } from 'vitest';
import { auditFields } from './audit-fields.js';

describe('what the audit trail keeps of what was sent', () => {
  it('is each field with its value, and not those that were left empty', () => {
    expect(auditFields({ Email: 'ann@acme.com', FirstName: null, Score: 70, Asked: false })).toEqual({
      Email: 'ann@acme.com',
      Score: 70,
      Asked: false,
    });
  });

  it('has the beginning of a long text, never half a character, and says how long it was', () => {
    const { Description: kept } = auditFields({ Description: `${'x'.repeat(199)}😀${'y'.repeat(60_000)}` });
    expect(kept).toBe(`${'x'.repeat(199)}… (60201 characters)`);
  });

  it('is bounded, however many fields there are, and says how many it lacks', () => {
    const record = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`attributes.a${n}`, 'v'.repeat(150)]));
    const kept = auditFields(record);
    expect(JSON.stringify(kept).length).toBeLessThan(10_000);
    expect(kept['…']).toBe(`${500 - (Object.keys(kept).length - 1)} more`);
  });
});
