import type { Enrichment } from '../../domain/enrichment.js';
import type { LeadContent } from '../../domain/lead.js';
import type { EnrichmentProvider } from '../port.js';
import { classifyDomain } from './domain-class.js';
import { readFields } from './fields.js';
import { decideIntent } from './intent.js';
import {
  atMostTwelve,
  companyLines,
  describeDomain,
  emailLines,
  intentLines,
  messageLines,
  sourceLines,
  titleLines,
} from './points.js';
import { PROFILE, SCORER_VERSION } from './profile.js';
import { explain } from './reasoning.js';
import { readUnsteered } from './prompt-injection/classifier.js';

/**
 * Scores by the rules of profile.json: no key, no network, about a tenth of a millisecond a lead. `fitScore` is the profile's `base`
 * plus the points of the evidence, cut to 0..100. Evidence and reasoning name no person: they are made of the profile's
 * words and the e-mail's domain.
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

  const evidence = atMostTwelve([
    ...emailLines(address.local, address.domain, domain),
    ...titleLines(title),
    ...companyLines(fields, domain),
    ...messageLines(message),
    ...sourceLines(source),
    ...intentLines(verdict.intent),
    ...attempts,
  ]);
  return {
    fitScore: clamp(evidence.reduce((sum, { points }) => sum + points, PROFILE.base)),
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

function clamp(score: number): number {
  return Math.min(100, Math.max(0, score));
}
