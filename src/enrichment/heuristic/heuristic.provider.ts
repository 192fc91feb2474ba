import type { Enrichment } from '../../domain/enrichment.js';
import type { LeadContent } from '../../domain/lead.js';
import type { EnrichmentProvider } from '../port.js';
import { classifyDomain } from './domain-class.js';
import { readFields } from './fields.js';
import { decideIntent } from './intent.js';
import {
  companyLines,
  describeDomain,
  emailLines,
  intentLines,
  messageLines,
  scoreOf,
  sourceLines,
  titleLines,
} from './points.js';
import { SCORER_VERSION } from './profile.js';
import { explain } from './reasoning.js';
import { readUnsteered } from './prompt-injection/classifier.js';

/**
 * Scores by the rules of profile.json: no key, no network, about 0.1 ms per lead. `fitScore` is the sum of the points
 * of the evidence, which begins with the profile's base. Evidence and reasoning name no person: they consist of the
 * profile's words and the e-mail's domain.
 */
export class HeuristicProvider implements EnrichmentProvider {
  readonly name = 'heuristic';
  readonly local = true;

  async score(lead: LeadContent): Promise<Enrichment> {
    return scoreLead(lead);
  }
}

export function scoreLead({ email, attributes }: Pick<LeadContent, 'email' | 'attributes'>): Enrichment {
  const at = email.lastIndexOf('@');
  const address = { local: email.slice(0, Math.max(at, 0)), domain: email.slice(at + 1) };
  const domain = classifyDomain(address.domain);
  const { title, message, source, fields, attempts } = readUnsteered(readFields(attributes));
  const verdict = decideIntent(title, message, source);

  const { fitScore, evidence } = scoreOf([
    ...emailLines(address.local, address.domain, domain),
    ...titleLines(title),
    ...companyLines(fields, domain),
    ...messageLines(message),
    ...sourceLines(source),
    ...intentLines(verdict.intent),
    ...attempts,
  ]);
  return {
    fitScore,
    intent: verdict.intent,
    confidence: verdict.confidence,
    evidence,
    reasoning: explain({ verdict, title, message, source, domain: describeDomain(address.domain, domain) }),
    scoreSource: 'heuristic',
    needsRescore: false,
    flags: attempts.length > 0 ? ['injection'] : [],
    provider: 'heuristic',
    scorerVersion: SCORER_VERSION,
  };
}
