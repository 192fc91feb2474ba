import type { StageRow } from '../flow-control/stage-row.js';
import type { StageLoad } from '../ledger/sla.repository.js';
import { forecastOf } from '../ledger/forecast.js';
import { breakerClosed, breakerOpen, deadLettersGone, slaAtRisk, slaSafe } from './messages.js';

/** Something that begins and ends. It is told when it begins, when its detail changes, and when it has ended. */
export interface Condition {
  key: string;
  /** null: not settled either way, so whatever was told last stands. */
  raised: boolean | null;
  detail: string;
  text: string;
  resolved: string;
}

export interface Facts {
  slaSeconds: number;
  loads: StageLoad[];
  /** Age in seconds of the oldest lead that sales has not got; 0 where there is none. */
  oldestSeconds: number;
  stages: StageRow[];
  deadLetters: number;
  /** The forecast was beyond the SLA at the last look as well: one look at the start of a burst proves nothing. */
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

/** The beginning is told with the new dead letters, each time that there are some. */
function deadLetterCondition({ deadLetters }: Facts): Condition {
  return { key: 'dead-letters', raised: deadLetters > 0 ? null : false, detail: '', text: '', resolved: deadLettersGone() };
}
