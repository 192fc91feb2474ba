import type { StageRow } from '../flow-control/stage-row.js';
import type { StageLoad } from '../ledger/sla.repository.js';
import { forecastOf } from '../ledger/forecast.js';
import { breakerClosed, breakerOpen, deadLettersGone, slaAtRisk, slaSafe } from './messages.js';

/** A state that begins and ends. A message is sent when it begins, when its detail changes, and when it ends. */
export interface Condition {
  key: string;
  /** null: undecided, so the last message still holds. */
  raised: boolean | null;
  detail: string;
  text: string;
  resolved: string;
}

export interface Facts {
  slaSeconds: number;
  loads: StageLoad[];
  /** Age in seconds of the oldest lead without a CRM record; 0 if there is none. */
  oldestSeconds: number;
  stages: StageRow[];
  deadLetters: number;
  /** The last forecast was beyond the SLA too. One forecast at the start of a burst is not enough for an alert. */
  forecastWasLong: boolean;
}

export function forecastIsLong({ loads, slaSeconds }: Pick<Facts, 'loads' | 'slaSeconds'>): boolean {
  const { seconds } = forecastOf(loads);
  return seconds !== null && seconds > slaSeconds;
}

export function conditionsOf(facts: Facts): Condition[] {
  return [slaCondition(facts), ...facts.stages.map(breakerCondition), deadLetterCondition(facts)];
}

function slaCondition(facts: Facts): Condition {
  const late = facts.oldestSeconds > facts.slaSeconds;
  const long = forecastIsLong(facts);
  return {
    key: 'sla',
    raised: late || (long && facts.forecastWasLong) ? true : long ? null : false,
    detail: '',
    text: slaAtRisk(facts.slaSeconds, facts.oldestSeconds, facts.loads, forecastOf(facts.loads).seconds),
    resolved: slaSafe(facts.slaSeconds),
  };
}

function breakerCondition(row: StageRow): Condition {
  const { stage, breaker, reason } = row;
  // While it recovers it may open again: too early to call it over.
  const raised = breaker === 'recovering' ? null : breaker !== 'closed';
  return {
    key: `breaker:${stage}`,
    raised,
    detail: raised ? (reason ?? '') : '',
    text: breakerOpen(row),
    resolved: breakerClosed(stage),
  };
}

/** Only its end is sent from here: `queueDeadLetters` reports new dead letters. */
function deadLetterCondition({ deadLetters }: Facts): Condition {
  return { key: 'dead-letters', raised: deadLetters > 0 ? null : false, detail: '', text: '', resolved: deadLettersGone() };
}
