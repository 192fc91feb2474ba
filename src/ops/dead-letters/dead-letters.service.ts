import { AppError } from '../../domain/app-error.js';
import { leadIdOf, personKeyOf } from '../../domain/lead-keys.js';
import { stageDueIn } from '../../domain/lead-state.js';
import type { LeadInput } from '../../domain/lead.js';
import { currentTraceparent } from '../../platform/observability/tracing.js';
import type { AuditLogRepository } from '../../ledger/audit-log.repository.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLettersRepository,
} from '../../ledger/dead-letters.repository.js';
import type { OpenLead } from '../../ledger/open-leads.repository.js';
import type { Cursor, Page } from '../../platform/database/cursor-pagination.js';
import type { JobPublisher } from '../../queue/job-publisher.js';
import { jobRequestOf } from '../../queue/job.js';

export const NOT_A_DEAD_LETTER =
  'No dead letter has this id. GET /ops/dead-letters lists them; GET /ops/leads/:id shows any lead.';

/** The leads that the service has given up, for an operator to review, correct, replay or discard. */
export class DeadLetters {
  constructor(
    private readonly repository: DeadLettersRepository,
    private readonly auditLog: AuditLogRepository,
    private readonly publisher: Pick<JobPublisher, 'publish'>,
  ) {}

  list(filter: DeadLetterFilter, limit: number, after: Cursor | null): Promise<Page<DeadLetter>> {
    return this.repository.listDeadLetters(filter, limit, after);
  }

  summary(): Promise<DeadLetterGroup[]> {
    return this.repository.groupDeadLetters();
  }

  /** @throws AppError NOT_FOUND where the lead is no dead letter. */
  async find(id: string): Promise<DeadLetter> {
    const { items } = await this.list({ id }, 1, null);
    return items[0] ?? notDead();
  }

  /** @throws AppError NOT_FOUND where the lead is no dead letter. */
  async replay(id: string, by: string): Promise<void> {
    const leads = await this.repository.replayDeadLetters({ id, limit: 1, perSecond: null, by });
    if (leads.length === 0) notDead();
    this.publish(leads);
  }

  /** @returns how many are on their way; at `perSecond` the last of them goes when its turn comes. */
  async replayMany(code: string | undefined, limit: number, perSecond: number | null, by: string): Promise<number> {
    const leads = await this.repository.replayDeadLetters({ ...(code ? { code } : {}), limit, perSecond, by });
    await this.auditLog.recordAct(by, 'replay', { code: code ?? null, count: leads.length, perSecond });
    this.publish(leads);
    return leads.length;
  }

  /** Replaces name and attributes. @returns the new revision. @throws AppError NOT_FOUND */
  async edit(id: string, content: { name: string | null; attributes: Record<string, string> }, by: string): Promise<number> {
    return (await this.repository.editDeadLetter({ id, ...content, by })) ?? notDead();
  }

  /** A correction that changes the key: stored as a new lead, and the dead letter discarded. @returns the new id. @throws AppError NOT_FOUND */
  async replace(id: string, corrected: LeadInput, by: string): Promise<string> {
    const leadId = leadIdOf(corrected.email, corrected.campaignId);
    const lead = { ...corrected, id: leadId, personKey: personKeyOf(corrected.email), traceparent: currentTraceparent() };
    const accepted = (await this.repository.replaceDeadLetter(id, lead, by)) ?? notDead();
    if (accepted.outcome !== 'duplicate') this.publisher.publish('enrichment', { leadId, epoch: accepted.epoch });
    return leadId;
  }

  /** @throws AppError NOT_FOUND */
  async discard(id: string, reason: string, by: string): Promise<void> {
    if (!(await this.repository.discardDeadLetter({ id, reason, by }))) notDead();
  }

  private publish(leads: OpenLead[]): void {
    for (const lead of leads) this.publisher.publish(stageDueIn(lead.state)!, jobRequestOf(lead));
  }
}

function notDead(): never {
  throw new AppError('NOT_FOUND', NOT_A_DEAD_LETTER);
}
