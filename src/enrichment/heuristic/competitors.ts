import type { ScoringProfile } from './profile.schema.js';
import { fold } from './text.js';

type Company = ScoringProfile['competitors']['companies'][number];

const MAX_LENGTH = 1000;
const plainName = (name: string) =>
  fold(name)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Finds the competitor that a lead works for: by the e-mail domain, or by the company name as a whole. */
export class Competitors {
  private readonly byDomain = new Map<string, Company>();
  private readonly byName = new Map<string, Company>();

  constructor(companies: readonly Company[]) {
    for (const company of companies) {
      this.byName.set(plainName(company.name), company);
      for (const domain of company.domains ?? []) this.byDomain.set(domain, company);
    }
  }

  /** @param isSteered the company field holds other text, so the name is looked for anywhere in it. */
  find(company: string, emailDomain: string, isSteered: boolean): Company | null {
    for (let domain = emailDomain; domain.includes('.'); domain = domain.slice(domain.indexOf('.') + 1)) {
      const found = this.byDomain.get(domain);
      if (found) return found;
    }
    const text = plainName(company.slice(0, MAX_LENGTH));
    const exact = this.byName.get(text) ?? null;
    if (exact || !isSteered) return exact;
    const [, inside = null] = [...this.byName].find(([name]) => ` ${text} `.includes(` ${name} `)) ?? [];
    return inside;
  }
}
