import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { ConsoleModule } from '../../src/console/console.module.js';
import { AppError } from '../../src/domain/app-error.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import type { Lead, LeadEvent } from '../../src/domain/lead.js';
import { AuditLogRepository } from '../../src/ledger/audit-log.repository.js';
import { BulkActionsRepository } from '../../src/ledger/bulk-actions.repository.js';
import { EndedSessionsRepository } from '../../src/ledger/ended-sessions.repository.js';
import { RejectionsRepository } from '../../src/ledger/rejections.repository.js';
import { SavedViewsRepository } from '../../src/ledger/saved-views.repository.js';
import { SlaRepository } from '../../src/ledger/sla.repository.js';
import { AttentionService, type AttentionReport } from '../../src/ops/attention.service.js';
import { BudgetsService } from '../../src/ops/budgets.service.js';
import { DeadLetters } from '../../src/ops/dead-letters/dead-letters.service.js';
import { journeyOf, summaryOf } from '../../src/ops/lead-timeline.js';
import { LeadsService } from '../../src/ops/leads.service.js';
import { PrivacyService } from '../../src/ops/privacy/privacy.service.js';
import { MarketoService } from '../../src/ops/marketo/marketo.service.js';
import { QueuesService } from '../../src/ops/queues.service.js';
import { BulkReplays } from '../../src/ops/bulk/bulk-replays.js';
import { RejectionsService } from '../../src/ops/rejections/rejections.service.js';
import { RoutingOpsService } from '../../src/ops/routing/routing-ops.service.js';
import { SlaService } from '../../src/ops/sla.service.js';
import { RoutingOverviewService } from '../../src/routing/routing-overview.service.js';
import { CalibrationService } from '../../src/outcomes/calibration.service.js';
import type { Target } from '../../src/outcomes/outcome.js';
import { reportOf } from '../../src/outcomes/outcomes-report.js';
import { noCounts } from '../../src/outcomes/statistics/score-counts.js';
import { OutcomesService } from '../../src/outcomes/outcomes.service.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { ActiveProfile } from '../../src/trials/active-profile.js';
import { TrialsService } from '../../src/trials/trials.service.js';
import { createHttpAdapter } from '../../src/platform/http/adapter.js';
import { HttpModule } from '../../src/platform/http/http.module.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { marketoReport } from './marketo-report.js';

/**
 * What the services answer. `many`: 10,000 rows of each kind; `hostile`: each text of a sender is an attack; `down`: no
 * PostgreSQL; `no-queue`: as `full`, without the queue store.
 */
export type World = 'empty' | 'full' | 'many' | 'hostile' | 'down' | 'no-queue';

export const LEAD = '0b8f2a9e-1111-8111-8111-111111111111';
/** Every page that has an address. */
export const PAGES = [
  '',
  '/leads',
  `/leads/${LEAD}`,
  '/dead-letters',
  `/dead-letters/${LEAD}`,
  '/rejections',
  `/rejections/${LEAD}`,
  '/stages',
  '/routing',
  '/scores',
  '/scores/trials',
  '/scores/trials/1',
  '/marketo',
  '/sla',
  '/audit',
  `/bulk/${LEAD}`,
  '/runbook',
  '/api',
].map((path) => `/console${path}`);
export const OPERATOR_TOKEN = 'o'.repeat(40);
export const VIEWER_TOKEN = 'v'.repeat(40);
/** Markup, quotes, a formula, a link, text that is reordered, a control character and a word that fits no line. */
export const HOSTILE = `<script>alert(1)</script>"'&=1+1 javascript:alert(1) \u202Egnp.exe\u0007 ${'W'.repeat(120)}`;

const NOW = '2026-11-27T10:00:00.000Z';
const later = (ms: number) => new Date(Date.parse(NOW) + ms).toISOString();

function enrichment(text: string): Enrichment {
  return {
    fitScore: 42,
    intent: 'high',
    confidence: 0.8,
    evidence: [
      { signal: 'base score', polarity: 'neutral', points: 30 },
      { signal: text, polarity: 'positive', points: 12 },
    ],
    reasoning: `${text} ann@acme.example`,
    scoreSource: 'heuristic',
    needsRescore: false,
    flags: [],
    provider: 'heuristic',
    scorerVersion: 'h1',
  };
}

function lead(text: string, state: Lead['state'] = 'synced'): Lead {
  const exchange = {
    provider: 'postgres',
    lead: { answer: 'created', fields: { last_name: text, fit_score: 42 } },
    member: { answer: 'created', fields: { campaign_id: text } },
    notes: [text],
  };
  return {
    id: LEAD,
    personKey: 'ab'.repeat(32),
    email: 'ann@acme.example',
    emailRaw: 'ann@acme.example',
    campaignId: text,
    name: text,
    attributes: { company: text, message: text, [`\u202E${text.slice(0, 40)}`]: text },
    revision: 2,
    state,
    epoch: 1,
    attempts: { enrichment: 0, 'crm-sync': state === 'dead' ? 5 : 0 },
    enrichment: enrichment(text.slice(0, 200)),
    crm: state === 'dead' ? null : { provider: 'postgres', leadId: text, memberId: text },
    lastError:
      state === 'dead'
        ? {
            stage: 'crm-sync',
            code: 'CRM_RECORD_REJECTED',
            class: 'permanent',
            message: text,
            at: NOW,
            answer: `${text} ann@acme.example`,
          }
        : null,
    nextAttemptAt: null,
    receivedAt: NOW,
    contentAt: NOW,
    enrichedAt: later(50),
    syncedAt: state === 'dead' ? null : later(120),
    rescore: { dueAt: null, givenUp: false },
    events: [
      { seq: 1, at: NOW, kind: 'received', detail: { revision: 1 } },
      { seq: 2, at: later(20), kind: 'revised', detail: { revision: 2, changed: { title: { from: null, to: text } } } },
      { seq: 3, at: later(120), kind: 'synced', detail: { provider: 'postgres', leadId: 'x', exchanges: [exchange] } },
    ],
  } as unknown as Lead & { events: [] };
}

const repeat = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
/** `large`: as much of everything as a lead may have. */
const journey = (text: string, large: boolean) => ({
  ...journeyAlone(text, large),
  next: { what: text, at: NOW },
  outcomes: [],
  probability: null,
  ...IN_USE,
  routing: { ...decision(text), earlier: [] },
  firstTouch: [
    {
      assignmentId: '1',
      ownerId: text,
      pool: text,
      band: 'hot',
      slaMinutes: 5,
      startedAt: NOW,
      dueAt: NOW,
      touch: null,
      touchedAt: null,
      businessMinutes: null,
      endedAt: null,
      endReason: null,
      steps: [{ kind: 'remind', dueAt: NOW, endedAt: null, outcome: text }],
    },
  ],
});

const IN_USE = { band: 'warm', profile: 'shipped', trial: null };

const decision = (text: string) => ({
  leadId: LEAD,
  owner: { rep: text, crmUserId: text },
  rule: text,
  pool: text,
  steps: [{ name: text, outcome: 'chosen', why: text }],
  rulesVersion: 1,
  band: 'hot',
  decidedAt: NOW,
  writtenAt: null,
  endedAt: null,
  endReason: null,
});

const journeyAlone = (text: string, large: boolean) => {
  const one = lead(text) as Lead & { events: LeadEvent[] };
  if (!large) return journeyOf(one, one.events, 5, []);
  const changed = Object.fromEntries(repeat(200, 0).map((_, n) => [`field${n}`, { from: null, to: 'x'.repeat(300) }]));
  const events = repeat(600, one.events[1]!).map((event, n) => ({ ...event, seq: n + 1, detail: { revision: n, changed } }));
  const attributes = Object.fromEntries(repeat(2000, 0).map((_, n) => [`field${n}`, 'x'.repeat(n === 0 ? 60_000 : 30)]));
  return journeyOf({ ...one, attributes }, [...events, ...one.events], 5, []);
};

/** A page as the repositories answer it: never more than was asked for, with a cursor where there is more. */
const page = <T>(count: number, limit: number, item: T) => ({
  items: repeat(Math.min(count, limit), item),
  next: count > limit ? { receivedAt: NOW, id: LEAD } : null,
});

const stage = (name: 'enrichment' | 'crm-sync', text: string | null) => ({
  name,
  paused: text !== null && name === 'enrichment',
  pausedBy: text,
  pausedAt: text === null ? null : new Date(NOW),
  breaker: {
    state: text !== null && name === 'crm-sync' ? 'open' : 'closed',
    reason: text === null ? null : 'configuration',
    code: text === null ? null : 'CRM_RECORD_REJECTED',
    problem: text,
    answer: text,
    openedAt: text === null ? null : new Date(NOW),
    nextProbeAt: text === null ? null : new Date(NOW),
  },
  rateShare: 1,
});

function servicesOf(world: Exclude<World, 'down'>): [token: unknown, service: object][] {
  const count = { empty: 0, full: 3, many: 10_000, hostile: 3, 'no-queue': 3 }[world];
  const text = { hostile: HOSTILE, many: `Acme & Co ${'W'.repeat(90)}` }[world as string] ?? 'Acme & Co';
  const wrong = count === 0 ? null : text;
  const rep = world === 'many' ? 'Ann Berg' : text;
  const stages = [stage('enrichment', wrong), stage('crm-sync', wrong)];
  const rejection = {
    id: LEAD,
    receivedAt: NOW,
    contentType: text,
    body: Buffer.from(`{"name": "${text}`),
    code: 'INVALID_BODY',
    detail: `The body is not JSON: line 1, column 9. ${text}`,
    problems: [{ path: text, message: text }],
    replayedAs: null,
    replayedBy: null,
    replayedAt: null,
  };
  const { lastError, attributes, ...content } = lead(text, 'dead');
  const letter = { ...content, attributes, ...lastError, attempts: 5, diedAt: NOW };
  const group = { stage: 'crm-sync', code: 'CRM_RECORD_REJECTED', class: 'permanent', signature: text, count, example: LEAD };
  const times = { oldest: new Date(NOW), newest: new Date(NOW) };
  const groups = count === 0 ? [] : [{ ...group, ...times }];
  const cause = { cause: 'a'.repeat(32), code: 'INVALID_BODY', detail: text, count, ...times };
  const figures = { p50: count === 0 ? null : 0.1, p95: 0.2, p99: 0.3, max: 9 };
  const loads = ['enrichment', 'crm-sync'].map((name) => ({
    name,
    ...figures,
    backlog: count,
    oldestSeconds: count,
    perSecond: 1,
    forecastSeconds: count,
    heldBackBy: count === 0 ? null : 'pause',
  }));
  const report = {
    slaSeconds: 300,
    windowMinutes: 60,
    speedToLead: { count, ...figures },
    breaches: count,
    breached: { synced: 0, waiting: count, dead: 0 },
    backlog: { enrichment: count, 'crm-sync': count },
    forecastSeconds: count,
    stages: loads,
    histogram: [60, 300, null].map((upTo) => ({ upTo, count })),
  };
  return [
    [
      LeadsService,
      {
        list: async ({ limit }: { limit: number }) => ({
          items: page(count, limit, summaryOf(lead(text), 5, [])).items,
          nextCursor: count > limit ? 'next' : null,
        }),
        journey: async () => journey(text, world === 'many'),
      },
    ],
    [
      DeadLetters,
      {
        list: async (_: object, limit: number) => page(count, limit, letter),
        summary: async () => groups,
        find: async () => letter,
      },
    ],
    [
      RejectionsService,
      {
        list: async (limit: number) => page(count, limit, rejection),
        countOpen: async () => count,
        causes: async () => (count === 0 ? [] : repeat(Math.min(count, 50), cause)),
        find: async () => rejection,
        openIds: async (limit: number) => repeat(Math.min(count, limit), LEAD),
        fieldNamesOf: () => [text],
        refusalOf: () => new AppError('INVALID_LEAD', text),
      },
    ],
    [BulkReplays, {}],
    [RejectionsRepository, { countOpenRejections: async () => count }],
    [
      SlaRepository,
      {
        perMinute: async () =>
          Array.from({ length: 60 }, (_, n) => ({ at: new Date(NOW), received: count, medianSeconds: n % 2 ? 0.1 : null })),
        hasLeads: async () => count > 0,
        byCampaign: async () =>
          count === 0 ? [] : repeat(20, { campaignId: text, count, late: 1, waiting: 1, dead: 1, p95: 3 }),
        countDead: async () => count,
      },
    ],
    [SlaService, { report: async () => report }],
    [MarketoService, { report: async () => marketoReport(text, count) }],
    [
      QueuesService,
      {
        backendKind: 'redis',
        breakers: async () => stages,
        list: async () => {
          if (world === 'no-queue') throw new AppError('QUEUE_UNAVAILABLE', 'The queue store does not answer.');
          return { items: stages.map((row) => ({ ...row, waiting: count, active: 0, delayed: 0 })) };
        },
        livingWorkers: async () => (count === 0 ? 0 : 2),
      },
    ],
    [AttentionService, { report: async () => attentionOf(text, count, world !== 'no-queue') }],
    [
      BudgetsService,
      { report: async () => repeat(Math.min(1, count), { of: 'ai', name: 'AI tokens', share: 0.9, warnFrom: 0.8, text: 'x' }) },
    ],
    [
      AuditLogRepository,
      {
        listActs: async (_: object, limit: number) =>
          repeat(Math.min(count, limit), { id: '7', at: new Date(NOW), who: text, act: 'replay', detail: { reason: text } }),
        listActNames: async () => (count === 0 ? [] : ['replay']),
        recordAct: async () => {},
      },
    ],
    [
      SavedViewsRepository,
      { listViews: async () => repeat(Math.min(count, 50), { name: text.slice(0, 60), query: 'state=dead', who: text }) },
    ],
    [
      BulkActionsRepository,
      {
        listBulkActions: async (_: string, limit: number) =>
          repeat(Math.min(count, limit), { id: LEAD, at: new Date(NOW), who: text, rows: count, open: count }),
        findBulkAction: async () => ({
          id: LEAD,
          at: new Date(NOW),
          kind: 'replay-rejections',
          who: text,
          filter: {},
          perSecond: 10,
          refused: repeat(count, { id: LEAD, code: 'INVALID_LEAD', detail: text }),
          open: count,
          leadCount: count,
          states: { synced: count },
          leads: repeat(Math.min(count, 100), { id: LEAD, name: text, email: 'a@b.example', state: 'synced', code: null }),
        }),
      },
    ],
    [PrivacyService, {}],
    [EndedSessionsRepository, endedSessions()],
    [
      OutcomesService,
      {
        reportOn: async ({ target }: { target: Target }) =>
          reportOf({
            now: new Date(NOW),
            target,
            horizonDays: 90,
            capacity: undefined,
            complete: true,
            all: { mature: noCounts(), immature: { leads: count, conversions: 0 }, convertedBefore: 0 },
            by: { scorerVersion: [], campaignId: [], scoreSource: [] },
            weeks: [],
            calibrator: null,
            limits: { warm: 40, hot: 65 },
          }),
      },
    ],
    [TrialsService, trialsOf(count, text)],
    [ActiveProfile, { rules: async () => ({ profile: { bands: { warm: 40, hot: 65 } } }) }],
    [CalibrationService, { active: async () => null }],
    [
      RoutingOverviewService,
      {
        overview: async () => ({
          on: count > 0,
          version: 1,
          ofFile: false,
          pools: repeat(Math.min(count, 5), 0).map((_, n) => ({
            name: `${rep} ${n}`,
            next: rep,
            members: repeat(Math.max(20, count / 20), {
              rep,
              crmUserId: rep,
              weight: 1,
              assigned: 1,
              expected: 1,
              credit: 0,
              away: rep,
            }),
          })),
          members: repeat(Math.min(count, 500), { rep, crmUserId: rep, absences: [], active: true }),
          versions: repeat(Math.min(count, 50), { version: 1, at: NOW, who: text, note: text, active: true }),
        }),
      },
    ],
    [
      RoutingOpsService,
      {
        ownersOf: async (ids: string[]) => new Map(ids.map((id) => [id, text])),
        decisions: async ({ limit }: { limit: number }) => ({
          items: repeat(Math.min(count, limit), decision(rep)),
          nextCursor: count > limit ? '7' : null,
        }),
      },
    ],
  ];
}

function endedSessions() {
  const ended = new Set<string>();
  return { endSession: async (id: string) => void ended.add(id), hasEnded: async (id: string) => ended.has(id) };
}

function attentionOf(text: string, count: number, queueAnswers: boolean): AttentionReport {
  if (count === 0) return { queueAnswers, alertsFailing: null, marketo: null, owners: null };
  const { writeBack, reconciliation } = marketoReport(text, count);
  return {
    queueAnswers,
    alertsFailing: { since: new Date(NOW), problem: text, dropped: count },
    marketo: { stages: [writeBack.stage, reconciliation.stage], owed: count, missing: count },
    owners: { overdue: count, channels: [{ channel: 'slack', since: new Date(NOW), problem: text, dropped: count }] },
  };
}

function trialsOf(count: number, text: string) {
  const score = { fitScore: 42, intent: 'high', evidence: enrichment(text.slice(0, 200)).evidence, flags: [], provider: text };
  const trial = {
    id: 1,
    kind: 'shadow',
    state: 'stopped',
    challenger: { provider: 'gemini', model: text, profile: { name: text } },
    settings: { target: 'converted', horizonDays: 90 },
    unreadable: null,
    note: text,
    who: text,
    createdAt: NOW,
    reason: text,
    lastError: 'AI_UNAVAILABLE',
    injections: { tried: 6, raised: 0, failed: 0, cases: [] },
  };
  const figures = {
    scored: count,
    pending: 0,
    failed: 0,
    agreement: { sameBand: 0.9, sameIntent: 1, meanDifference: 3, rankCorrelation: null },
    bands: [{ champion: 'warm', challenger: 'hot', leads: count }],
    costUsdPerLead: { champion: null, challenger: 0.001 },
    tookMs: { p50: null, p95: 40 },
    outcomes: {
      leads: count,
      conversions: 0,
      verdict: count === 0 ? 'not enough outcomes' : 'worse',
      auc: count === 0 ? null : { champion: 0.8, challenger: 0.7, difference: { value: -0.1, low: -0.2, high: -0.05 } },
    },
  };
  return {
    champion: async () => ({
      version: count,
      trialId: count === 0 ? null : 1,
      challenger: trial.challenger,
      unreadable: null,
      who: text,
    }),
    list: async () =>
      repeat(Math.min(count, 50), trial).map((each, index) =>
        index === 0 ? { ...each, challenger: null, settings: null, unreadable: text } : each,
      ),
    report: async () => ({
      ...trial,
      figures: count === 0 ? null : figures,
      movers: repeat(Math.min(count, 20), { leadId: LEAD, champion: score, challenger: { ...score } }),
    }),
  };
}

/** Each call of each service fails, as it does while PostgreSQL is down. */
function downServices(): [token: unknown, service: object][] {
  const fail = () => Promise.reject(new AppError('LEDGER_UNAVAILABLE', 'PostgreSQL does not answer.'));
  return servicesOf('empty').map(([token, service]) => [
    token,
    Object.fromEntries(Object.keys(service).map((name) => [name, name === 'backendKind' ? 'redis' : fail])),
  ]);
}

/** The console alone, over services that answer from memory. */
export async function startConsole(world: World, env: NodeJS.ProcessEnv = {}): Promise<NestFastifyApplication> {
  const tokens = { OPS_TOKENS: `ann:operator:${OPERATOR_TOKEN},bob:viewer:${VIEWER_TOKEN}` };
  const config = loadConfig({ ...tokens, ...env }, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
  const platform = PlatformModule.with({ config, logger: pino({ level: 'silent' }) } as never);
  const services = world === 'down' ? downServices() : servicesOf(world);
  @Module({
    imports: [platform, HttpModule],
    controllers: Reflect.getMetadata('controllers', ConsoleModule) as [],
    providers: [
      ...(Reflect.getMetadata('providers', ConsoleModule) as []),
      ...services.map(([token, useValue]) => ({ provide: token as string, useValue })),
    ],
  })
  class ConsoleWorld {}
  const app = await NestFactory.create<NestFastifyApplication>(ConsoleWorld, createHttpAdapter(), {
    bodyParser: false,
    logger: false,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}
