import { Inject, Injectable } from '@nestjs/common';
import { STAGES, type Stage } from '../domain/lead-state.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import type { StageRow } from '../flow-control/stage-row.js';
import { forecastOf } from '../ledger/forecast.js';
import { SlaRepository, type Percentiles } from '../ledger/sla.repository.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';

export type SlaReport = Awaited<ReturnType<SlaService['report']>>;

/** Whether leads reach the CRM within the SLA, and a forecast; for the API and the console. */
@Injectable()
export class SlaService {
  constructor(
    private readonly sla: SlaRepository,
    private readonly flow: FlowControlRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** For the last `minutes`. All times are in seconds; null means unknown. */
  async report(minutes: number) {
    const slaSeconds = this.config.SPEED_TO_LEAD_SLA_SECONDS;
    const [arrived, overdue, loads, rows] = await Promise.all([
      this.sla.arrivals(minutes, slaSeconds),
      this.sla.overdue(minutes),
      this.sla.stageLoads(),
      this.flow.stages(),
    ]);
    const forecast = forecastOf(loads);
    return {
      slaSeconds,
      windowMinutes: minutes,
      speedToLead: { count: arrived.count, ...rounded(arrived.speedToLead) },
      // A lead that has not arrived within the SLA is a breach, as one that arrived late.
      breaches: arrived.late + overdue.waiting + overdue.dead,
      breached: { synced: arrived.late, ...overdue },
      backlog: byStage((stage) => loads.find((load) => load.stage === stage)!.backlog),
      forecastSeconds: round(forecast.seconds),
      stages: loads.map(({ stage, backlog, oldestSeconds, perSecond }) => ({
        name: stage,
        ...rounded(arrived.stages[stage]),
        backlog,
        oldestSeconds: round(oldestSeconds),
        perSecond: round(perSecond),
        forecastSeconds: round(forecast.stages[stage]),
        heldBackBy: heldBackBy(rows.find((row) => row.stage === stage)),
      })),
      histogram: arrived.histogram,
    };
  }
}

function byStage<T>(of: (stage: Stage) => T): Record<Stage, T> {
  return Object.fromEntries(STAGES.map((stage) => [stage, of(stage)])) as Record<Stage, T>;
}

/** Why a stage processes no leads. */
function heldBackBy(row: StageRow | undefined): 'pause' | 'breaker' | null {
  if (row?.pausedAt) return 'pause';
  return row?.breaker === 'open' || row?.breaker === 'half-open' ? 'breaker' : null;
}

function rounded({ p50, p95, p99, max }: Percentiles): Percentiles {
  return { p50: round(p50), p95: round(p95), p99: round(p99), max: round(max) };
}

/** Rounds to milliseconds. */
function round(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 1000) / 1000;
}
