import { Inject, Injectable } from '@nestjs/common';
import type { PersonProjection } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { probabilityOf } from './calibration/calibrator.js';
import { chooseCalibrator } from './calibration/choose-calibrator.js';
import { CalibrationsRepository, type Calibration } from './calibrations.repository.js';
import type { Target } from './outcome.js';
import { ScoreCellsRepository } from './score-cells.repository.js';

/** The part of the leads on which a calibrator is fitted before it is judged by the rest. */
const EARLIER_SHARE = 0.7;
/** Fewer leads of a scorer do not show what its scores mean. */
const LEADS_PER_SCORER = 100;
/** How late a process notices that another one activated a calibration. */
const KNOWN_FOR_MS = 30_000;

export interface Probability {
  value: number;
  /** The version of the calibration. */
  calibration: number;
}

/** Probabilities of conversion. They never change a score. */
@Injectable()
export class CalibrationService {
  private known: { at: number; active: Promise<Calibration | null> } | undefined;

  constructor(
    private readonly repository: CalibrationsRepository,
    private readonly cells: ScoreCellsRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'OUTCOMES_HORIZON_DAYS'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  list(): Promise<Calibration[]> {
    return this.repository.list();
  }

  /**
   * Fits a calibrator and stores it; it is not active yet.
   * @throws AppError BAD_REQUEST where the outcomes do not allow one.
   */
  async fit(who: string, target: Target, horizonDays = this.config.OUTCOMES_HORIZON_DAYS): Promise<Calibration> {
    const { earlier, later, versions } = await this.cells.splitByTime({ target, horizonDays }, EARLIER_SHARE);
    const choice = chooseCalibrator({ earlier, later });
    if (choice.chosen === null) throw new AppError('BAD_REQUEST', `Nothing was fitted: ${choice.reason}.`);
    const { calibrator, ...fitted } = choice.chosen;
    const scorerVersions = [...versions].flatMap(([version, leads]) => (leads >= LEADS_PER_SCORER ? [version] : [])).toSorted();
    const version = await this.repository.add(who, calibrator, { ...fitted, target, horizonDays, scorerVersions });
    return (await this.repository.list()).find((each) => each.version === version)!;
  }

  /** @throws AppError NOT_FOUND */
  async activate(who: string, version: number): Promise<void> {
    if (!(await this.repository.activate(who, version)))
      throw new AppError('NOT_FOUND', 'No calibration has this version. GET /ops/outcomes/calibration lists them.');
    this.known = undefined;
  }

  /** @throws AppError BAD_REQUEST where none is active. */
  async rollBack(who: string): Promise<void> {
    if (!(await this.repository.rollBack(who))) throw new AppError('BAD_REQUEST', 'No calibration is active.');
    this.known = undefined;
  }

  /** The active calibration; it may be half a minute old. */
  async active(): Promise<Calibration | null> {
    const now = this.clock.now();
    if (!this.known || now - this.known.at > KNOWN_FOR_MS) {
      const active = this.repository.active();
      this.known = { at: now, active };
      active.catch(() => (this.known = undefined));
    }
    return this.known.active;
  }

  /** What the CRM is sent, with its probability. A lead does not wait for one that cannot be read now. */
  async withProbability(projection: PersonProjection): Promise<PersonProjection> {
    const probability = await this.probabilityOf(projection.enrichment).catch(() => null);
    return probability ? { ...projection, probability: probability.value } : projection;
  }

  /** Null where no calibration is active, or the active one knows nothing about this scorer. */
  async probabilityOf(enrichment: Pick<Enrichment, 'fitScore' | 'scorerVersion'> | null): Promise<Probability | null> {
    const active = await this.active();
    if (!active || !enrichment || !active.fitted.scorerVersions.includes(enrichment.scorerVersion)) return null;
    const value = probabilityOf(active.calibrator, enrichment.fitScore);
    return { value: Number(value.toFixed(4)), calibration: active.version };
  }
}
