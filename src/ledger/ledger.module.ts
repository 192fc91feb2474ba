import { Global, Module } from '@nestjs/common';
import { WORKER_ID, WORKER_NAME } from '../platform/worker-id.js';
import { AuditLogRepository } from './audit-log.repository.js';
import { BulkActionsRepository } from './bulk-actions.repository.js';
import { ClaimsRepository } from './claims.repository.js';
import { CrmBackfillRepository } from './crm-backfill.repository.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { EndedSessionsRepository } from './ended-sessions.repository.js';
import { ErasuresRepository } from './erasures.repository.js';
import { IntakeRepository } from './intake.repository.js';
import { LeaderLock } from './leader-lock.js';
import { LeadsRepository } from './leads.repository.js';
import { MarketoArrivalsRepository } from './marketo-arrivals.repository.js';
import { MarketoCallsRepository } from './marketo-calls.repository.js';
import { MarketoErasuresRepository } from './marketo-erasures.repository.js';
import { MarketoRepairsRepository } from './marketo-repairs.repository.js';
import { MarketoRunsRepository } from './marketo-runs.repository.js';
import { MarketoStagesRepository } from './marketo-stages.repository.js';
import { MarketoExtractsRepository } from './marketo-extracts.repository.js';
import { MarketoIdentitiesRepository } from './marketo-identities.repository.js';
import { MarketoUpdatesRepository } from './marketo-updates.repository.js';
import { OpenLeadsRepository } from './open-leads.repository.js';
import { RejectionsRepository } from './rejections.repository.js';
import { RescoreRepository } from './rescore.repository.js';
import { RetentionRepository } from './retention.repository.js';
import { SavedViewsRepository } from './saved-views.repository.js';
import { ScoredLeadsRepository } from './scored-leads.repository.js';
import { READING_AGE_MS, SlaRepository } from './sla.repository.js';
import { StageResultsRepository } from './stage-results.repository.js';

const REPOSITORIES = [
  AuditLogRepository,
  BulkActionsRepository,
  ClaimsRepository,
  CrmBackfillRepository,
  DeadLettersRepository,
  EndedSessionsRepository,
  ErasuresRepository,
  IntakeRepository,
  LeaderLock,
  LeadsRepository,
  MarketoArrivalsRepository,
  MarketoCallsRepository,
  MarketoErasuresRepository,
  MarketoRunsRepository,
  MarketoStagesRepository,
  MarketoExtractsRepository,
  MarketoIdentitiesRepository,
  MarketoRepairsRepository,
  MarketoUpdatesRepository,
  OpenLeadsRepository,
  RejectionsRepository,
  RescoreRepository,
  RetentionRepository,
  SavedViewsRepository,
  ScoredLeadsRepository,
  SlaRepository,
  StageResultsRepository,
];

/**
 * The repositories of the schema `ledger`, one per aggregate. Their methods throw AppErrors, as `toAppError` maps
 * PostgreSQL's.
 */
@Global()
@Module({
  providers: [{ provide: WORKER_NAME, useValue: WORKER_ID }, { provide: READING_AGE_MS, useValue: 3000 }, ...REPOSITORIES],
  exports: REPOSITORIES,
})
export class LedgerModule {}
