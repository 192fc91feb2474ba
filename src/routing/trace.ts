import { conditionText } from './conditions.js';
import type { RoutingRules } from './rules.schema.js';

/** One rule or step that was tried, in order. `why` has no personal data. */
export interface TraceStep {
  name: string;
  outcome: 'chosen' | 'matched' | 'no-match' | 'missing-data' | 'skipped' | 'none-eligible';
  why: string;
}

/**
 * The first `count` rules or territories, none of which matched. There may be a thousand, so the names and conditions
 * are read from the version of the rules when a person reads the trace.
 */
export interface Unmatched {
  unmatched: 'rules' | 'territories';
  count: number;
  /** By the names of the fields that the lead does not have: places of the first rules that need them. */
  missing?: Record<string, number[]>;
}

/** A trace as it is stored with a decision. */
export type StoredTrace = (TraceStep | Unmatched)[];

/** So many that did not match are listed one by one. */
export const LISTED_STEPS = 60;

/** The trace for people. @param source the rules that decided; null where this release cannot read them. */
export function readableTrace(trace: StoredTrace, source: RoutingRules | null): TraceStep[] {
  return trace.flatMap((step) => ('unmatched' in step ? unmatchedSteps(step, source) : [step]));
}

function unmatchedSteps({ unmatched: what, count, missing = {} }: Unmatched, source: RoutingRules | null): TraceStep[] {
  if (!source) return [{ name: what, outcome: 'no-match', why: `${count} did not match` }];
  const fields = new Map(Object.entries(missing).flatMap(([names, places]) => places.map((place) => [place, names] as const)));
  const steps = Array.from({ length: Math.min(count, LISTED_STEPS) }, (_, place): TraceStep => {
    const { name } = source[what][place]!;
    const names = fields.get(place);
    if (names !== undefined) return { name, outcome: 'missing-data', why: `the lead has no ${names}` };
    const why = what === 'rules' ? `not: ${conditionText(source.rules[place]!.when)}` : 'the lead is not of this territory';
    return { name, outcome: 'no-match', why };
  });
  if (count > LISTED_STEPS) steps.push({ name: what, outcome: 'no-match', why: `${count - LISTED_STEPS} more did not match` });
  return steps;
}
