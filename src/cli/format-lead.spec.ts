import { describe, expect, it } from 'vitest';
import { journeyText, printable, table, type Journey } from './format-lead.js';

describe('what an operator sees', () => {
  it('keeps its lines, its columns and every script', () => {
    const text = table(['name', 'state'], [['Zoë Łuczak 李雷 🙂', 'synced']]);
    expect(printable(`${text}\n\tdone`)).toBe(`${text}\n\tdone`);
  });

  it('has nothing in it that steers a terminal, whatever a sender called itself', () => {
    expect(printable('Ann\u001b[2J\u001b]0;owned\u0007\r\u009b1m\u202eeeL')).toBe('Ann�[2J�]0;owned���1m�eeL');
  });

  it('says what comes next and how soon', () => {
    const at = new Date(Date.now() + 6000).toISOString();
    const lead = { state: 'enriched', fitScore: null, crm: null, lastError: null, hints: [], exchanges: [], events: [] };
    const text = journeyText({ ...lead, next: { what: 'crm-sync, attempt 3 of 5', at } } as unknown as Journey);
    expect(text).toMatch(/^enriched; next: crm-sync, attempt 3 of 5 at [\d:. -]+, in (?:5\.9|6\.0) s$/m);
  });
});
