import type { Enrichment, Evidence } from '../../lead/enrichment.js';
import type { LeadContent } from '../../lead/lead.js';
import type { EnrichmentProvider } from '../port.js';
import { fieldsOf } from './fields.js';
import { intentOf, type IntentFinding } from './intent-rules.js';
import { evidence, personEvidence } from './person-rules.js';
import { PROFILE, PROFILE_VERSION } from './profile.js';

const MAX_EVIDENCE = 12;

/**
 * Scores without a key, a network or a model: rules that anyone can read in profile.json. Each point of the score is in the
 * evidence. The rules know few ways to say a thing, so the confidence is modest, and the intent is `unknown` where none fires.
 */
export class HeuristicProvider implements EnrichmentProvider {
  readonly name = 'heuristic';

  async score(lead: LeadContent): Promise<Enrichment> {
    const fields = fieldsOf(lead.attributes);
    const finding = intentOf(fields);
    const person = personEvidence(lead.email.slice(lead.email.lastIndexOf('@') + 1), fields);
    const all = [evidence('every lead starts here', PROFILE.base.points), ...person, ...finding.evidence];
    const total = all.reduce((sum, { points = 0 }) => sum + points, 0);
    return {
      fitScore: Math.min(100, Math.max(0, total)),
      intent: finding.intent,
      confidence: finding.confidence,
      evidence: folded(all),
      reasoning: sentence(finding, [...person, ...finding.evidence]),
      scoreSource: 'heuristic',
      needsRescore: false,
      flags: finding.flags,
      provider: this.name,
      scorerVersion: PROFILE_VERSION,
    };
  }
}

/** The strongest reasons; the rest in one line, so that the points still add up. */
function folded(all: Evidence[]): Evidence[] {
  if (all.length <= MAX_EVIDENCE) return all;
  const sorted = all.toSorted((a, b) => Math.abs(b.points ?? 0) - Math.abs(a.points ?? 0));
  const rest = sorted.slice(MAX_EVIDENCE - 1).reduce((sum, { points = 0 }) => sum + points, 0);
  return [...sorted.slice(0, MAX_EVIDENCE - 1), evidence('other signals', rest)];
}

const OPENINGS: Record<IntentFinding['intent'], string> = {
  high: 'Wants to buy',
  medium: 'Shows interest',
  low: 'Shows little intent so far',
  none: 'Does not want to buy',
  unknown: 'Intent unknown, since nothing was said about it',
};

/** One sentence for the salesperson: what is wanted, and the two strongest reasons for and one against. */
function sentence(finding: IntentFinding, reasons: Evidence[]): string {
  const strongest = (sign: 1 | -1, count: number) =>
    reasons
      .filter(({ points = 0 }) => points * sign > 0)
      .toSorted((a, b) => Math.abs(b.points ?? 0) - Math.abs(a.points ?? 0))
      .slice(0, count)
      .map(({ signal }) => signal);
  const positive = strongest(1, finding.intent === 'none' ? 1 : 2);
  const negative = strongest(-1, finding.intent === 'none' ? 2 : 1);
  const parts = [OPENINGS[finding.intent]];
  if (positive.length > 0) parts.push(`for: ${positive.join('; ')}`);
  if (negative.length > 0) parts.push(`against: ${negative.join('; ')}`);
  return `${parts.join('; ')}.`.slice(0, 300);
}
