import type { Draw } from '../engine/draw.js';
import type { Timeline } from '../engine/timeline.js';
import { AiLine } from './ai-line.js';
import type { Lead } from './lead.js';
import type { Scenario } from './scenario.js';
import type { Shared } from './shared.js';

/** As in src/pipeline/enrichment.processor.ts: a late lead takes a model slot that is free. */
const LATE_WAIT_MS = 1000;

/** The scorer as one worker calls it, with the pipeline's rules for model slots, timeouts and provisional scores. */
export class Scoring {
  readonly line: AiLine | null;

  constructor(
    private readonly timeline: Timeline,
    private readonly draw: Draw,
    private readonly scenario: Scenario,
    private readonly shared: Shared,
    share: number,
  ) {
    this.line = scenario.ai ? new AiLine(timeline, shared.aiRate!, share) : null;
  }

  /** Calls `scored` when the lead has a score of any source, `again` when it must be retried later. */
  score(lead: Lead, scored: () => void, again: (delayMs: number) => void): void {
    const { ai, slaSeconds } = this.scenario;
    const { tally } = this.shared;
    if (!ai || !this.line) {
      tally.scoredInTime++;
      return scored();
    }
    if (this.budgetSpent()) return this.fallBack(lead, scored);
    const now = this.timeline.now;
    if (lead.firstScoringAt < 0) lead.firstScoringAt = now;
    const deadline = lead.firstScoringAt + ai.deadlineSeconds * 1000;
    const untilHalfOfSla = Math.max(lead.receivedAt + slaSeconds * 500 - now, LATE_WAIT_MS);
    tally.askers.add(now);
    this.line.take(lead.rank, Math.max(0, Math.min(untilHalfOfSla, deadline - now)), (turn) => {
      if (turn === 'missed') {
        tally.provisionalScores++;
        this.shared.owe(lead);
        return scored();
      }
      this.ask((answered) => {
        if (answered) {
          tally.scoredInTime++;
          return scored();
        }
        lead.attempts++;
        const { attempts, baseMs } = this.scenario.retry;
        if (lead.attempts >= attempts || this.timeline.now >= deadline) return this.fallBack(lead, scored);
        again(2 ** lead.attempts * baseMs);
      });
    });
  }

  /** Replaces a provisional score if there is a model slot within `waitMs`. */
  rescore(lead: Lead, waitMs: number, done: (scored: boolean) => void): void {
    this.line!.take(lead.rank, waitMs, (turn) => {
      if (turn === 'missed') return done(false);
      this.ask((answered) => {
        if (answered) this.shared.tally.rescored++;
        done(answered);
      });
    });
  }

  budgetSpent(): boolean {
    const { dailyTokens, tokensPerCall } = this.scenario.ai!;
    return this.shared.tally.aiCalls.total * tokensPerCall >= dailyTokens;
  }

  private ask(done: (answered: boolean) => void): void {
    const { p50Ms, p95Ms, timeoutMs } = this.scenario.ai!;
    const { tally } = this.shared;
    const takes = this.draw.lognormal(p50Ms, p95Ms);
    tally.aiCalls.add(this.timeline.now);
    tally.aiMs += Math.min(takes, timeoutMs);
    this.timeline.after(Math.min(takes, timeoutMs), () => {
      this.line!.end();
      done(takes <= timeoutMs);
    });
  }

  private fallBack(lead: Lead, scored: () => void): void {
    this.shared.tally.fallbacks++;
    this.shared.owe(lead);
    scored();
  }
}
