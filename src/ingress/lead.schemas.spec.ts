import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leadBodySchema } from './lead.schemas.js';
import { parseLead } from './parse-lead.js';

/** JSON has neither NaN nor Infinity. */
const JSON_NUMBER = fc.double({ noNaN: true, noDefaultInfinity: true });

it('the described schema of a lead admits each body with these names that parseLead accepts', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', ' ', 'launch_2024', `${' '.repeat(600)}x`, '\u{1f4a5}'.repeat(255), 'x'.repeat(501)),
  );
  const scalar = fc.oneof(text, fc.constant(null), fc.boolean(), fc.maxSafeInteger(), JSON_NUMBER);
  const email = fc.oneof(
    { weight: 4, arbitrary: fc.emailAddress().map((address) => ` ${address}` as unknown) },
    { weight: 1, arbitrary: scalar },
  );
  const body = fc.record(
    { email, campaign_id: scalar, name: scalar, extra: fc.jsonValue() },
    { requiredKeys: ['email', 'campaign_id'] },
  );
  let accepted = 0;
  fc.assert(
    fc.property(body, (lead) => {
      try {
        parseLead(lead);
      } catch {
        return;
      }
      accepted++;
      expect(leadBodySchema.safeParse(lead).error?.issues).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
  expect(accepted).toBeGreaterThan(100);
});
