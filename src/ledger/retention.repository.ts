import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { CONFIG } from '../platform/platform.module.js';
import { AuditLogRepository } from './audit-log.repository.js';
import { BulkActionsRepository } from './bulk-actions.repository.js';
import { ErasuresRepository } from './erasures.repository.js';
import { RejectionsRepository } from './rejections.repository.js';

/** Rows per statement and statements per run, so that runs and locks are short. */
const BATCH = 1000;
const BATCHES = 5;
/** The pause after a run that removed everything due. */
const PAUSE_MS = 600_000;

/**
 * Removes leads in a final state (synced, dead, discarded) by the time of their last event. Open leads are never
 * removed. A locked row is skipped.
 */
const PRUNE_LEADS = `
WITH old AS (
  SELECT id FROM ledger.leads
  WHERE received_at < now() - make_interval(days => $1) AND touched_at < now() - make_interval(days => $1)
    AND state IN ('synced', 'dead', 'discarded')
  ORDER BY received_at LIMIT ${BATCH}
  FOR UPDATE SKIP LOCKED
), leads AS (
  DELETE FROM ledger.leads WHERE id IN (SELECT id FROM old) RETURNING id
), events AS (
  DELETE FROM ledger.events WHERE lead_id IN (SELECT id FROM leads)
)
SELECT count(*)::int AS count FROM leads`;

/** Removes rows that are older than their retention, a bounded number per run. The leader of the sweeps runs it. */
@Injectable()
export class RetentionRepository {
  private nextRun = 0;
  /** RETENTION_DAYS; undefined keeps leads without limit. */
  private readonly days: number | undefined;

  constructor(
    private readonly database: Database,
    private readonly rejections: RejectionsRepository,
    private readonly acts: AuditLogRepository,
    private readonly bulkActions: BulkActionsRepository,
    private readonly erasures: ErasuresRepository,
    @Inject(CONFIG) config: Pick<Config, 'RETENTION_DAYS'>,
  ) {
    this.days = config.RETENTION_DAYS;
  }

  /** @returns how many leads were removed. */
  async prune(): Promise<number> {
    await this.rejections.pruneRejections(this.days);
    if (performance.now() < this.nextRun) return 0;
    await this.acts.pruneActs(this.days);
    await this.bulkActions.pruneBulkActions();
    await this.erasures.prune();
    const count = this.days === undefined ? 0 : await this.pruneLeads(this.days);
    if (count < BATCHES * BATCH) this.nextRun = performance.now() + PAUSE_MS;
    return count;
  }

  private async pruneLeads(days: number): Promise<number> {
    let total = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const { rows } = await this.database.query<{ count: number }>(PRUNE_LEADS, [days]);
      total += rows[0]!.count;
      if (rows[0]!.count < BATCH) break;
    }
    return total;
  }
}
