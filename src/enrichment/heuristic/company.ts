import { LEXICON } from './lexicon.js';
import type { LabelledRule, ScoringProfile } from './profile.schema.js';
import type { Ruleset } from './ruleset.js';
import { readText } from './text.js';

const LEGAL_FORMS = new Set(LEXICON.company.legalForms);
const MIN_SHARED = 4;

/** Whether a name and the registrable label of a domain are likely one company: Acme Logistics GmbH, acme-logistics. */
export function companyMatchesDomain(company: string, label: string): boolean {
  const words = readText(company).words.filter((word) => !LEGAL_FORMS.has(word));
  const name = words.join('');
  const domain = label.replaceAll('-', '');
  if (name === '' || domain === '') return false;
  if (name === domain) return true;
  const [short, long] = name.length < domain.length ? [name, domain] : [domain, name];
  if (short.length >= MIN_SHARED && long.startsWith(short)) return true;
  return words.length >= 3 && domain === words.map((word) => word[0]).join('');
}

/** The industry by the stated one, else by the company's own name. */
export function industryOf(industry: string, company: string, { profile, industries }: Ruleset): LabelledRule | null {
  for (const value of [industry, company]) {
    const found = new Set(industries.findAll(readText(value)).map((match) => match.payload));
    const rule = profile.industries.find((candidate) => found.has(candidate));
    if (rule) return rule;
  }
  return null;
}

const NUMBER = /\d[\d.,' ]*/;
const MAX_SIZE_TEXT = 40;

/** The size rule for texts such as `51-200`, `1,000+` or `350 employees`: a range counts by its lower end. */
export function sizeOf(size: string, sizes: ScoringProfile['sizes']): ScoringProfile['sizes'][number] | null {
  const first = NUMBER.exec(size.slice(0, MAX_SIZE_TEXT))?.[0];
  if (first === undefined) return null;
  const employees = Number(first.replaceAll(/\D/g, ''));
  return [...sizes].sort((a, b) => b.atLeast - a.atLeast).find((rule) => employees >= rule.atLeast) ?? null;
}
