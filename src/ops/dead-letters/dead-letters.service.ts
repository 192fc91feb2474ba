import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../domain/app-error.js';
import { leadIdOf, personKeyOf } from '../../domain/lead-keys.js';
import { stageDueIn } from '../../domain/lead-state.js';
import type { LeadInput } from '../../domain/lead.js';
import { parseLead } from '../../ingress/parse-lead.js';
import { currentTraceparent } from '../../platform/observability/tracing.js';
import type { OpenRows } from '../../ledger/bulk-actions.repository.js';
import type { AuditLogRepository } from '../../ledger/audit-log.repository.js';
import type {
  DeadLetter,
  DeadLetterCause,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLettersRepository,
} from '../../ledger/dead-letters.repository.js';
import type { OpenLead } from '../../ledger/open-leads.repository.js';
import type { Cursor, Page } from '../../platform/database/cursor-pagination.js';
import type { JobPublisher } from '../../queue/job-publisher.js';
import { jobRequestOf } from '../../queue/job.js';
import { correctedFields } from './corrected-fields.js';

export const NOT_A_DEAD_LETTER =
  'No dead letter has this id. GET /ops/dead-letters lists them; GET /ops/leads/:id shows any lead.';

/** What a correction changed. */
export type Correction =
  | { status: 'replaced'; leadId: string }
  | { status: 'unchanged' | 'edited'; leadId: string; revision: number };

/** Lets an operator review, correct, replay and discard dead letters; for the API and the console. */
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

  /** @returns the leads; with `perSecond` their jobs are spread over time. */
  async replayMany(code: string | undefined, limit: number, perSecond: number | null, by: string): Promise<OpenLead[]> {
    const leads = await this.repository.replayDeadLetters({ ...(code === undefined ? {} : { code }), limit, perSecond, by });
    await this.auditLog.recordAct(by, 'replay', { code: code ?? null, count: leads.length, perSecond });
    this.publish(leads);
    return leads;
  }

  /** The ids that a bulk action may replay, the oldest dead letter first. */
  ids(cause: DeadLetterCause, limit: number): Promise<string[]> {
    return this.repository.deadLetterIds(cause, limit);
  }

  /** Replays the rows of a bulk action whose turn it is. */
  async replayOpenRows(due: OpenRows): Promise<void> {
    this.publish(await this.repository.replayOpenRows(due));
  }

  /**
   * Validates the corrected fields like those of a webhook. E-mail and campaign make the lead's key, so correcting them
   * accepts a new lead and discards the old one. Values that the lead already has change nothing.
   * @throws AppError INVALID_LEAD, NOT_FOUND
   */
  async correct(id: string, correction: Record<string, unknown>, by: string): Promise<Correction> {
    const letter = await this.find(id);
    const corrected = parseLead(correctedFields(letter, correction));
    if (leadIdOf(corrected.email, corrected.campaignId) !== letter.id) {
      return { status: 'replaced', leadId: await this.replace(letter.id, corrected, by) };
    }
    const { name, attributes } = corrected;
    if (name === letter.name && isDeepStrictEqual({ ...attributes }, { ...letter.attributes })) {
      return { status: 'unchanged', leadId: letter.id, revision: letter.revision };
    }
    return { status: 'edited', leadId: letter.id, revision: await this.edit(letter.id, corrected, by) };
  }

  /** Replaces name and attributes. @returns the new revision. @throws AppError NOT_FOUND */
  async edit(id: string, content: { name: string | null; attributes: Record<string, string> }, by: string): Promise<number> {
    return (await this.repository.editDeadLetter({ id, ...content, by })) ?? notDead();
  }

  /** Stores a correction that changes the key as a new lead and discards the dead letter. @returns the new id. */
  private async replace(id: string, corrected: LeadInput, by: string): Promise<string> {
    const leadId = leadIdOf(corrected.email, corrected.campaignId);
    const lead = { ...corrected, id: leadId, personKey: personKeyOf(corrected.email), traceparent: currentTraceparent() };
    const accepted = (await this.repository.replaceDeadLetter(id, lead, by)) ?? notDead();
    const { outcome, epoch, jobId } = accepted;
    if (outcome !== 'duplicate') this.publisher.publish('enrichment', { leadId, epoch, jobId });
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
