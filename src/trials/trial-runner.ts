import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Usage } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { EnrichmentProvider, WastedCall } from '../enrichment/port.js';
import { ScoredLeadsRepository } from '../ledger/scored-leads.repository.js';
import type { Clock } from '../platform/clock.js';
import { deadlineSignal } from '../platform/concurrency/deadline-signal.js';
import type { Config } from '../platform/config/config.js';
import { ioBoundary } from '../platform/observability/io-boundary.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { tryInjections } from './injection-suite.js';
import { isOutage } from './scorer-breaker.js';
import { keptScoreOf } from './trial.js';
import { TrialScorers } from './trial-scorers.js';
import { TrialScoresRepository, type ClaimedRow, type RowResult } from './trial-scores.repository.js';
import { TrialsRepository, type OpenTrial } from './trials.repository.js';

/** Calls of a model at the same time, per process. */
const MODEL_CALLS = 5;
/** Leads that rules score in one batch: some 20 ms. */
const BY_RULES = 100;
/** Leads that rules score before other work of the process gets a turn. */
const SLICE = 10;
/** How often a scorer is asked for a lead: in outages, and by workers that ended before they stored its answer. */
const MOST_TRIES = 5;

/** Scores the rows of a trial. Whatever fails here changes no lead and no stage. */
@Injectable()
export class TrialRunner {
  constructor(
    private readonly scorers: TrialScorers,
    private readonly leads: ScoredLeadsRepository,
    private readonly scores: TrialScoresRepository,
    private readonly trials: TrialsRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AI_TIMEOUT_MS' | 'LEASE_MS'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Scores one batch of rows.
   * @returns whether there may be more to do at once.
   * @throws as the challenger does where it cannot be opened, and as the ledger does.
   */
  async runBatch(trial: OpenTrial, signal: AbortSignal): Promise<boolean> {
    const { provider, breaker } = await this.scorers.challenger(trial.id, trial.challenger);
    const isByRules = provider.local === true && this.scorers.ai.local === true;
    if (!breaker.admits || (!isByRules && isBudgetSpent(trial))) return false;
    const began = this.clock.now();
    const limit = isByRules ? BY_RULES : Math.min(MODEL_CALLS, Math.ceil(trial.settings.perSecond));
    const rows = await this.scores.claim(trial.id, limit, this.config.LEASE_MS + this.config.AI_TIMEOUT_MS);
    if (rows.length === 0) return false;
    const found = await this.leads.ofIds(rows.map(({ leadId }) => leadId));
    const asTheyStood = rows.flatMap((row) => {
      const lead = found.get(row.leadId)?.lead;
      return lead?.revision === row.revision ? [{ row, lead }] : [];
    });
    const gone = rows.filter((row) => !asTheyStood.some((each) => each.row === row)).map(({ leadId }) => leadId);
    await this.scores.drop(trial.id, gone);
    const results: RowResult[] = [];
    if (isByRules) {
      for (const [at, { row, lead }] of asTheyStood.entries()) {
        if (at % SLICE === SLICE - 1) await turn();
        results.push(await this.score(trial, row, lead, signal));
      }
    } else results.push(...(await Promise.all(asTheyStood.map(({ row, lead }) => this.score(trial, row, lead, signal)))));
    await this.trials.spend(
      trial.id,
      results.reduce((sum, { tokens }) => sum + tokens, 0),
    );
    await ioBoundary('trials.settle', String(trial.id), () => this.scores.settle(trial.id, results));
    const failure = results.find(({ again }) => again);
    await this.trials.storeError(trial.id, failure?.error ?? null);
    if (!isByRules) await this.keepRate(trial, rows.length, began, signal);
    return true;
  }

  /** Tries the attacks on the challenger, once per trial. @returns the result; null where it could not be asked now. */
  async tryInjections(trial: OpenTrial, signal: AbortSignal): Promise<OpenTrial['injections']> {
    if (trial.injections) return trial.injections;
    const { provider, breaker } = await this.scorers.challenger(trial.id, trial.challenger);
    if (!breaker.admits || (!provider.local && isBudgetSpent(trial))) return null;
    let tokens = 0;
    const spent = ({ usage }: WastedCall) => void (tokens += usage.inputTokens + usage.outputTokens);
    try {
      const result = await tryInjections(withDeadline(provider, this.config.AI_TIMEOUT_MS), signal, spent);
      if (signal.aborted) return null;
      await this.trials.storeInjections(trial.id, result);
      breaker.succeeded();
      return result;
    } catch (cause) {
      const error = AppError.from(cause);
      if (!signal.aborted) breaker.failed(error);
      await this.trials.storeError(trial.id, error.code);
      return null;
    } finally {
      await this.trials.spend(trial.id, tokens);
    }
  }

  private async score(trial: OpenTrial, row: ClaimedRow, lead: LeadContent, signal: AbortSignal): Promise<RowResult> {
    const { provider, breaker } = await this.scorers.challenger(trial.id, trial.challenger);
    const isChallenger = row.side === 'challenger';
    const scorer = isChallenger ? provider : this.scorers.ai;
    const result: RowResult = {
      leadId: row.leadId,
      claim: row.claim,
      score: null,
      error: null,
      tookMs: 0,
      tokens: 0,
      costUsd: 0,
      again: false,
      tries: row.tries,
    };
    // A lead that ends each worker that scores it for a trial must not go on to.
    if (row.tries > MOST_TRIES) return { ...result, error: isChallenger ? 'WORKER_CRASHED' : null };
    const pay = ({ inputTokens, outputTokens, costUsd = 0 }: Usage) => {
      result.tokens += inputTokens + outputTokens;
      result.costUsd += costUsd;
    };
    const began = performance.now();
    try {
      const timed = withDeadline(scorer, this.config.AI_TIMEOUT_MS);
      const enrichment = await ioBoundary('trials.score', lead.id, () => timed.score(lead, signal, ({ usage }) => pay(usage)));
      if (enrichment.usage) pay(enrichment.usage);
      result.score = keptScoreOf(enrichment);
      if (isChallenger) breaker.succeeded();
    } catch (cause) {
      const error = AppError.from(cause);
      if (isChallenger && !signal.aborted) breaker.failed(error);
      const isNoTry = signal.aborted || error.class === 'rate-limited';
      if (isNoTry) result.tries--;
      result.again = isNoTry || (isOutage(error) && row.tries < MOST_TRIES);
      // A champion that fails here says nothing about the challenger.
      result.error = isChallenger || result.again ? error.code : null;
    }
    result.tookMs = Math.round(performance.now() - began);
    return result;
  }

  private async keepRate({ settings }: OpenTrial, calls: number, began: number, signal: AbortSignal): Promise<void> {
    const rest = (calls / settings.perSecond) * 1000 - (this.clock.now() - began);
    if (rest > 0) await pause(rest, undefined, { signal }).catch(() => {}); // the process stops
  }
}

function isBudgetSpent({ tokensToday, settings }: OpenTrial): boolean {
  return tokensToday >= settings.dailyTokens;
}

/** @throws AppError AI_TIMEOUT where the scorer takes longer. */
function withDeadline(scorer: EnrichmentProvider, timeoutMs: number): EnrichmentProvider {
  if (scorer.local) return scorer;
  return {
    name: scorer.name,
    async score(lead, signal, wasted) {
      const until = deadlineSignal(timeoutMs, signal);
      try {
        return await scorer.score(lead, until, wasted);
      } catch (cause) {
        if (!until.aborted || signal.aborted) throw cause;
        throw new AppError('AI_TIMEOUT', `The model did not answer within ${timeoutMs} ms.`, { cause });
      }
    },
  };
}
