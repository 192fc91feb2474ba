import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Enrichment, TrialArm, Usage } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import { deadlineSignal } from '../platform/concurrency/deadline-signal.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import { isInShare } from './trial.js';
import { TrialScorers } from './trial-scorers.js';
import type { OpenTrial } from './trials.repository.js';

/** Live leads that a challenger scores at the same time in one process. */
const AT_ONCE = 20;

/**
 * The champion and the challenger of live leads. A person is always on the same side. A challenger that fails, is
 * busy or has spent its budget leaves the lead to the champion, and its failure is kept with the score.
 */
@Injectable()
export class TrialArms {
  private trial: OpenTrial | null = null;
  private underWay = 0;
  /** Tokens by trial that the ledger does not have yet. */
  private readonly spent = new Map<number, number>();
  /** What became of a lead's challenger, until the lead has its score. */
  private readonly arms = new WeakMap<object, TrialArm>();

  constructor(
    private readonly scorers: TrialScorers,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AI_TIMEOUT_MS'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The open challenge; null ends it. */
  set(trial: OpenTrial | null): void {
    this.trial = trial;
  }

  /** Whether the challenger scores the leads of this person. */
  concerns({ personKey }: Pick<LeadContent, 'personKey'>): boolean {
    return this.trial !== null && isInShare(this.trial.id, personKey, this.trial.settings.share);
  }

  /** Hands over what was spent since the last call, so that the budget is one for all processes. */
  async recordSpent(record: (trialId: number, tokens: number) => Promise<void>): Promise<void> {
    for (const [id, tokens] of this.spent) {
      await record(id, tokens);
      const rest = this.spent.get(id)! - tokens;
      if (rest > 0) this.spent.set(id, rest);
      else this.spent.delete(id);
      if (this.trial?.id === id) this.trial = { ...this.trial, tokensToday: this.trial.tokensToday + tokens };
    }
  }

  /** The challenger's score; null where the champion has to score the lead. It throws nothing. */
  async score(lead: LeadContent, signal: AbortSignal): Promise<Enrichment | null> {
    const { trial } = this;
    if (!trial || !this.concerns(lead)) return null;
    const arm: TrialArm = { id: trial.id, arm: 'challenger' };
    const leave = (failed: string) => {
      this.arms.set(lead, { ...arm, failed });
      return null;
    };
    const count = ({ inputTokens, outputTokens }: Usage) => {
      this.spent.set(trial.id, (this.spent.get(trial.id) ?? 0) + inputTokens + outputTokens);
    };
    try {
      const { provider, breaker } = await this.scorers.challenger(trial.id, trial.challenger);
      if (!provider.local && this.isBudgetSpent(trial)) return leave('AI_BUDGET_SPENT');
      if (!breaker.admits) return leave('AI_UNAVAILABLE');
      if (this.underWay >= AT_ONCE) return leave('AI_OVERLOADED');
      this.underWay++;
      const until = provider.local ? signal : deadlineSignal(this.config.AI_TIMEOUT_MS, signal);
      try {
        const enrichment = await provider.score(lead, until, ({ usage }) => count(usage));
        breaker.succeeded();
        if (enrichment.usage) count(enrichment.usage);
        return { ...enrichment, trial: arm };
      } catch (cause) {
        const error = until.aborted && !signal.aborted ? timedOut(cause) : AppError.from(cause);
        if (!signal.aborted) breaker.failed(error);
        throw error;
      } finally {
        this.underWay--;
      }
    } catch (cause) {
      // The process stops: the lead is scored by another one.
      if (signal.aborted) return null;
      const { code } = AppError.from(cause);
      this.logger.warn({ leadId: lead.id, trial: trial.id, code }, 'The challenger gave no score; the champion scores the lead');
      return leave(code);
    }
  }

  /** The champion's score with the side that the lead belongs to. */
  marked(lead: LeadContent, enrichment: Enrichment): Enrichment {
    if (enrichment.trial) return enrichment;
    const { trial } = this;
    const ofChampion: TrialArm | null = trial && !this.concerns(lead) ? { id: trial.id, arm: 'champion' } : null;
    const arm = this.arms.get(lead) ?? ofChampion;
    return arm ? { ...enrichment, trial: arm } : enrichment;
  }

  private isBudgetSpent({ id, tokensToday, settings }: OpenTrial): boolean {
    return tokensToday + (this.spent.get(id) ?? 0) >= settings.dailyTokens;
  }
}

function timedOut(cause: unknown): AppError {
  return new AppError('AI_TIMEOUT', 'The challenger did not answer in time.', { cause });
}
