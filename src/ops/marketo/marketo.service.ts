import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../domain/app-error.js';
import { ERROR_CATALOG } from '../../domain/error-catalog.js';
import { AuditLogRepository } from '../../ledger/audit-log.repository.js';
import { MarketoArrivalsRepository } from '../../ledger/marketo-arrivals.repository.js';
import { MarketoCallsRepository } from '../../ledger/marketo-calls.repository.js';
import { ERASURES_KEPT_DAYS, MarketoErasuresRepository } from '../../ledger/marketo-erasures.repository.js';
import { MarketoRunsRepository, type ReconciliationRun } from '../../ledger/marketo-runs.repository.js';
import {
  MARKETO_STAGES,
  MarketoStagesRepository,
  type MarketoStage,
  type MarketoStageRow,
} from '../../ledger/marketo-stages.repository.js';
import { MarketoUpdatesRepository } from '../../ledger/marketo-updates.repository.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/platform.module.js';

const WINDOWS_SHOWN = 20;
const MISSING_SHOWN = 50;
const REPAIRS_WITHIN_MS = ERASURES_KEPT_DAYS * 86_400_000;

export type MarketoReport = Awaited<ReturnType<MarketoService['report']>>;
export type ShownRun = ReturnType<typeof shownRun>;

/**
 * What is owed to Marketo and what its log says of our webhook; for the API and the command line. It calls no Marketo.
 */
@Injectable()
export class MarketoService {
  constructor(
    private readonly stages: MarketoStagesRepository,
    private readonly updates: MarketoUpdatesRepository,
    private readonly erasures: MarketoErasuresRepository,
    private readonly runs: MarketoRunsRepository,
    private readonly calls: MarketoCallsRepository,
    private readonly arrivals: MarketoArrivalsRepository,
    private readonly auditLog: AuditLogRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  get isConfigured(): boolean {
    return this.config.MARKETO_BASE_URL !== undefined;
  }

  async report() {
    const [rows, owed, ended, erasures, windows, missing, missingCalls] = await Promise.all([
      this.stages.stages(),
      this.updates.owed(),
      this.updates.ended(),
      this.erasures.countDue(),
      this.runs.newest(WINDOWS_SHOWN),
      this.calls.countMissing(),
      this.calls.missing(MISSING_SHOWN),
    ]);
    const { MARKETO_RECONCILE: mode, MARKETO_WEBHOOK: webhook = null } = this.config;
    const [sync, reconciliation] = MARKETO_STAGES.map((name) => rows.find((row) => row.stage === name)!);
    const inWindows = (kind: string) => windows.reduce((sum, { counts }) => sum + (counts[kind] ?? 0), 0);
    const endedAs = (state: string) => ended.reduce((sum, one) => sum + (one.state === state ? one.count : 0), 0);
    return {
      configured: this.isConfigured,
      writeBack: {
        stage: shownStage(sync!),
        owed: owed.count,
        oldestOwedAt: owed.oldest,
        sent: sync!.records,
        skipped: endedAs('skipped'),
        dead: endedAs('dead'),
        erasures,
        notWritten: ended.map((one) => ({ ...one, remedy: one.code && ERROR_CATALOG[one.code].remedy })),
        quota: this.quotaOf(sync!),
      },
      reconciliation: {
        stage: shownStage(reconciliation!),
        mode: webhook === null ? 'off' : mode,
        webhook,
        comparedUntil: reconciliation!.position,
        extractedUntil: reconciliation!.extractedUntil,
        missing: missing.count,
        oldestMissingAt: missing.oldest,
        matched: inWindows('matched') + inWindows('answer-lost'),
        repaired: inWindows('repaired'),
        windows: windows.map(shownRun),
        missingCalls,
      },
    };
  }

  /** What arrived in the last day, for the check of the webhook. */
  arrived() {
    return this.arrivals.ofLastDay();
  }

  /** For a scrape: from the ledger, the same from every process. */
  async figures() {
    const [rows, owed, missing] = await Promise.all([this.stages.stages(), this.updates.owed(), this.calls.countMissing()]);
    return { stages: rows.map(shownStage), owed: owed.count, missing: missing.count };
  }

  /**
   * A worker executes the run.
   * @throws AppError BAD_REQUEST where no worker would, where the window has no calls yet, or where a repair may bring
   * back a person who was erased.
   */
  async reconcile(who: string, { since, repair }: { since?: string | undefined; repair: boolean }) {
    const from = since === undefined ? null : new Date(since);
    if (from && from.getTime() > Date.now()) {
      throw new AppError('BAD_REQUEST', 'The window must begin in the past: `since` is later than now. Nothing was compared.');
    }
    if (repair && from && from.getTime() < Date.now() - REPAIRS_WITHIN_MS) {
      throw new AppError(
        'BAD_REQUEST',
        `A repair can begin ${ERASURES_KEPT_DAYS} days ago at most: people who were erased before that are no longer ` +
          'known here, and it could bring one back. Nothing was taken in. Compare without a repair to see what is missing.',
      );
    }
    return this.request(who, repair ? 'repair' : 'report', from);
  }

  /** Takes in the calls that are missing, as far as a repair may go back. @throws AppError as `reconcile` */
  async repairMissing(who: string, oldest: Date) {
    return this.request(who, 'repair', new Date(Math.max(oldest.getTime(), Date.now() - REPAIRS_WITHIN_MS)));
  }

  private async request(who: string, mode: ReconciliationRun['mode'], since: Date | null) {
    this.requireConfigured();
    if (this.config.MARKETO_WEBHOOK === undefined) {
      throw new AppError(
        'BAD_REQUEST',
        'Set MARKETO_WEBHOOK to the name or id of our webhook in Marketo. `marketo check` lists them.',
      );
    }
    return shownRun(await this.runs.request(who, mode, since));
  }

  /** @throws AppError NOT_FOUND */
  async run(id: string) {
    const run = /^\d{1,18}$/.test(id) ? await this.runs.find(id) : null;
    if (!run) throw new AppError('NOT_FOUND', 'No run of the reconciliation has this id. GET /ops/marketo lists the newest.');
    return shownRun(run);
  }

  /** @throws AppError BAD_REQUEST where Marketo is not configured. */
  async backfill(
    who: string,
    { after, limit, retry, dryRun }: { after: string; limit: number; retry: boolean; dryRun: boolean },
  ) {
    this.requireConfigured();
    const page = await this.updates.backfill(after, limit, retry, dryRun);
    if (!dryRun) await this.auditLog.recordAct(who, 'marketo-backfill', { people: page.people, owed: page.owed, retry });
    return page;
  }

  /** @throws AppError NOT_FOUND */
  async pause(name: string, who: string, act: 'pause' | 'resume') {
    const stage = MARKETO_STAGES.find((candidate) => candidate === name);
    if (!stage) throw new AppError('NOT_FOUND', `There is no task of this name. The tasks are ${MARKETO_STAGES.join(' and ')}.`);
    await (act === 'pause' ? this.stages.pause(stage, who) : this.stages.resume(stage, who));
    return shownStage((await this.stages.stages()).find((row) => row.stage === stage)!);
  }

  private quotaOf({ quota }: MarketoStageRow) {
    const { MARKETO_DAILY_CALLS: limit, MARKETO_STOP_PERCENT: percent } = this.config;
    return quota && { used: quota.used, limit, stopsAt: Math.floor((limit * percent) / 100), readAt: quota.at };
  }

  private requireConfigured(): void {
    if (this.isConfigured) return;
    throw new AppError('BAD_REQUEST', 'Marketo is not configured: set MARKETO_BASE_URL, in this process and in the workers.');
  }
}

function shownStage(row: MarketoStageRow): {
  name: MarketoStage;
  paused: boolean;
  pausedBy: string | null;
  breaker: {
    open: boolean;
    code: MarketoStageRow['code'];
    problem: string | null;
    openedAt: Date | null;
    nextCallAt: Date | null;
  };
  calls: number;
} {
  const isOpen = row.failures > 0;
  return {
    name: row.stage,
    paused: row.pausedAt !== null,
    pausedBy: row.pausedBy,
    breaker: {
      open: isOpen,
      code: row.code,
      problem: row.code && `${row.message ?? ERROR_CATALOG[row.code].meaning} ${ERROR_CATALOG[row.code].remedy}`,
      openedAt: row.openedAt,
      nextCallAt: isOpen ? new Date(Date.now() + (row.openForMs ?? 0)) : null,
    },
    calls: row.calls,
  };
}

function shownRun(run: ReconciliationRun) {
  return {
    id: run.id,
    requestedBy: run.requestedBy,
    mode: run.mode,
    source: run.source,
    from: run.fromAt,
    to: run.toAt,
    state: run.endedAt ? ('done' as const) : ('open' as const),
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    activities: run.activities,
    calls: run.calls,
    classes: run.counts,
    otherWebhooks: run.webhooks,
    problem: run.code && `${run.message ?? ''} ${ERROR_CATALOG[run.code].remedy}`.trim(),
  };
}
