import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { isEmail, normaliseEmail, personKeyOf } from '../domain/lead-keys.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { CalibrationService } from './calibration.service.js';
import { FirstScoresRepository } from './first-scores.repository.js';
import { SALESFORCE, type Outcome, type Target } from './outcome.js';
import { BAND_LIMITS, reportOf, type BandLimits, type OutcomesReport } from './outcomes-report.js';
import { OutcomesRepository } from './outcomes.repository.js';
import { ScoreCellsRepository } from './score-cells.repository.js';

/** Weeks that the drift of scores is shown for, and one more to compare the first with. */
const WEEKS = 13;
/** The clocks of other systems may be ahead. */
const FUTURE_MS = 86_400_000;

export interface ReportedOutcomeInput extends Omit<Outcome, 'amount' | 'currency' | 'crmId'> {
  email: string;
  amount?: number | undefined;
  currency?: string | undefined;
  /** Of the record in the other system. */
  id?: string | undefined;
}

/** What became of leads, for the API, the CLI and the console. */
@Injectable()
export class OutcomesService {
  constructor(
    private readonly outcomes: OutcomesRepository,
    private readonly cells: ScoreCellsRepository,
    private readonly firstScores: FirstScoresRepository,
    private readonly calibrations: CalibrationService,
    @Inject(BAND_LIMITS) private readonly bandLimits: () => Promise<BandLimits>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'OUTCOMES_HORIZON_DAYS'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Stores an outcome that another system reports. It can be repeated: the same source, record, kind and time are one
   * outcome.
   * @returns false where it was stored before.
   * @throws AppError BAD_REQUEST, NOT_FOUND where no lead of the person is held; its message does not repeat the
   * address.
   */
  async report(outcome: ReportedOutcomeInput, by: string): Promise<boolean> {
    const { email: address, kind, at, amount, currency, source, id } = outcome;
    const email = normaliseEmail(address);
    if (!isEmail(email)) throw new AppError('BAD_REQUEST', 'The field `email` must be the address of one person.');
    if (source === SALESFORCE)
      throw new AppError('BAD_REQUEST', `The source ${SALESFORCE} is what this service reads itself. Name another source.`);
    if (Date.parse(at) > this.clock.now() + FUTURE_MS)
      throw new AppError('BAD_REQUEST', 'The field `at` is in the future. Nothing was stored.');
    const stored = await this.outcomes.append({
      personKey: personKeyOf(email),
      kind,
      at,
      amount: amount ?? null,
      currency: currency ?? null,
      source,
      crmId: id ?? '',
      by,
    });
    if (stored === null) throw new AppError('NOT_FOUND', 'No lead of this person is held, so nothing was stored.');
    return stored;
  }

  ofPerson(personKey: string): Promise<Outcome[]> {
    return this.outcomes.ofPerson(personKey);
  }

  /** What the scores of leads were worth. */
  async reportOn(query: {
    target: Target;
    horizonDays?: number | undefined;
    since?: string | undefined;
    capacity?: number | undefined;
  }): Promise<OutcomesReport> {
    const { target, capacity, horizonDays = this.config.OUTCOMES_HORIZON_DAYS } = query;
    const complete = await this.firstScores.catchUp();
    const since = query.since === undefined ? undefined : new Date(query.since);
    const [limits, { all, by }, weeks, active] = await Promise.all([
      this.bandLimits(),
      this.cells.cells({ target, horizonDays, since }),
      this.cells.weeks(WEEKS),
      this.calibrations.active(),
    ]);
    const calibrator = active?.fitted.target === target && active.fitted.horizonDays === horizonDays ? active.calibrator : null;
    return reportOf({
      now: new Date(this.clock.now()),
      target,
      horizonDays,
      capacity,
      complete,
      all,
      by,
      weeks,
      calibrator,
      limits,
    });
  }
}
