import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';
import { ActiveProfile } from './active-profile.js';
import { completeChallenger, type Challenger } from './challenger.js';
import type { ListedTrial, Trial, TrialSettings } from './trial.js';
import type { TrialKind } from './trial-kinds.js';
import { TrialReport, type TrialFigures } from './trial-report.js';
import type { Mover } from './trial-figures.repository.js';
import type { ScorerInUse } from './trial-rows.js';
import { MOST_OPEN, TrialsRepository } from './trials.repository.js';

const NO_SUCH_TRIAL = 'No trial has this number. GET /ops/trials lists them.';

export interface TrialRequest {
  kind: TrialKind;
  challenger: Challenger;
  settings: TrialSettings;
  note: string;
}

/** A trial with what it shows so far, or showed at its end. */
export type ReportedTrial = ListedTrial & {
  /** Null where nothing was compared before its rows were removed, and where this version cannot read the trial. */
  figures: TrialFigures | null;
  movers: Mover[];
};

/** Trials and the scorer in use, for the API, the CLI and the console. */
@Injectable()
export class TrialsService {
  constructor(
    private readonly trials: TrialsRepository,
    private readonly reports: TrialReport,
    private readonly profile: ActiveProfile,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws AppError BAD_REQUEST where the challenger cannot be one, or too many trials are open. */
  async start({ kind, challenger, settings, note }: TrialRequest, who: string): Promise<Trial> {
    const champion = await this.trials.champion();
    if (champion.unreadable !== null)
      throw new AppError('BAD_REQUEST', `${unusable('The scorer in use', champion)} \`trials rollback\` leaves it.`);
    const complete = completeChallenger(challenger, champion.challenger, this.config);
    const id = await this.trials.add({ kind, challenger: complete, settings, note, who });
    if (id === null)
      throw new AppError(
        'BAD_REQUEST',
        `At most ${MOST_OPEN} trials, and of them one challenge, are open at a time. Stop one first.`,
      );
    const { result: _result, ...trial } = await this.found(id);
    return readable(trial);
  }

  list(): Promise<ListedTrial[]> {
    return this.trials.list();
  }

  champion(): Promise<ScorerInUse> {
    return this.trials.champion();
  }

  /** @throws AppError NOT_FOUND */
  async report(id: number): Promise<ReportedTrial> {
    const { result, ...trial } = await this.found(id);
    if (trial.unreadable !== null) return { ...trial, figures: null, movers: [] };
    const movers = await this.reports.movers(trial);
    const figures = trial.endedAt === null ? await this.reports.figuresOf(trial) : (result as TrialFigures | null);
    return { ...trial, figures, movers };
  }

  /**
   * Also one that this version cannot read, which no worker of this version ends.
   * @throws AppError NOT_FOUND; BAD_REQUEST where it has ended.
   */
  async stop(id: number, who: string, reason = 'An operator stopped it.'): Promise<void> {
    const trial = await this.found(id);
    const result = trial.unreadable === null ? await this.reports.lastFiguresOf(trial) : null;
    if (!(await this.trials.end(id, { state: 'stopped', reason, who, result })))
      throw new AppError('BAD_REQUEST', 'The trial has ended before. Nothing was changed.');
  }

  /**
   * Puts the challenger of a trial into use for all leads from now on. Scores that were given stay.
   * @param force also where the trial shows that it is worse, or was stopped by a rule.
   * @throws AppError NOT_FOUND, BAD_REQUEST
   */
  async promote(id: number, who: string, force = false): Promise<ScorerInUse> {
    const { figures, ...found } = await this.report(id);
    const trial = readable(found);
    if (!force) {
      if (figures === null || figures.scored === 0)
        throw refused('The trial has compared no lead yet, so nothing is known about the challenger.');
      if (figures.outcomes.verdict === 'worse')
        throw refused('The challenger ranks the leads that converted worse than the scorer in use.');
      if (trial.injections && trial.injections.raised > 0)
        throw refused(`An attack in the text of a lead raised the challenger's score.`);
      if (trial.state === 'stopped') throw refused(`The trial was stopped: ${trial.reason}`);
    }
    if (!(await this.trials.promote(who, trial, figures)))
      throw new AppError('BAD_REQUEST', 'The challenger of this trial is in use already. Nothing was changed.');
    this.profile.forget();
    return this.trials.champion();
  }

  /** Returns to the scorer that was in use before. @throws AppError BAD_REQUEST */
  async rollBack(who: string): Promise<ScorerInUse> {
    if (!(await this.trials.rollBack(who)))
      throw new AppError('BAD_REQUEST', 'The scorer of the configuration is in use, so there is nothing to return from.');
    this.profile.forget();
    return this.trials.champion();
  }

  private async found(id: number) {
    const trial = await this.trials.find(id);
    if (!trial) throw new AppError('NOT_FOUND', NO_SUCH_TRIAL);
    return trial;
  }
}

/** @throws AppError BAD_REQUEST where another version wrote the trial. */
function readable(trial: ListedTrial): Trial {
  if (trial.unreadable !== null) throw new AppError('BAD_REQUEST', unusable(`Trial ${trial.id}`, trial));
  return trial;
}

function unusable(what: string, { unreadable }: { unreadable: string }): string {
  return `${what} cannot be used. ${unreadable} Nothing was changed.`;
}

function refused(why: string): AppError {
  return new AppError('BAD_REQUEST', `${why} Nothing was changed; "force": true promotes it all the same.`);
}
