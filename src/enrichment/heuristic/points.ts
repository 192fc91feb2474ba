import type { Evidence } from '../../domain/enrichment.js';
import type { Intent } from '../../domain/intent.js';
import { companyMatchesDomain, industryOf, sizeOf } from './company.js';
import { isFitted, type CueReading } from './cues.js';
import { countriesIn, countryCodeOf } from './countries.js';
import type { DomainClass, DomainFacts } from './domain-class.js';
import type { Fields } from './fields.js';
import type { MessageFacts, Signal } from './message.js';
import { LEXICON } from './lexicon.js';
import type { ScoringProfile } from './profile.schema.js';
import type { Ruleset, SourceRule } from './ruleset.js';
import type { TitleFacts } from './title.js';

/** An evidence whose points are known. */
export type Line = Evidence & { points: number };

/** An evidence has twelve lines at most; the first is the base, and one is kept free for the limit of the scale. */
const MAX_LINES = 10;
const MAX_DOMAIN = 60;
const SHARED_MAILBOXES = new Set(LEXICON.domains.sharedMailbox.names);

const DOMAIN_SAYS: Record<DomainClass, string> = {
  corporate: 'corporate domain',
  free: 'free-mail domain',
  disposable: 'disposable domain',
  education: 'education domain',
  government: 'government domain',
};

export function line(signal: string, points: number): Line {
  return { signal, points, polarity: points > 0 ? 'positive' : points < 0 ? 'negative' : 'neutral' };
}

export function describeDomain(domain: string, facts: DomainFacts): string {
  const short = domain.length > MAX_DOMAIN ? `${domain.slice(0, MAX_DOMAIN - 1)}…` : domain;
  return `${DOMAIN_SAYS[facts.class]} ${short}`;
}

export function emailLines(local: string, domain: string, facts: DomainFacts, { emailDomains }: ScoringProfile): Line[] {
  const lines = [line(`e-mail: ${describeDomain(domain, facts)}`, emailDomains[facts.class])];
  const { says } = LEXICON.domains.sharedMailbox;
  if (SHARED_MAILBOXES.has(local.split('+', 1)[0]!)) lines.push(line(`e-mail: ${says}`, emailDomains.sharedMailbox));
  return lines;
}

export function titleLines({ seniority, department: work }: TitleFacts): Line[] {
  const lines: Line[] = [];
  if (seniority) lines.push(line(`title: ${seniority.label} (${seniority.meaning})`, seniority.points));
  // A person who is not in the role, or only learns it, has no say in the department.
  if (work && (seniority?.points ?? 0) >= 0) lines.push(line(`title: works in ${work.label}`, work.points));
  return lines;
}

export function companyLines(fields: Fields, domain: DomainFacts, rules: Ruleset): Line[] {
  const { company, sizes } = rules.profile;
  const lines: Line[] = [];
  if (fields.company !== '') lines.push(line('company: named', company.named));
  const own = domain.class !== 'free' && domain.class !== 'disposable';
  if (own && companyMatchesDomain(fields.company, domain.label))
    lines.push(line('company: matches the e-mail domain', company.matchesDomain));
  const industry = industryOf(fields.industry, fields.company, rules);
  if (industry) lines.push(line(`company: ${industry.label}`, industry.points));
  const size = sizeOf(fields.size, sizes);
  if (size) lines.push(line(`company: ${size.label}`, size.points));
  return lines;
}

export function competitorLines(name: string | null, { competitors }: ScoringProfile): Line[] {
  return name === null ? [] : [line(`company: competitor ${name}`, competitors.points)];
}

export function countryLines(country: string, { countries }: ScoringProfile): Line[] {
  if (countries.length === 0 || country === '') return [];
  const ruleOf = (code: string) => countries.find((one) => one.countries.some((each) => each === code));
  const code = countryCodeOf(country);
  const lines = (code === null ? countriesIn(country) : [code]).flatMap((one) => {
    const rule = ruleOf(one);
    // Text around the name must not turn off a rule that lowers the score, and earns nothing.
    return rule && (code !== null || rule.points < 0) ? [line(`country: ${rule.label} (${one})`, rule.points)] : [];
  });
  return lines.sort((a, b) => a.points - b.points).slice(0, 1);
}

/** What a message brings, all in all. */
export function cuePoints(cues: CueReading | null, { messages }: ScoringProfile): number {
  if (!cues) return 0;
  const shares = Object.entries(cues.probability).map(
    ([intent, share]) => share * messages[intent as keyof typeof cues.probability],
  );
  return Math.round(shares.reduce((sum, share) => sum + share, 0));
}

export function intentLines(intent: Intent, { intents }: ScoringProfile): Line[] {
  const points = intents[intent];
  return points === 0 ? [] : [line(`intent: ${LEXICON.intent.says[intent]}`, points)];
}

export function sourceLines(source: SourceRule | null): Line[] {
  return source ? [line(`source: ${source.says}`, source.points)] : [];
}

/**
 * A line for each phrase that counts, always with the phrase's own points, and one for the message as a whole that
 * brings the sum to what the message is worth. The profile's own phrases count on top of that.
 */
export function messageLines({ signals, pitch, cues }: MessageFacts, profile: ScoringProfile): Line[] {
  // What a seller or an applicant asks for (a call, an offer, a job) is no reason to buy.
  const counts = (signal: Signal) => signal.negated || signal.family.points <= 0 || cues?.intent !== 'none';
  const [known, own] = [true, false].map((fitted) => signals.filter(({ family }) => isFitted(family.id) === fitted));
  const lineOf = (signal: Signal) => line(`message: ${saysOf(signal)} ("${signal.quote}")`, pointsOf(signal));
  const lines = shownOf(known!.filter(counts)).map(lineOf);
  if (pitch.fires) lines.push(line(`message: ${LEXICON.pitch.says} ("${pitch.quote}")`, LEXICON.pitch.points));
  const added = own!.filter(counts).map(lineOf);
  return [...(cues ? settle(lines, cues, profile) : lines), ...added];
}

/** What speaks against a purchase, and the strongest of what speaks for one. */
function shownOf(signals: readonly Signal[]): Signal[] {
  const isPositive = ({ negated, family }: Signal) => !negated && family.points > 0;
  const positive = signals.filter(isPositive).sort((a, b) => b.family.points - a.family.points);
  // "Not interested" is a refusal and the negation of an interest. It must not be counted twice.
  const refused = signals.some((signal) => !signal.negated && signal.family.kind === 'refusal');
  const isRepeated = (signal: Signal) => refused && signal.negated && signal.family.negated!.intent === 'none';
  const against = signals.filter((signal) => !isPositive(signal) && !isRepeated(signal));
  return [...against, ...positive.slice(0, LEXICON.message.counted)];
}

function settle(lines: Line[], cues: CueReading, profile: ScoringProfile): Line[] {
  const total = cuePoints(cues, profile);
  const rest = total - sum(lines);
  if (rest === 0) return lines;
  const overlap = total !== 0 && Math.sign(rest) === -Math.sign(total);
  const reads = overlap ? 'worth less than its phrases together' : LEXICON.cues.reads[cues.intent];
  // Several groups of words say the same, and some what the line says already.
  const says = new Set(cues.reasons.map((name) => LEXICON.cues.says[name] ?? name));
  const about = overlap ? '' : [...says].filter((each) => !reads.includes(each)).join(', ');
  return [...lines, line(`message as a whole: ${reads}${about === '' ? '' : ` (${about})`}`, rest)];
}

const sum = (lines: readonly Line[]) => lines.reduce((total, { points }) => total + points, 0);

export function saysOf({ family, negated }: Signal): string {
  return negated ? family.negated!.says : family.says;
}

function pointsOf({ family, negated }: Signal): number {
  return negated ? family.negated!.points : family.points;
}

/**
 * The evidence of a score: the base, the lines with the most points first, those beyond the tenth summed in one line,
 * and what the limits of the scale take away or add. Its points sum to the score.
 */
export function scoreOf(lines: Line[], { base }: ScoringProfile): { fitScore: number; evidence: Line[] } {
  const evidence = [line('base score', base), ...weightiest(lines)];
  const total = sum(evidence);
  const fitScore = Math.min(100, Math.max(0, total));
  if (fitScore !== total) evidence.push(line(`limit of the scale: ${fitScore}`, fitScore - total));
  return { fitScore, evidence };
}

function weightiest(lines: Line[]): Line[] {
  const sorted = [...lines].sort((a, b) => Math.abs(b.points) - Math.abs(a.points));
  if (sorted.length <= MAX_LINES) return sorted;
  const rest = sorted.slice(MAX_LINES - 1);
  return [...sorted.slice(0, MAX_LINES - 1), line(`other signals (${rest.length})`, sum(rest))];
}
