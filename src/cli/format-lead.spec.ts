import { describe, expect, it } from 'vitest';
import { journeyText, type Journey } from './format-lead.js';
import { timesIn } from './format-time.js';

describe('a lead', () => {
  it('says what comes next and how soon', () => {
    const at = new Date(Date.now() + 6000).toISOString();
    const lead = { state: 'enriched', fitScore: null, crm: null, lastError: null, hints: [], exchanges: [], events: [] };
    const journey = { ...lead, next: { what: 'crm-sync, attempt 3 of 5', at } } as unknown as Journey;
    expect(journeyText(journey, timesIn('utc'))).toMatch(
      /^enriched; next: crm-sync, attempt 3 of 5 at [\d-]+ [\d:]+ UTC, in (?:5\.9|6\.0) s$/m,
    );
  });
});
