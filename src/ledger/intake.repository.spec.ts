import { describe, expect, it } from 'vitest';
import { leadIdOf, personKeyOf } from '../domain/lead-keys.js';
import { Database } from '../platform/database/database.js';
import type { Pool } from '../platform/database/pool.js';
import { IntakeRepository } from './intake.repository.js';

/** A PostgreSQL that accepts statements and never answers. */
const hanging = new Database({ query: () => new Promise(() => {}) } as unknown as Pool);

function lead(number: number, characters: number) {
  const email = `p${number}@acme.com`;
  const key = { id: leadIdOf(email, 'c'), personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'c' };
  return { ...key, name: null, attributes: { message: 'x'.repeat(characters) } };
}

describe('the leads that wait for a commit', () => {
  const refusals = async (count: number, characters: number) => {
    const intake = new IntakeRepository(hanging, hanging, { CONTENT_IGNORE: [] });
    const refused: string[] = [];
    for (let number = 0; number < count; number++) {
      intake.accept(lead(number, characters)).catch((error: { code: string }) => refused.push(error.code));
    }
    await new Promise((resolve) => setImmediate(resolve));
    return refused;
  };

  it('are bounded in number', { timeout: 30_000 }, async () => {
    const refused = await refusals(20_700, 1);
    expect(refused.length).toBeGreaterThanOrEqual(200);
    expect(new Set(refused)).toEqual(new Set(['LEDGER_OVERLOADED']));
  });

  it('are bounded in size', { timeout: 30_000 }, async () => {
    const refused = await refusals(1100, 60_000);
    expect(refused.length).toBeGreaterThanOrEqual(30);
    expect(new Set(refused)).toEqual(new Set(['LEDGER_OVERLOADED']));
  });
});
