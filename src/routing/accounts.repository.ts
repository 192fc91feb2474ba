import { Injectable } from '@nestjs/common';
import { getDomain } from 'tldts';
import { isConsumerDomain } from '../crm/consumer-domains.js';
import { Database, type Queryable } from '../platform/database/database.js';
import type { MatchedAccount } from './conditions.js';
import { domainWord } from './domain-words.js';

/**
 * Of several accounts with the domain: one whose website has it, since contacts may be consultants or partners, then a
 * customer, then the oldest. A former or prospective customer is none.
 */
const MATCH = `
SELECT domain, account_id AS id, owner_id AS "ownerId", name, type, industry, parent_id AS "parentId"
FROM (
  SELECT d.domain, a.*, row_number() OVER (PARTITION BY d.domain ORDER BY d.of_website DESC,
    coalesce(a.type ~* 'customer' AND a.type !~* '\\m(former|ex|past|lost|churned|inactive|non|not|prospective|potential)\\M', false)
      DESC, a.created_at NULLS LAST, a.account_id) AS place
  FROM routing.account_domains d JOIN routing.accounts a USING (account_id)
  WHERE d.domain = ANY($1)
) candidates
WHERE place = 1`;

/** The topmost account above each; a chain is followed for ten steps, so that a circle ends. */
const TOPMOST = `
WITH RECURSIVE above AS (
  SELECT account_id AS child, account_id, parent_id, 0 AS depth FROM routing.accounts WHERE account_id = ANY($1)
  UNION ALL
  SELECT above.child, a.account_id, a.parent_id, above.depth + 1
  FROM above JOIN routing.accounts a ON a.account_id = above.parent_id WHERE above.depth < 10
)
SELECT DISTINCT ON (child) child, a.account_id AS id, a.owner_id AS "ownerId", a.name, a.type, a.industry
FROM above JOIN routing.accounts a USING (account_id) ORDER BY child, depth DESC`;

type AccountRow = MatchedAccount & { domain: string; parentId: string | null };

/** The mirror of the CRM's accounts. */
@Injectable()
export class AccountsRepository {
  constructor(private readonly database: Database) {}

  /**
   * The account of each address by its domain; null where there is none. Domains of mail providers match no account.
   * @param parents the topmost account above the one that has the domain.
   */
  async match(emails: string[], parents: boolean, on: Queryable = this.database): Promise<(MatchedAccount | null)[]> {
    const wanted = emails.map(domainsOf);
    const domains = [...new Set(wanted.flat())];
    if (domains.length === 0) return emails.map(() => null);
    const { rows } = await on.query<AccountRow>({ name: 'routing-accounts', text: MATCH, values: [domains] });
    const found = new Map(rows.map((row) => [row.domain, row]));
    const above = parents ? await topmost(on, rows) : null;
    return wanted.map((each) => {
      const domain = each.find((name) => found.has(name));
      if (domain === undefined) return null;
      const { id, ownerId, name, type, industry } = found.get(domain)!;
      return above?.get(id) ?? { id, ownerId, name, type, industry };
    });
  }
}

/** The domain of an address or a host, and the company's domain above it. Those of mail providers say nothing. */
export function domainsOf(address: string): string[] {
  const host = domainWord(address);
  const company = getDomain(host, { allowPrivateDomains: true }) ?? host;
  if (company === '' || isConsumerDomain(company)) return [];
  return [...new Set([host, company])].filter((domain) => !isConsumerDomain(domain));
}

async function topmost(on: Queryable, rows: AccountRow[]): Promise<Map<string, MatchedAccount>> {
  const below = rows.filter(({ parentId }) => parentId !== null).map(({ id }) => id);
  if (below.length === 0) return new Map();
  const answer = await on.query<MatchedAccount & { child: string }>(TOPMOST, [below]);
  return new Map(answer.rows.map(({ child, ...account }) => [child, account]));
}
