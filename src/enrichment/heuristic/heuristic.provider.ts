import type { Enrichment } from '../../domain/enrichment.js';
import type { LeadContent } from '../../domain/lead.js';
import type { EnrichmentProvider } from '../port.js';
import { countryOf } from './countries.js';
import { classifyDomain } from './domain-class.js';
import { readFields } from './fields.js';
import { decideIntent } from './intent.js';
import {
  companyLines,
  competitorLines,
  countryLines,
  describeDomain,
  emailLines,
  intentLines,
  messageLines,
  scoreOf,
  sourceLines,
  titleLines,
} from './points.js';
import { SHIPPED_RULES, type Ruleset } from './ruleset.js';
import { explain } from './reasoning.js';
import { readUnsteered } from './prompt-injection/classifier.js';

/**
 * Scores by the rules of a scoring profile: no key, no network, 0.1 to 0.5 ms of CPU per lead. `fitScore` is the sum of
 * the points of the evidence, which begins with the base of the profile. Evidence and reasoning name no person: they
 * consist of words of lexicon and profile and of the e-mail's domain.
 */
export class HeuristicProvider implements EnrichmentProvider {
  readonly name = 'heuristic';
  readonly local = true;

  constructor(private readonly rules: Ruleset = SHIPPED_RULES) {}

  async score(lead: LeadContent): Promise<Enrichment> {
    return scoreLead(lead, this.rules);
  }
}

export function scoreLead(lead: Pick<LeadContent, 'email' | 'attributes'>, rules: Ruleset = SHIPPED_RULES): Enrichment {
  const { email, attributes } = lead;
  const { profile } = rules;
  const at = email.lastIndexOf('@');
  const address = { local: email.slice(0, Math.max(at, 0)), domain: email.slice(at + 1) };
  const domain = classifyDomain(address.domain);
  const sent = readFields(attributes);
  const { title, message, source, fields, attempts } = readUnsteered(sent, rules);
  const isSteered = fields.company !== sent.company;
  const competitor = rules.competitors.find(sent.company, address.domain, isSteered)?.name ?? null;
  const verdict = decideIntent(title, message, source, competitor !== null);

  const { fitScore, evidence } = scoreOf(
    [
      ...emailLines(address.local, address.domain, domain, profile),
      ...titleLines(title),
      ...companyLines(fields, domain, rules),
      ...competitorLines(competitor, profile),
      ...countryLines(countryOf(attributes), profile),
      ...messageLines(message, profile),
      ...sourceLines(source),
      ...intentLines(verdict.intent, profile),
      ...attempts,
    ],
    profile,
  );
  return {
    fitScore,
    intent: verdict.intent,
    confidence: verdict.confidence,
    evidence,
    reasoning: explain({ verdict, title, message, source, competitor, domain: describeDomain(address.domain, domain) }),
    scoreSource: 'heuristic',
    needsRescore: false,
    flags: attempts.length > 0 ? ['injection'] : [],
    provider: 'heuristic',
    scorerVersion: rules.version,
  };
}
