import { Injectable } from '@nestjs/common';
import { parse } from 'tldts';
import type { CrmAccount, CrmContactDomain, CrmUser } from '../crm/port.js';
import { ownerIdOf } from '../domain/salesforce-id.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { columns } from '../platform/database/unnest-columns.js';
import { domainsOf } from './accounts.repository.js';
import { domainWord } from './domain-words.js';

export interface Position {
  at: string;
  id: string;
}

export type ImportedAccount = Pick<CrmAccount, 'accountId' | 'ownerId' | 'name' | 'type' | 'industry' | 'parentId'> & {
  domains: string[];
};

export type DirectoryPart = 'users' | 'accounts' | 'contacts';

const USERS = `
INSERT INTO routing.members (user_id, name, email, active, manager_id, time_zone)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[])
ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, email = excluded.email, active = excluded.active,
  manager_id = excluded.manager_id, time_zone = excluded.time_zone, updated_at = now()`;

const ACCOUNTS = `
INSERT INTO routing.accounts AS a (account_id, owner_id, name, type, industry, parent_id, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
ON CONFLICT (account_id) DO UPDATE SET owner_id = excluded.owner_id, name = excluded.name, type = excluded.type,
  industry = excluded.industry, parent_id = excluded.parent_id, created_at = excluded.created_at, updated_at = now()`;

const GIVEN = `SELECT DISTINCT d.domain, a.account_id FROM unnest($1::text[], $2::text[]) AS d (domain, account_id)
JOIN routing.accounts a USING (account_id)`;

const DOMAINS_OF_CONTACTS = `
INSERT INTO routing.account_domains AS a (domain, account_id, of_contacts) SELECT *, true FROM (${GIVEN}) given
ON CONFLICT (domain, account_id) DO UPDATE SET of_contacts = true WHERE NOT a.of_contacts`;

const DOMAINS_OF_WEBSITES = `
INSERT INTO routing.account_domains AS a (domain, account_id, of_website, of_contacts) SELECT *, true, false FROM (${GIVEN}) given
ON CONFLICT (domain, account_id) DO UPDATE SET of_website = true WHERE NOT a.of_website`;

/** Domains that the website of an account had before. */
const FORMER_WEBSITES = `
WITH former AS (
  SELECT domain, account_id FROM routing.account_domains WHERE of_website AND account_id = ANY($3)
  EXCEPT (${GIVEN})
), kept AS (
  UPDATE routing.account_domains a SET of_website = false FROM former f
  WHERE a.domain = f.domain AND a.account_id = f.account_id AND a.of_contacts
)
DELETE FROM routing.account_domains a USING former f
WHERE a.domain = f.domain AND a.account_id = f.account_id AND NOT a.of_contacts`;

const MOVE = `
INSERT INTO routing.cursors (name, at, record_id) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, record_id = excluded.record_id, moved_at = now()`;

/** Writes the mirror. A page and its position are one transaction, and a page that is read again changes nothing. */
@Injectable()
export class DirectoryRepository {
  constructor(private readonly database: Database) {}

  /** Up to where a part was read; the beginning of time where it never was. */
  async position(part: DirectoryPart): Promise<Position> {
    const text = 'SELECT at, record_id AS id FROM routing.cursors WHERE name = $1';
    const { rows } = await this.database.query<{ at: Date; id: string }>(text, [part]);
    return rows[0] ? { at: rows[0].at.toISOString(), id: rows[0].id } : { at: '1970-01-01T00:00:00.000Z', id: '' };
  }

  async storeUsers(users: CrmUser[], position: Position | null): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await writeUsers(transaction, users);
      await move(transaction, 'users', position);
    });
  }

  async storeAccounts(accounts: CrmAccount[], position: Position | null): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const names = ['accountId', 'ownerId', 'name', 'type', 'industry', 'parentId', 'createdAt'] as const;
      const there = accounts.filter(({ deleted }) => !deleted);
      const gone = accounts.filter(({ deleted }) => deleted).map(({ accountId }) => accountId);
      if (there.length > 0) await transaction.query(ACCOUNTS, columns(there, names));
      if (gone.length > 0) await transaction.query('DELETE FROM routing.accounts WHERE account_id = ANY($1)', [gone]);
      const pairs = there.map(({ accountId, website }) => ({ accountId, domain: hostOf(website) }));
      await storeDomains(transaction, DOMAINS_OF_WEBSITES, pairs);
      const ids = there.map(({ accountId }) => accountId);
      const values = [...columns(domainsWithAbove(pairs), ['domain', 'accountId']), ids];
      if (ids.length > 0) await transaction.query(FORMER_WEBSITES, values);
      await move(transaction, 'accounts', position);
    });
  }

  /** Users and accounts of a file. */
  async importFile(who: string, given: CrmUser[], givenAccounts: ImportedAccount[]): Promise<void> {
    // Reports of Salesforce show ids of 15 characters.
    const users = given.map((user) => ({
      ...user,
      userId: ownerIdOf(user.userId),
      managerId: user.managerId && ownerIdOf(user.managerId),
    }));
    const accounts = givenAccounts.map((account) => ({ ...account, ownerId: ownerIdOf(account.ownerId) }));
    await this.database.transaction(async (transaction) => {
      const detail = JSON.stringify({ users: users.length, accounts: accounts.length });
      await transaction.query("SELECT ledger.record_act($1, 'routing-directory', $2)", [who, detail]);
      await writeUsers(transaction, users);
      if (accounts.length === 0) return;
      const rows = accounts.map((account) => ({ ...account, createdAt: null }));
      const names = ['accountId', 'ownerId', 'name', 'type', 'industry', 'parentId', 'createdAt'] as const;
      await transaction.query(ACCOUNTS, columns([...new Map(rows.map((row) => [row.accountId, row])).values()], names));
      const pairs = accounts.flatMap(({ accountId, domains }) =>
        domains.map((domain) => ({ accountId, domain: hostOf(domain) })),
      );
      await storeDomains(transaction, DOMAINS_OF_WEBSITES, pairs);
    });
  }

  async storeContactDomains(contacts: CrmContactDomain[], position: Position | null): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await storeDomains(transaction, DOMAINS_OF_CONTACTS, contacts);
      await move(transaction, 'contacts', position);
    });
  }
}

/**
 * The host of a website as people write it: `www.acme.com`, `https://acme.com/de`; null where it is none, and where it is
 * the page of the company on the site of another one.
 */
export function hostOf(website: string | null): string | null {
  const written = (website ?? '').trim();
  if (written === '') return null;
  const url = /^[a-z][a-z0-9+.-]*:\/\//iu.test(written) ? written : `https://${written}`;
  if (!URL.canParse(url)) return null;
  const { hostname, pathname, search } = new URL(url);
  const host = domainWord(hostname);
  const hasPlace = pathname !== '/' || search !== '';
  return host.includes('.') && !(hasPlace && isSiteOfPages(host)) ? host : null;
}

/** Sites on which companies have a page: by their name under any ending, or by their domain where the name is short. */
const SITES_OF_PAGES = new Set(
  `facebook linkedin instagram twitter youtube xing google tiktok pinterest medium github linktr yelp crunchbase wikipedia
  amazon ebay etsy tripadvisor trustpilot kununu fb.com x.com vk.com bit.ly goo.gl t.me wa.me`.split(/\s+/u),
);

function isSiteOfPages(host: string): boolean {
  const { domain, domainWithoutSuffix } = parse(host);
  return SITES_OF_PAGES.has(domain ?? '') || SITES_OF_PAGES.has(domainWithoutSuffix ?? '');
}

/** A user that occurs twice: the last one counts. */
async function writeUsers(on: Queryable, users: CrmUser[]): Promise<void> {
  if (users.length === 0) return;
  const names = ['userId', 'name', 'email', 'active', 'managerId', 'timeZone'] as const;
  await on.query(USERS, columns([...new Map(users.map((user) => [user.userId, user])).values()], names));
}

type DomainPair = { accountId: string | null; domain: string | null };

async function storeDomains(on: Queryable, statement: string, pairs: DomainPair[]): Promise<void> {
  const known = domainsWithAbove(pairs);
  if (known.length > 0) await on.query(statement, columns(known, ['domain', 'accountId']));
}

/** Each domain with the company's domain above it. */
function domainsWithAbove(pairs: DomainPair[]): { domain: string; accountId: string }[] {
  return pairs.flatMap(({ accountId, domain }) =>
    accountId === null || domain === null ? [] : domainsOf(domain).map((each) => ({ domain: each, accountId })),
  );
}

async function move(on: Queryable, part: DirectoryPart, position: Position | null): Promise<void> {
  if (position) await on.query(MOVE, [part, position.at, position.id]);
}
