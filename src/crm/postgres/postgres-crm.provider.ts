import { AppError } from '../../domain/app-error.js';
import type { CrmSynced } from '../../domain/lead.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { openPool, type Pool } from '../../platform/database/pool.js';
import type { CrmProvider, CrmSync, OwnerChange } from '../port.js';
import { contentOf, auditFields } from '../audit-fields.js';
import { chooseOwners, ensureMembers, recordOf, upsertLeads } from './upsert-leads.js';

const FOREIGN_KEY_VIOLATION = '23503';

/** The memberships go with their Lead; both statements' rows are counted. */
const ERASE = `
WITH known AS (SELECT id FROM mock_crm.leads WHERE person_key = decode($1, 'hex')),
members AS (DELETE FROM mock_crm.campaign_members WHERE lead_id IN (SELECT id FROM known) RETURNING 1),
leads AS (DELETE FROM mock_crm.leads WHERE id IN (SELECT id FROM known) RETURNING 1)
SELECT (SELECT count(*) FROM members)::int + (SELECT count(*) FROM leads)::int AS count`;

/** The CRM of ENV=MOCK: two tables that anyone can look into, as strict about duplicates as Salesforce is. */
export class PostgresCrmProvider implements CrmProvider {
  readonly name = 'postgres';
  private readonly pool: Pool;
  private readonly syncing: Batcher<CrmSync, CrmSynced | null>;

  constructor(databaseUrl: string) {
    this.pool = openPool({ url: databaseUrl, max: 3, timeoutMs: 5000, name: 'mock-crm', replan: true });
    this.syncing = new Batcher({
      run: (syncs) => this.write(syncs),
      maxBatch: 200,
      maxWaiting: 10_000,
      parallel: 2,
      // Two campaigns of one person write the same Lead: one after the other, so that a batch names each person once.
      keyOf: (sync) => sync.personKey,
      blamesOneItem: isRecordError,
    });
  }

  async sync(request: CrmSync): Promise<CrmSynced> {
    const synced = await this.submit(request);
    if (synced) return synced;
    // The Lead was erased between its two statements; the next run makes it anew, where there still is something to
    // bring.
    throw new AppError('CRM_RECORD_BUSY', 'The mock CRM was asked to forget the record meanwhile.');
  }

  private async submit(request: CrmSync): Promise<CrmSynced | null> {
    try {
      return await this.syncing.submit(request);
    } catch (cause) {
      // The choice of an owner failed: that is the ledger's error.
      if (cause instanceof AppError) throw cause;
      if ((cause as { code?: unknown }).code === FOREIGN_KEY_VIOLATION) return null;
      if (isRecordError(cause)) {
        throw new AppError('CRM_RECORD_REJECTED', `The mock CRM refused the record (${(cause as { code: string }).code}).`, {
          cause,
          answer: answerOf(cause),
          sent: auditFields(recordOf(request)),
        });
      }
      throw new AppError('CRM_UNAVAILABLE', 'The mock CRM did not answer.', { cause });
    }
  }

  async changeOwner(leadId: string, from: string, to: string): Promise<OwnerChange> {
    try {
      const text = 'UPDATE mock_crm.leads SET owner_id = $3, updated_at = now() WHERE id = $1 AND owner_id = $2';
      if ((await this.pool.query(text, [leadId, from, to])).rowCount === 1) return { kind: 'changed' };
      const { rows } = await this.pool.query<{ id: string }>(
        "SELECT coalesce(owner_id, '') AS id FROM mock_crm.leads WHERE id = $1",
        [leadId],
      );
      if (!rows[0]) return { kind: 'gone' };
      // A worker that ended between the write and its record repeats the change.
      return rows[0].id === to ? { kind: 'changed' } : { kind: 'other-owner', ownerId: rows[0].id };
    } catch (cause) {
      throw new AppError('CRM_UNAVAILABLE', 'The mock CRM did not answer.', { cause });
    }
  }

  async erasePerson(personKey: string): Promise<number> {
    try {
      const { rows } = await this.pool.query<{ count: number }>(ERASE, [personKey]);
      return rows[0]!.count;
    } catch (cause) {
      throw new AppError('CRM_UNAVAILABLE', 'The mock CRM did not answer.', { cause });
    }
  }

  async ping(): Promise<void> {
    try {
      await this.pool.query('SELECT 1');
    } catch (cause) {
      throw new AppError('CRM_UNAVAILABLE', 'The mock CRM did not answer.', { cause });
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async write(syncs: CrmSync[]): Promise<(CrmSynced | null)[]> {
    const { name: provider } = this;
    const leads = await upsertLeads(this.pool, syncs, await chooseOwners(this.pool, syncs));
    const members = await ensureMembers(this.pool, syncs);
    return members.map((written, index) => {
      if (!written) return null;
      const { id: memberId, leadId, ownerId, ...member } = written;
      const lead = leads[index]!;
      const exchange = { provider, ...contentOf(syncs[index]!), lead, member };
      const owner = syncs[index]!.owner && ownerId !== null ? { owner: { id: ownerId, created: lead.answer === 'created' } } : {};
      return { provider, leadId, memberId, ...owner, exchanges: [exchange] };
    });
  }
}

/** The names of what was broken, and no values: PostgreSQL's own message would quote the record. */
function answerOf(error: unknown): string {
  const { code, constraint, column } = error as { code: string; constraint?: string; column?: string };
  return [code, constraint, column].filter((part) => part !== undefined).join(' ');
}

/** SQLSTATE classes 22 (bad value) and 23 (broken constraint): the record's own fault. */
function isRecordError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^2[23]/.test(code);
}
