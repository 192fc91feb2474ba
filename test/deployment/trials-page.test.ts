import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trialReportSchema } from '../../src/ops/trials/trials.schemas.js';
import { challengerText, championText, listText, trialText } from '../../src/cli/format-trials.js';

const PAGE = join(import.meta.dirname, '../../docs/trials.md');
const WIDTH = 100;

const side = (fitScore: number, points: number, scorerVersion: string) => ({
  fitScore,
  intent: 'high' as const,
  evidence: [
    { signal: 'base score', polarity: 'positive' as const, points: 30 },
    { signal: 'title: VP (senior decision maker)', polarity: 'positive' as const, points },
    { signal: 'message: asks for a demo ("demo")', polarity: 'positive' as const, points: 18 },
  ],
  flags: [],
  provider: 'heuristic',
  scorerVersion,
});

const report = trialReportSchema.parse({
  id: 1,
  kind: 'backtest',
  state: 'done',
  challenger: { profile: { name: 'clinics' } },
  settings: {
    sample: 500,
    stratify: [],
    share: 1,
    perSecond: 2,
    dailyTokens: 200_000,
    target: 'converted',
    horizonDays: 90,
    stop: { maxErrorRate: 0.05, maxDisagreement: 0.5, maxInjected: 0.02 },
  },
  unreadable: null,
  note: '',
  who: 'ann',
  createdAt: '2026-11-24T04:00:00.000Z',
  endedAt: '2026-11-24T04:00:09.000Z',
  reason: 'All leads of the sample are scored.',
  lastError: null,
  injections: { tried: 6, raised: 0, failed: 0, cases: [] },
  figures: {
    pending: 0,
    scored: 500,
    failed: 0,
    errors: [],
    agreement: { sameBand: 0.87, sameIntent: 1, meanDifference: 7.3, rankCorrelation: 0.912 },
    bands: [
      { champion: 'hot', challenger: 'hot', leads: 120 },
      { champion: 'warm', challenger: 'hot', leads: 41 },
      { champion: 'warm', challenger: 'warm', leads: 180 },
      { champion: 'cold', challenger: 'warm', leads: 24 },
      { champion: 'cold', challenger: 'cold', leads: 135 },
    ],
    costUsdPerLead: { champion: 0, challenger: 0 },
    tokens: 0,
    tookMs: { p50: 0, p95: 1 },
    injections: { attempts: 3, championObeyed: 0, challengerObeyed: 0 },
    versions: { champion: ['heuristic-1'], challenger: ['heuristic-2'] },
    outcomes: {
      leads: 420,
      conversions: 61,
      verdict: 'better',
      auc: { champion: 0.781, challenger: 0.826, difference: { value: 0.045, low: 0.012, high: 0.079 } },
      brier: { champion: 0.214, challenger: 0.201, difference: { value: -0.013, low: -0.021, high: -0.004 } },
    },
  },
  movers: [
    {
      leadId: '0b8f2a9e-1111-8111-8111-111111111111',
      champion: side(53, 5, 'heuristic-1'),
      challenger: side(68, 20, 'heuristic-2'),
    },
  ],
});

describe('docs/trials.md', () => {
  it('shows the output of this version (UPDATE_DOCS=1 writes it)', () => {
    const page = readFileSync(PAGE, 'utf8');
    const expected = page.replace(
      /(<!-- output: show -->\n```text\n)[\s\S]*?```/,
      (_all, head: string) => `${head}${trialText(report, WIDTH)}\n\`\`\``,
    );
    if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, expected);
    else expect(page).toBe(expected);
  });
});

describe('a trial in a terminal', () => {
  it('says what is missing', () => {
    const text = trialText({
      ...report,
      state: 'running',
      reason: null,
      figures: null,
      movers: [],
      injections: null,
      lastError: 'AI_TIMEOUT',
    });
    expect(text).toMatch(/is running\n.*\nThe challenger cannot be asked now: AI_TIMEOUT\.\nIts scores were removed\./);
  });

  it('names the challenger by what it has', () => {
    const champion = {
      version: 2,
      trialId: 1,
      challenger: { provider: 'gemini' as const, model: 'flash' },
      unreadable: null,
      at: null,
      who: 'ann',
    };
    expect(championText(champion)).toBe('In use: gemini flash (trial 1, version 2, promoted by ann).');
    expect(challengerText({ model: 'flash', instructions: 'abc' })).toBe('model flash, a prompt of 3 characters');
    expect(listText({ champion: { ...champion, trialId: null }, items: [] })).toBe(
      'There are no trials.\nIn use: the scorer of the configuration.',
    );
  });

  it('says why this version cannot read one, or the scorer in use', () => {
    const unreadable = 'Another version of this service wrote it.';
    const other = { challenger: null, settings: null, unreadable, figures: null, movers: [] };
    expect(trialText({ ...report, ...other, state: 'running', reason: null })).toBe(
      `Trial 1, a backtest, is running\n${unreadable}`,
    );
    const champion = { version: 2, trialId: 1, challenger: null, unreadable, at: null, who: 'ann' };
    const text = listText({ champion, items: [{ ...report, ...other }] }, 200);
    expect(text).toMatch(/backtest.*cannot be read.*Another version of this service wrote it\./);
    expect(text).toMatch(/Promoted by ann: the challenger of trial 1 \(version 2\)\. Another version .* the scorer before it\.$/);
  });
});
