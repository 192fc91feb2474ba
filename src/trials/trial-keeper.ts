import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import { CLOCK, LOGGER } from '../platform/platform.module.js';
import { WORKER_NAME } from '../platform/worker-id.js';
import { compareOutcomes, isEnough, type OutcomeComparison } from './statistics/compare-outcomes.js';
import { leadsIn, type PairedOutcomes } from './statistics/paired-scores.js';
import { reasonToStop } from './stop-rules.js';
import { TrialIntake } from './trial-intake.js';
import { TrialReport } from './trial-report.js';
import { TrialRunner } from './trial-runner.js';
import { TrialScoresRepository } from './trial-scores.repository.js';
import { TrialsRepository, type OpenTrial } from './trials.repository.js';

/** How long a worker that ended holds a trial. */
const LEASE_MS = 30_000;
const RULES_EVERY_MS = 15_000;
/** Outcomes change in days, and the comparison reads all rows of the trial. */
const OUTCOMES_EVERY_MS = 300_000;
/**
 * The comparison with outcomes is made when the conversions have grown by this factor. Each look can be wrong, so few
 * looks keep the rate of false ends low.
 */
const GROWTH_PER_LOOK = 1.25;
export const BY_RULE = 'stop rule';

interface Looked {
  rulesAt: number;
  outcomesAt: number;
}

/** Brings a trial forward: chooses its leads, scores them, applies its rules and ends it. */
@Injectable()
export class TrialKeeper {
  private readonly looked = new Map<number, Looked>();

  constructor(
    private readonly trials: TrialsRepository,
    private readonly scores: TrialScoresRepository,
    private readonly intake: TrialIntake,
    private readonly runner: TrialRunner,
    private readonly report: TrialReport,
    @Inject(WORKER_NAME) private readonly worker: string,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * One step of one trial.
   * @param isIdle false: leads wait for a stage, so live leads are added and the rules applied, but no scorer is asked.
   * @returns whether the next step shall follow at once. @throws as the ledger does
   */
  async advance(trial: OpenTrial, signal: AbortSignal, isIdle = true): Promise<boolean> {
    const isLeader = await this.trials.lease(trial.id, this.worker, LEASE_MS);
    try {
      if (isLeader && (await this.lead(trial, signal, isIdle))) return false;
      return isIdle && (await this.runner.runBatch(trial, signal));
    } catch (cause) {
      const error = AppError.from(cause);
      // What the challenger's settings lack does not come by waiting.
      if (error.class !== 'startup' && error.code !== 'BAD_REQUEST') throw error;
      await this.end(trial, 'stopped', `The challenger cannot be opened: ${error.message}`.slice(0, 500));
      return false;
    }
  }

  /** Forgets trials that have ended. */
  keep(trialIds: readonly number[]): void {
    for (const id of this.looked.keys()) if (!trialIds.includes(id)) this.looked.delete(id);
  }

  /** What one worker does at a time. @returns whether the trial has ended. */
  private async lead(trial: OpenTrial, signal: AbortSignal, isIdle: boolean): Promise<boolean> {
    if (trial.kind === 'backtest') {
      const goOn = async () => !signal.aborted && (await this.trials.lease(trial.id, this.worker, LEASE_MS));
      if (trial.state === 'selecting') await this.intake.select(trial, goOn);
    } else await this.intake.follow(trial);
    if (!isIdle) return this.applyRules(trial);
    const injections = await this.runner.tryInjections(trial, signal);
    if (injections && injections.raised > 0 && trial.kind === 'challenge') {
      const reason = `${injections.raised} of ${injections.tried} attacks raised the challenger's score.`;
      return this.end(trial, 'stopped', reason);
    }
    return (await this.applyRules(trial)) || this.endIfComplete(trial, injections !== null);
  }

  private async applyRules(trial: OpenTrial): Promise<boolean> {
    const now = this.clock.now();
    const looked = this.looked.get(trial.id) ?? { rulesAt: -Infinity, outcomesAt: -Infinity };
    if (now - looked.rulesAt < RULES_EVERY_MS) return false;
    const withOutcomes = now - looked.outcomesAt >= OUTCOMES_EVERY_MS;
    this.looked.set(trial.id, { rulesAt: now, outcomesAt: withOutcomes ? now : looked.outcomesAt });
    const facts = await this.report.factsOf(trial, withOutcomes ? (outcomes) => compareIfGrown(trial, outcomes) : null);
    const reason = reasonToStop(facts, trial.settings.stop);
    if (reason !== null) return this.end(trial, 'stopped', reason);
    // Stored last: a process that is killed before leaves the comparison to the next one.
    if (facts.outcomes) await this.trials.storeJudged(trial.id, facts.outcomes.conversions);
    return false;
  }

  private async endIfComplete(trial: OpenTrial, isTried: boolean): Promise<boolean> {
    const { rows, pending } = await this.scores.counts(trial.id);
    if (pending > 0 || !isTried) return false;
    if (trial.kind === 'backtest' ? trial.state === 'selecting' : rows < trial.settings.sample) return false;
    return this.end(trial, 'done', trial.kind === 'backtest' ? 'All leads of the sample are scored.' : 'The sample is full.');
  }

  private async end(trial: OpenTrial, state: 'done' | 'stopped', reason: string): Promise<boolean> {
    const result = await this.report.lastFiguresOf(trial);
    if (await this.trials.end(trial.id, { state, reason, who: BY_RULE, result })) {
      const fields = { trial: trial.id, kind: trial.kind, reason };
      if (state === 'stopped') this.logger.warn(fields, 'A trial was stopped by its rules');
      else this.logger.info(fields, 'A trial is complete');
    }
    return true;
  }
}

async function compareIfGrown(trial: OpenTrial, outcomes: PairedOutcomes): Promise<OutcomeComparison | null> {
  if (!isEnough(outcomes) || leadsIn(outcomes.converted) < trial.judged * GROWTH_PER_LOOK) return null;
  return compareOutcomes(outcomes);
}
