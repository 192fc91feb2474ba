import type { Evidence, Intent } from '../../domain/enrichment.js';
import { companyMatchesDomain, industryOf, sizeOf } from './company.js';
import { isFitted, type CueReading } from './cues.js';
import type { DomainClass, DomainFacts } from './domain-class.js';
import type { Fields } from './fields.js';
import type { MessageFacts, Signal } from './message.js';
import { PROFILE } from './profile.js';
import type { SourceRule } from './profile.schema.js';
import type { TitleFacts } from './title.js';

/** An evidence whose points are known. */
export type Line = Evidence & { points: number };

/** An evidence has twelve lines at most; the first is the base, and one is kept free for the limit of the scale. */
const MAX_LINES = 10;
const MAX_DOMAIN = 60;
const SHARED_MAILBOXES = new Set(PROFILE.domains.sharedMailbox.names);

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

export function emailLines(local: string, domain: string, facts: DomainFacts): Line[] {
  const lines = [line(`e-mail: ${describeDomain(domain, facts)}`, PROFILE.domains.points[facts.class])];
  const { says, points } = PROFILE.domains.sharedMailbox;
  if (SHARED_MAILBOXES.has(local.split('+', 1)[0]!)) lines.push(line(`e-mail: ${says}`, points));
  return lines;
}

export function titleLines({ seniority, function: work }: TitleFacts): Line[] {
  const lines: Line[] = [];
  if (seniority) lines.push(line(`title: ${seniority.label} (${seniority.meaning})`, seniority.points));
  // Where somebody is not in the role, or only learning it, the department brings nothing.
  if (work && (seniority?.points ?? 0) >= 0) lines.push(line(`title: works in ${work.label}`, work.points));
  return lines;
}

export function companyLines(fields: Fields, domain: DomainFacts): Line[] {
  const { named, matchesDomain } = PROFILE.company;
  const lines: Line[] = [];
  if (fields.company !== '') lines.push(line('company: named', named));
  const own = domain.class !== 'free' && domain.class !== 'disposable';
  if (own && companyMatchesDomain(fields.company, domain.label))
    lines.push(line('company: matches the e-mail domain', matchesDomain));
  const industry = industryOf(fields.industry, fields.company);
  if (industry) lines.push(line(`company: ${industry.label}`, industry.points));
  const size = sizeOf(fields.size);
  if (size) lines.push(line(`company: ${size.label}`, size.points));
  return lines;
}

/** What a message brings, all in all. */
export function cuePoints(cues: CueReading | null): number {
  if (!cues) return 0;
  const shares = Object.entries(cues.probability).map(
    ([intent, share]) => share * PROFILE.cues.points[intent as keyof typeof cues.probability],
  );
  return Math.round(shares.reduce((sum, share) => sum + share, 0));
}

export function intentLines(intent: Intent): Line[] {
  const points = PROFILE.intent.points[intent];
  return points === 0 ? [] : [line(`intent: ${PROFILE.intent.says[intent]}`, points)];
}

export function sourceLines(source: SourceRule | null): Line[] {
  return source ? [line(`source: ${source.says}`, source.points)] : [];
}

/**
 * A line for each phrase that counts, always with the phrase's own points, and one for the message as a whole that
 * brings the sum to what the message is worth. Phrases that an operator has added to the profile count on top of that.
 */
export function messageLines({ signals, pitch, cues }: MessageFacts): Line[] {
  const plain = signals.filter((signal) => !signal.negated);
  // What a seller or an applicant asks for (a call, an offer, a job) is no reason to buy.
  const positive = cues?.intent === 'none' ? [] : plain.filter((signal) => signal.family.points > 0);
  const counted = positive.sort((a, b) => b.family.points - a.family.points).slice(0, PROFILE.message.counted);
  // "Not interested" is a refusal and the negation of an interest; it must not be paid for twice.
  const refused = plain.some((signal) => signal.family.kind === 'refusal');
  const said = (signal: Signal) => refused && signal.negated && signal.family.negated!.intent === 'none';
  const against = signals.filter((signal) => (signal.negated || signal.family.points <= 0) && !said(signal));
  const shown = [...against, ...counted];
  const lineOf = (signal: Signal) => line(`message: ${saysOf(signal)} ("${signal.quote}")`, pointsOf(signal));
  const lines = shown.filter(({ family }) => isFitted(family.id)).map(lineOf);
  if (pitch.fires) lines.push(line(`message: ${PROFILE.pitch.says} ("${pitch.quote}")`, PROFILE.pitch.points));
  const added = shown.filter(({ family }) => !isFitted(family.id)).map(lineOf);
  return [...(cues ? settle(lines, cues) : lines), ...added];
}

function settle(lines: Line[], cues: CueReading): Line[] {
  const total = cuePoints(cues);
  const rest = total - sum(lines);
  if (rest === 0) return lines;
  const overlap = total !== 0 && Math.sign(rest) === -Math.sign(total);
  const reads = overlap ? 'worth less than its phrases together' : PROFILE.cues.reads[cues.intent];
  const about = overlap ? '' : cues.reasons.map((name) => PROFILE.cues.says[name] ?? name).join(', ');
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
 * The evidence of a score: the base, the weightiest lines first with those beyond the tenth added up in one, and what
 * the limits of the scale take away or add. Its points sum to the score.
 */
export function scoreOf(lines: Line[]): { fitScore: number; evidence: Line[] } {
  const evidence = [line('base score', PROFILE.base), ...weightiest(lines)];
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
