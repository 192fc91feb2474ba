import { wilson } from '../outcomes/statistics/intervals.js';
import type { OutcomeComparison } from './statistics/compare-outcomes.js';
import type { StopRules } from './trial.js';
import type { TrialKind } from './trial-kinds.js';

/** Before so many scores no rate ends a trial. */
const LEAST_SCORES = 30;
/** Codes of failures that are limits of this service and not errors of the challenger. */
export const NOT_ITS_ERRORS: readonly string[] = ['AI_BUDGET_SPENT', 'AI_OVERLOADED'];

/** What the rules look at. */
export interface RuleFacts {
  kind: TrialKind;
  /** Leads that both sides scored. */
  scored: number;
  /** Leads that the challenger scored; the champion's score of some may be still to come. */
  answered: number;
  /** Leads that the challenger failed by itself. */
  failed: number;
  /** Of the scored ones, those in another band. */
  otherBand: number;
  /** Of the scored ones, those where the answer leaked the prompt or escaped the schema. */
  injected: number;
  /** Of the challenger, for all leads together. */
  costUsd: number;
  outcomes: OutcomeComparison | null;
}

/** The sentence that says why the trial has to end; null where it goes on. */
export function reasonToStop(facts: RuleFacts, rules: StopRules): string | null {
  const { kind, scored, answered, failed, otherBand, injected, costUsd, outcomes } = facts;
  const tried = answered + failed;
  if (tried < LEAST_SCORES) return null;
  if (exceeds(failed, tried, rules.maxErrorRate))
    return `The challenger failed ${failed} of ${tried} leads, and ${percent(rules.maxErrorRate)} are allowed.`;
  if (exceeds(injected, scored, rules.maxInjected))
    return `The challenger's answer obeyed the lead's text for ${injected} of ${scored} leads.`;
  if (rules.maxCostUsdPerLead !== undefined && costUsd / tried > rules.maxCostUsdPerLead)
    return `A score of the challenger costs ${(costUsd / tried).toFixed(5)} USD, and ${rules.maxCostUsdPerLead} are allowed.`;
  // The purpose of a backtest is to look at the difference.
  if (kind === 'backtest') return null;
  if (exceeds(otherBand, scored, rules.maxDisagreement))
    return `The challenger puts ${otherBand} of ${scored} leads into another band, and ${percent(rules.maxDisagreement)} are allowed.`;
  const difference = outcomes?.auc?.difference;
  if (outcomes?.verdict === 'worse' && difference)
    return `The challenger ranks the leads that converted worse: its AUC is ${difference.value.toFixed(3)} (${difference.low.toFixed(3)} to ${difference.high.toFixed(3)}) of the champion's.`;
  return null;
}

/** By the lower end of the interval, so that a few leads exceed nothing. */
function exceeds(count: number, total: number, allowed: number): boolean {
  return total > 0 && wilson(count, total).low > allowed;
}

const percent = (share: number) => `${Number((share * 100).toFixed(1))} %`;
