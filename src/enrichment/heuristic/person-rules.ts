import type { Evidence } from '../../lead/enrichment.js';
import { domainClassOf, domainName, type DomainClass } from './domain-class.js';
import type { Fields } from './fields.js';
import { PhraseFinder, wordsOf } from './phrases.js';
import { PROFILE } from './profile.js';

const { seniority, functions, company, domain: domainPoints } = PROFILE;
const levels = new PhraseFinder(seniority.levels.map((level) => level.words));
const exceptions = new PhraseFinder(seniority.levels.map((level) => level.except ?? []));
const groups = new PhraseFinder(functions.groups.map((group) => group.words));

/** Who the person is: the rules about domain, title and company. None of them says anything about intent. */
export function personEvidence(domain: string, fields: Fields): Evidence[] {
  const domainClass = domainClassOf(domain);
  return [
    evidence(`e-mail domain: ${LABELS[domainClass]}`, domainPoints[domainClass]),
    ...titleEvidence(fields.title),
    ...companyEvidence(domain, domainClass, fields.company),
  ];
}

const LABELS: Record<DomainClass, string> = {
  corporate: 'a company of its own',
  free: 'a free mail provider',
  disposable: 'a throw-away address',
  education: 'a school or university',
};

function titleEvidence(title: string): Evidence[] {
  const words = wordsOf(title);
  if (words.length === 0) return [];
  const found: Evidence[] = [];
  const matched = new Set(levels.find(words).map((match) => match.group));
  for (const excepted of exceptions.find(words)) matched.delete(excepted.group);
  const level = seniority.levels[Math.min(...matched)];
  if (level) found.push(evidence(`title: ${level.name}`, level.points));
  const group = functions.groups[Math.min(...groups.find(words).map((match) => match.group))];
  // A student of marketing buys nothing; the function counts only for those who have it.
  if (group && (level?.points ?? 0) >= 0) found.push(evidence(`function: ${group.name}`, group.points));
  return found;
}

function companyEvidence(domain: string, domainClass: DomainClass, name: string): Evidence[] {
  const words = wordsOf(name);
  if (words.length === 0) return [];
  const found = [evidence('a company is named', company.named)];
  const label = domainName(domain).replaceAll('-', '');
  if (domainClass === 'corporate' && words.some((word) => word.length > 2 && label.includes(word))) {
    found.push(evidence('the company matches the e-mail domain', company.matchesDomain));
  }
  return found;
}

export function evidence(signal: string, points: number): Evidence {
  return { signal, polarity: points > 0 ? 'positive' : points < 0 ? 'negative' : 'neutral', points };
}
