import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import type { Enrichment, TrialArm } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { Clock } from '../platform/clock.js';
import { deadlineSignal } from '../platform/concurrency/deadline-signal.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CLOCK, CONFIG, LOGGER } from '../platform/platform.module.js';
import { isInShare, type Trial } from './trial.js';
import { TrialScorers } from './trial-scorers.js';

/** Live leads that a challenger scores at the same time in one process. */
const AT_ONCE = 20;
const DAY_MS = 86_400_000;

/**
 * The champion and the challenger of live leads. A person is always on the same side. A challenger that fails, is
 * busy or has spent its budget leaves the lead to the champion, and its failure is kept with the score.
 */
@Injectable()
export class TrialArms {
  private challenge: { trial: Trial; spentToday: number } | null = null;
  private underWay = 0;
  private spent = { day: 0, tokens: 0 };
  /** What became of a lead's challenger, until the lead has its score. */
  private readonly arms = new WeakMap<object, TrialArm>();

  constructor(
    private readonly scorers: TrialScorers,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AI_TIMEOUT_MS'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The open challenge; null ends it. `spentToday`: tokens of its rows of today. */
  set(trial: Trial | null, spentToday = 0): void {
    this.challenge = trial && { trial, spentToday };
  }

  /** Whether `score` may call another system for this lead. */
  concerns({ personKey }: Pick<LeadContent, 'personKey'>): boolean {
    const trial = this.challenge?.trial;
    return trial !== undefined && isInShare(trial.id, personKey, trial.settings.share);
  }

  /** The challenger's score; null where the champion has to score the lead. It throws nothing. */
  async score(lead: LeadContent, signal: AbortSignal): Promise<Enrichment | null> {
    const { challenge } = this;
    if (!challenge) return null;
    const { trial } = challenge;
    if (!this.concerns(lead)) {
      this.arms.set(lead, { id: trial.id, arm: 'champion' });
      return null;
    }
    const arm: TrialArm = { id: trial.id, arm: 'challenger' };
    const leave = (failed: string) => {
      this.arms.set(lead, { ...arm, failed });
      return null;
    };
    if (this.tokensToday(challenge.spentToday) >= trial.settings.dailyTokens) return leave('AI_BUDGET_SPENT');
    try {
      const { provider, breaker } = await this.scorers.challenger(trial.id, trial.challenger);
      if (!breaker.admits) return leave('AI_UNAVAILABLE');
      if (this.underWay >= AT_ONCE) return leave('AI_OVERLOADED');
      this.underWay++;
      const until = provider.local ? signal : deadlineSignal(this.config.AI_TIMEOUT_MS, signal);
      try {
        const enrichment = await provider.score(lead, until, ({ usage }) => this.count(usage));
        breaker.succeeded();
        if (enrichment.usage) this.count(enrichment.usage);
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
    const arm = this.arms.get(lead);
    return arm === undefined || enrichment.trial ? enrichment : { ...enrichment, trial: arm };
  }

  /** The rows of today are some seconds old; what this process spent since is known at once. */
  private tokensToday(ofRows: number): number {
    return Math.max(ofRows, this.spent.day === this.today ? this.spent.tokens : 0);
  }

  private count({ inputTokens, outputTokens }: { inputTokens: number; outputTokens: number }): void {
    if (this.spent.day !== this.today) this.spent = { day: this.today, tokens: 0 };
    this.spent.tokens += inputTokens + outputTokens;
  }

  private get today(): number {
    return Math.floor(this.clock.now() / DAY_MS);
  }
}

function timedOut(cause: unknown): AppError {
  return new AppError('AI_TIMEOUT', 'The challenger did not answer in time.', { cause });
}
