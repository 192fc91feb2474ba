import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { problemsOf, type Facts } from './problems.js';
import { sectionId } from './runbook.controller.js';

const STAGES = ['enrichment', 'crm-sync'] as const;
const breaker = (name: (typeof STAGES)[number], state: 'closed' | 'open' = 'closed') => ({
  name,
  paused: false,
  pausedBy: null,
  pausedAt: null,
  breaker: {
    state,
    reason: state === 'open' ? ('configuration' as const) : null,
    code: state === 'open' ? ('CRM_UNAVAILABLE' as const) : null,
    problem: null,
    answer: null,
    openedAt: null,
    nextProbeAt: null,
  },
  rateShare: 1,
});
const load = (name: (typeof STAGES)[number], backlog = 0, oldestSeconds = 0) => ({
  name,
  p50: null,
  p95: null,
  p99: null,
  max: null,
  backlog,
  oldestSeconds,
  perSecond: 1,
  forecastSeconds: 0,
  heldBackBy: null,
});
const WELL: Facts = {
  report: {
    slaSeconds: 300,
    windowMinutes: 60,
    speedToLead: { count: 0, p50: null, p95: null, p99: null, max: null },
    breaches: 0,
    breached: { synced: 0, waiting: 0, dead: 0 },
    backlog: { enrichment: 0, 'crm-sync': 0 },
    forecastSeconds: 0,
    stages: STAGES.map((name) => load(name)),
    histogram: [],
  },
  breakers: STAGES.map((name) => breaker(name)),
  budgets: [],
  workers: 1,
  waiting: { deadLetters: 0, rejections: 0 },
  queueAnswers: true,
  alertsFailing: null,
  marketo: null,
  owners: null,
};
const budget = (of: 'ai' | 'crm', share: number) => ({ of, name: 'calls', share, warnFrom: 0.8, text: '' });
const marketoStage = (wrong: Partial<NonNullable<Facts['marketo']>['stages'][number]>) => ({
  name: 'marketo-sync' as const,
  paused: false,
  pausedBy: null,
  breaker: { open: false, code: null, problem: null, openedAt: null, nextCallAt: null },
  calls: 0,
  ...wrong,
});

const CASES: [title: string, wrong: Partial<Facts>, runbook: string][] = [
  ['The queue store does not answer', { queueAnswers: false }, 'a-queue-does-not-move'],
  ['No worker is running', { workers: 0 }, 'a-queue-does-not-move'],
  [
    'The circuit breaker of crm-sync is open: CRM_UNAVAILABLE',
    { breakers: [breaker('enrichment'), breaker('crm-sync', 'open')] },
    'a-breaker-is-open',
  ],
  [
    'enrichment is paused',
    { breakers: [{ ...breaker('enrichment'), paused: true, pausedBy: 'ann' }, breaker('crm-sync')] },
    'a-stage-is-paused',
  ],
  [
    '1 lead waits beyond the SLA',
    { report: { ...WELL.report, breached: { synced: 0, waiting: 1, dead: 0 } } },
    'speed-to-lead-is-at-risk',
  ],
  [
    'The backlog needs 6 min 40 s at the present rate',
    { report: { ...WELL.report, forecastSeconds: 400 } },
    'speed-to-lead-is-at-risk',
  ],
  ['calls: 90 % of the budget is used', { budgets: [budget('crm', 0.9)] }, 'the-crm-api-budget-runs-out'],
  ['calls: 100 % of the budget is used', { budgets: [budget('ai', 1)] }, 'the-ai-budget-runs-out'],
  ['1 dead letter waits for a person', { waiting: { deadLetters: 1, rejections: 0 } }, 'dead-letters'],
  ['40 refused requests are open', { waiting: { deadLetters: 0, rejections: 40 } }, 'webhooks-are-rejected'],
  ['2 leads have no first touch in time', { owners: { overdue: 2, channels: [] } }, 'owners-do-not-act-in-time'],
  [
    'Owners get no notices by slack',
    { owners: { overdue: 0, channels: [{ channel: 'slack', since: new Date(0), problem: 'HTTP 404.', dropped: 0 }] } },
    'owners-do-not-act-in-time',
  ],
  ['3 webhook calls never arrived', { marketo: { stages: [], owed: 0, missing: 3 } }, 'webhook-calls-are-missing'],
  [
    'marketo-sync is paused',
    { marketo: { stages: [marketoStage({ paused: true, pausedBy: 'ann' })], owed: 0, missing: 0 } },
    'a-stage-is-paused',
  ],
  [
    'The circuit breaker of marketo-sync is open: MARKETO_UNAVAILABLE',
    {
      marketo: {
        stages: [
          marketoStage({
            breaker: { open: true, code: 'MARKETO_UNAVAILABLE', problem: null, openedAt: null, nextCallAt: null },
          }),
        ],
        owed: 0,
        missing: 0,
      },
    },
    'a-breaker-is-open',
  ],
  ['Alerts do not arrive', { alertsFailing: { since: new Date(0), problem: 'HTTP 410.', dropped: 0 } }, 'alerts-do-not-arrive'],
];

describe('what needs a person', () => {
  it('is nothing while all is well', () => {
    expect(problemsOf(WELL)).toEqual([]);
  });

  it.each(CASES)('says: %s', (title, wrong, runbook) => {
    expect(problemsOf({ ...WELL, ...wrong })).toMatchObject([{ title, runbook }]);
  });

  it('is in the order of urgency', () => {
    const paused = { ...breaker('enrichment'), paused: true, pausedBy: 'ann' };
    const found = problemsOf({ ...WELL, workers: 0, breakers: [paused, breaker('crm-sync', 'open')] });
    expect(found.map(({ tone }) => tone)).toEqual(['bad', 'bad', 'warn']);
  });

  it.each([
    ['received', [load('enrichment', 1, 900), load('crm-sync', 1, 800)]],
    ['enriched', [load('enrichment', 1, 10), load('crm-sync', 1, 900)]],
  ])('leads to the late leads that are %s', (state, stages) => {
    const report = { ...WELL.report, stages, breached: { synced: 0, waiting: 2, dead: 0 } };
    expect(problemsOf({ ...WELL, report })[0]!.href).toBe(`/console/leads?state=${state}&sort=oldest`);
  });

  it('links to sections of the runbook, and covers each alert that a running process can see', () => {
    const runbook = readFileSync('docs/runbook.md', 'utf8');
    const sections = new Set([...runbook.matchAll(/^## (.+)$/gm)].map(([, heading]) => sectionId(heading!)));
    const linked = new Set(CASES.map(([, , section]) => section));
    expect([...linked].filter((section) => !sections.has(section))).toEqual([]);
    const alerts = readFileSync('deploy/prometheus/alerts.yml', 'utf8');
    const watched = [...alerts.matchAll(/runbook: docs\/runbook\.md#(.+)$/gm)].map(([, section]) => section!);
    const notHere = new Set([
      'no-process-answers',
      'leads-are-refused',
      // The page of the error says it.
      'postgresql-is-down',
      // A figure of one worker's process.
      'the-sweeper-is-idle',
    ]);
    expect(watched.filter((section) => !linked.has(section) && !notHere.has(section))).toEqual([]);
  });
});
