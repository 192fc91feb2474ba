import type { AttentionReport } from '../ops/attention.service.js';
import type { Budget } from '../ops/budgets.service.js';
import type { QueuesService } from '../ops/queues.service.js';
import type { SlaReport } from '../ops/sla.service.js';
import type { Viewer } from './layout.js';
import type { NoticeTone } from './components/blocks.js';
import { grouped } from './components/text.js';
import { seconds } from './components/time.js';

/** Something that a person should look at: what is wrong, the page that shows it, and the section of the runbook. */
export interface Problem {
  tone: NoticeTone;
  title: string;
  detail: string;
  /** The page of the console where it can be looked into. */
  href: string;
  link: string;
  /** The anchor of the section. */
  runbook: string;
}

export type Breakers = Awaited<ReturnType<QueuesService['breakers']>>;

export interface Facts extends AttentionReport {
  report: SlaReport;
  breakers: Breakers;
  budgets: Budget[];
  workers: number;
  waiting: Viewer['waiting'];
}

const STAGES_PAGE = { href: '/console/stages', link: 'Open Stages' };
const MARKETO_PAGE = { href: '/console/marketo', link: 'Open Marketo' };
const ROUTING_PAGE = { href: '/console/routing', link: 'Open Routing' };

/** The state of leads that wait for a stage. */
const WAITS_AS = { enrichment: 'received', 'crm-sync': 'enriched' } as const;

/** What a person should look at, what is bad first. It covers what `deploy/prometheus/alerts.yml` watches. */
export function problemsOf(facts: Facts): Problem[] {
  const { report, breakers, budgets, workers, waiting } = facts;
  const problems = [
    ...(facts.queueAnswers ? [] : [NO_QUEUE]),
    ...(workers === 0 ? [NO_WORKER] : []),
    ...breakers.flatMap((stage) => stageProblems(stage, report.backlog[stage.name])),
    ...slaProblems(report),
    ...budgets.flatMap(budgetProblem),
    ...waitingProblems(waiting),
    ...ownerProblems(facts.owners),
    ...marketoProblems(facts.marketo),
    ...alertProblems(facts.alertsFailing),
  ];
  return problems.toSorted((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'));
}

const NO_QUEUE: Problem = {
  tone: 'bad',
  title: 'The queue store does not answer',
  detail: 'Leads are accepted and wait in the ledger. They get new jobs when it answers again.',
  ...STAGES_PAGE,
  runbook: 'a-queue-does-not-move',
};

const NO_WORKER: Problem = {
  tone: 'bad',
  title: 'No worker is running',
  detail: 'Leads are accepted and wait. Start a process with ROLE=worker or ROLE=all.',
  ...STAGES_PAGE,
  runbook: 'a-queue-does-not-move',
};

function stageProblems({ name, paused, pausedBy, breaker }: Breakers[number], backlog: number): Problem[] {
  const problems: Problem[] = [];
  if (breaker.state === 'open' || breaker.state === 'half-open') {
    problems.push({
      tone: 'bad',
      title: `The circuit breaker of ${name} is open: ${breaker.code}`,
      detail: `${breaker.problem ?? ''} ${thatWait(backlog)}; no attempt is lost.`,
      ...STAGES_PAGE,
      runbook: 'a-breaker-is-open',
    });
  }
  if (paused) {
    problems.push({
      tone: 'warn',
      title: `${name} is paused`,
      detail: `By ${pausedBy}. ${thatWait(backlog)} until it is resumed.`,
      ...STAGES_PAGE,
      runbook: 'a-stage-is-paused',
    });
  }
  return problems;
}

/** Leads that are late, or else a backlog that makes the newest of them late. */
function slaProblems({ breached, stages, forecastSeconds, slaSeconds }: SlaReport): Problem[] {
  const runbook = 'speed-to-lead-is-at-risk';
  if (breached.waiting > 0) {
    const slowest = stages.toSorted((a, b) => (b.oldestSeconds ?? 0) - (a.oldestSeconds ?? 0))[0]!;
    return [
      {
        tone: 'bad',
        title: counted(breached.waiting, 'lead waits beyond the SLA', 'leads wait beyond the SLA'),
        detail: `Not in the CRM after ${seconds(slaSeconds)}. The oldest waits for ${slowest.name}.`,
        href: `/console/leads?state=${WAITS_AS[slowest.name]}&sort=oldest`,
        link: 'Show the oldest',
        runbook,
      },
    ];
  }
  if (forecastSeconds === null || forecastSeconds <= slaSeconds) return [];
  return [
    {
      tone: 'warn',
      title: `The backlog needs ${seconds(forecastSeconds)} at the present rate`,
      detail: `That is longer than the SLA of ${seconds(slaSeconds)}, so the newest leads will be late.`,
      ...STAGES_PAGE,
      runbook,
    },
  ];
}

function budgetProblem({ of, name, share, warnFrom, text }: Budget): Problem[] {
  if (share === null || warnFrom === null || share < warnFrom) return [];
  return [
    {
      tone: share >= 1 ? 'bad' : 'warn',
      title: `${name}: ${Math.round(share * 100)} % of the budget is used`,
      detail: text,
      ...STAGES_PAGE,
      runbook: of === 'ai' ? 'the-ai-budget-runs-out' : 'the-crm-api-budget-runs-out',
    },
  ];
}

function waitingProblems(waiting: Viewer['waiting']): Problem[] {
  const problems: Problem[] = [];
  if (waiting && waiting.deadLetters > 0) {
    problems.push({
      tone: 'warn',
      title: counted(waiting.deadLetters, 'dead letter waits for a person', 'dead letters wait for a person'),
      detail: 'The service does not try these leads again by itself.',
      href: '/console/dead-letters',
      link: 'Open Dead letters',
      runbook: 'dead-letters',
    });
  }
  if (waiting && waiting.rejections > 0) {
    problems.push({
      tone: 'warn',
      title: counted(waiting.rejections, 'refused request is open', 'refused requests are open'),
      detail: 'Their senders sent something that is not a lead. Repair and replay them.',
      href: '/console/rejections',
      link: 'Open Rejections',
      runbook: 'webhooks-are-rejected',
    });
  }
  return problems;
}

function ownerProblems(owners: AttentionReport['owners']): Problem[] {
  if (owners === null) return [];
  const runbook = 'owners-do-not-act-in-time';
  const late: Problem = {
    tone: 'warn',
    title: counted(owners.overdue, 'lead has no first touch in time', 'leads have no first touch in time'),
    detail: 'Their owners have not acted. Reminders and reassignments follow the rules.',
    ...ROUTING_PAGE,
    runbook,
  };
  const silent = owners.channels.map(({ channel, problem }): Problem => ({
    tone: 'warn',
    title: `Owners get no notices by ${channel}`,
    detail: `${problem}. Check NOTICES_${channel.toUpperCase()}_URL.`,
    ...ROUTING_PAGE,
    runbook,
  }));
  return [...(owners.overdue > 0 ? [late] : []), ...silent];
}

function marketoProblems(marketo: AttentionReport['marketo']): Problem[] {
  if (marketo === null) return [];
  const stopped = marketo.stages.flatMap(({ name, paused, pausedBy, breaker }): Problem[] => [
    ...(breaker.open
      ? [
          {
            tone: 'bad' as const,
            title: `The circuit breaker of ${name} is open${breaker.code ? `: ${breaker.code}` : ''}`,
            detail: breaker.problem ?? 'Marketo does not answer.',
            ...MARKETO_PAGE,
            runbook: 'a-breaker-is-open',
          },
        ]
      : []),
    ...(paused
      ? [
          {
            tone: 'warn' as const,
            title: `${name} is paused`,
            detail: `By ${pausedBy}. Leads reach the CRM as usual.`,
            ...MARKETO_PAGE,
            runbook: 'a-stage-is-paused',
          },
        ]
      : []),
  ]);
  const missing: Problem = {
    tone: 'bad',
    title: counted(marketo.missing, 'webhook call never arrived', 'webhook calls never arrived'),
    detail: "They are in Marketo's own log of the last 7 days, and no lead here comes from them.",
    ...MARKETO_PAGE,
    runbook: 'webhook-calls-are-missing',
  };
  return [...stopped, ...(marketo.missing > 0 ? [missing] : [])];
}

function alertProblems(failing: AttentionReport['alertsFailing']): Problem[] {
  if (failing === null) return [];
  const dropped = failing.dropped > 0 ? ` ${counted(failing.dropped, 'message was', 'messages were')} dropped.` : '';
  return [
    {
      tone: 'warn',
      title: 'Alerts do not arrive',
      detail: `${failing.problem}.${dropped} Check ALERT_WEBHOOK_URL.`,
      ...STAGES_PAGE,
      runbook: 'alerts-do-not-arrive',
    },
  ];
}

/** `No lead waits`, `1 lead waits`, `30 leads wait` */
function thatWait(count: number): string {
  return count === 0 ? 'No lead waits' : counted(count, 'lead waits', 'leads wait');
}

function counted(count: number, one: string, many: string): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}
