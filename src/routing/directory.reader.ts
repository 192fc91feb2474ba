import type { CrmDirectory } from '../crm/port.js';
import type { DirectoryPart, DirectoryRepository, Position } from './directory.repository.js';

/** Rows become visible in Salesforce later than their SystemModstamp says: so much is read again each time. */
const LOOK_BACK_MS = 300_000;
/** Pages of one run and part; the next run follows at once. */
const MAX_PAGES = 20;

/** Mirrors users, then accounts, then the domains of contacts. What is read again changes nothing. */
export class DirectoryReader {
  /** Where a part goes on that has more pages than one run: looking back again might never get past them. */
  private readonly unfinished = new Map<DirectoryPart, Position>();

  constructor(
    private readonly crm: CrmDirectory,
    private readonly repository: Pick<DirectoryRepository, 'position' | 'storeUsers' | 'storeAccounts' | 'storeContactDomains'>,
  ) {}

  /** @returns whether there is more to read at once. @throws AppError of the CRM or of the ledger */
  async read(signal: AbortSignal): Promise<boolean> {
    const { crm, repository } = this;
    const users = await this.readPart(
      'users',
      (after) => crm.users(after, signal),
      (page, position) => repository.storeUsers(page, position),
      ({ userId }) => userId,
    );
    const accounts = await this.readPart(
      'accounts',
      (after) => crm.accounts(after, signal),
      (page, position) => repository.storeAccounts(page, position),
      ({ accountId }) => accountId,
    );
    const contacts = await this.readPart(
      'contacts',
      (after) => crm.contactDomains(after, signal),
      (page, position) => repository.storeContactDomains(page, position),
      ({ contactId }) => contactId,
    );
    return users || accounts || contacts;
  }

  private async readPart<T extends { changedAt: string }>(
    part: DirectoryPart,
    page: (after: Position) => Promise<{ records: T[]; more: boolean }>,
    store: (records: T[], position: Position | null) => Promise<void>,
    idOf: (record: T) => string,
  ): Promise<boolean> {
    const known = await this.repository.position(part);
    let after = this.unfinished.get(part) ?? lookBack(known);
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { records, more } = await page(after);
      const last = records.at(-1);
      if (last) {
        after = { at: last.changedAt, id: idOf(last) };
        await store(records, after.at > known.at ? after : null);
        this.unfinished.set(part, after);
      }
      if (!more || !last) {
        this.unfinished.delete(part);
        return false;
      }
    }
    return true;
  }
}

function lookBack({ at }: Position): Position {
  return { at: new Date(Math.max(0, Date.parse(at) - LOOK_BACK_MS)).toISOString(), id: '' };
}
