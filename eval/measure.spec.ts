import { describe, expect, it } from 'vitest';
import { scoreLead } from '../src/enrichment/heuristic/heuristic.provider.js';
import { loadInjections, loadLeads, loadPhrasings } from './dataset.js';
import { macroF1, rankingAuc } from './measure.js';

describe('the measures', () => {
  it('AUC is 1 for a perfect order, 0 for its reverse, a half for none', () => {
    const leads = (scores: number[]) => scores.map((score, at) => ({ high: at < 2, score }));
    expect(rankingAuc(leads([9, 8, 2, 1]))).toBe(1);
    expect(rankingAuc(leads([1, 2, 8, 9]))).toBe(0);
    expect(rankingAuc(leads([5, 5, 5, 5]))).toBe(0.5);
  });

  it('macro-F1 counts each intent alike', () => {
    expect(
      macroF1([
        ['high', 'high'],
        ['high', 'high'],
        ['none', 'high'],
      ]),
    ).toBeCloseTo((0.8 + 0) / 2);
  });
});

describe('the labelled leads', () => {
  const leads = loadLeads();

  it('are enough, of many kinds and languages, and no template is in both splits', () => {
    expect(leads.length).toBeGreaterThanOrEqual(200);
    expect(new Set(leads.map(({ language }) => language)).size).toBeGreaterThanOrEqual(7);
    expect(new Set(leads.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(15);
    const splits = new Map<string, Set<string>>();
    for (const { id, split } of leads) {
      const template = id.split('/', 1)[0]!;
      splits.set(template, (splits.get(template) ?? new Set()).add(split));
    }
    expect([...splits.values()].every((set) => set.size === 1)).toBe(true);
    expect(new Set(leads.map(({ id }) => id)).size).toBe(leads.length);
  });

  it('are not among the phrasings that the weights are fitted to', () => {
    const wordsOf = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
    const heldOut = leads
      .filter(({ split }) => split === 'held-out')
      .map(({ lead }) => wordsOf(lead.attributes['message'] ?? ''))
      .filter(({ size }) => size >= 4);
    for (const { text } of loadPhrasings()) {
      const words = wordsOf(text);
      for (const other of heldOut) {
        const shared = [...words].filter((word) => other.has(word)).length;
        expect(shared / (words.size + other.size - shared), text).toBeLessThan(0.7);
      }
    }
  });

  it('keep the quality of the rules', { timeout: 60_000 }, () => {
    const dev = leads.filter(({ split }) => split === 'dev');
    const scored = dev.map(({ lead, intent }) => ({ high: intent === 'high', score: scoreLead(lead).fitScore }));
    expect(rankingAuc(scored)).toBeGreaterThan(0.98);
    const heldOut = leads
      .filter(({ split }) => split === 'held-out')
      .map((labelled) => ({ labelled, got: scoreLead(labelled.lead) }));
    const ranked = heldOut.map(({ labelled, got }) => ({ high: labelled.intent === 'high', score: got.fitScore }));
    expect(rankingAuc(ranked)).toBeGreaterThan(0.93);
    expect(macroF1(heldOut.map(({ labelled, got }) => [labelled.intent, got.intent]))).toBeGreaterThan(0.75);
    for (const { clean, injected, split } of loadInjections(leads)) {
      if (split === 'dev') expect(scoreLead(injected).fitScore).toBeLessThanOrEqual(scoreLead(clean.lead).fitScore);
    }
  });
});
