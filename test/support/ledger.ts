import { AuditLogRepository } from '../../src/ledger/audit-log.repository.js';
import { BulkActionsRepository } from '../../src/ledger/bulk-actions.repository.js';
import { ClaimsRepository } from '../../src/ledger/claims.repository.js';
import { DeadLettersRepository } from '../../src/ledger/dead-letters.repository.js';
import { ErasuresRepository } from '../../src/ledger/erasures.repository.js';
import { IntakeRepository } from '../../src/ledger/intake.repository.js';
import { LeaderLock } from '../../src/ledger/leader-lock.js';
import { LeadsRepository } from '../../src/ledger/leads.repository.js';
import { OpenLeadsRepository } from '../../src/ledger/open-leads.repository.js';
import { RejectionsRepository } from '../../src/ledger/rejections.repository.js';
import { RescoreRepository } from '../../src/ledger/rescore.repository.js';
import { RetentionRepository } from '../../src/ledger/retention.repository.js';
import { SlaRepository } from '../../src/ledger/sla.repository.js';
import { StageResultsRepository } from '../../src/ledger/stage-results.repository.js';
import { Database } from '../../src/platform/database/database.js';
import type { Pool } from '../../src/platform/database/pool.js';

export interface LedgerOptions {
  worker?: string;
  contentIgnore?: string[];
  retentionDays?: number | undefined;
}

/** The ledger's repositories of one process, on one pool. */
export function ledgerOn(pool: Pool, { worker = 'test', contentIgnore = [], retentionDays }: LedgerOptions = {}) {
  const database = new Database(pool);
  const openLeads = new OpenLeadsRepository(database);
  const rejections = new RejectionsRepository(database);
  const auditLog = new AuditLogRepository(database);
  const erasures = new ErasuresRepository(database);
  const settings = { CONTENT_IGNORE: contentIgnore, RETENTION_DAYS: retentionDays };
  return {
    database,
    openLeads,
    rejections,
    auditLog,
    erasures,
    intake: new IntakeRepository(database, database, settings),
    claims: new ClaimsRepository(database, worker),
    results: new StageResultsRepository(database),
    rescores: new RescoreRepository(database),
    leads: new LeadsRepository(database, database),
    deadLetters: new DeadLettersRepository(database, new BulkActionsRepository(database), settings),
    sla: new SlaRepository(database, openLeads, { SPEED_TO_LEAD_SLA_SECONDS: 300 }, 0),
    retention: new RetentionRepository(database, rejections, auditLog, new BulkActionsRepository(database), erasures, settings),
    leaderLock: new LeaderLock(database),
  };
}

export type LedgerRepositories = ReturnType<typeof ledgerOn>;
