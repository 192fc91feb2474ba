import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { CrmNotice, CrmSettings } from '../port.js';

/** The same subject is logged once in this time; the metric counts each. */
const LOGGED_EVERY_MS = 3_600_000;
const SUBJECTS = 1000;

export interface NoticesOptions {
  clock: Clock;
  logger: Pick<Logger, 'warn' | 'error'>;
  observe(notice: CrmNotice): void;
  /** Called where the notice is logged. */
  record: CrmSettings['recordNotice'];
}

/**
 * What people should know of although no lead failed. Ids of Salesforce and names of fields only: a log names no
 * person.
 */
export class Notices {
  private readonly logged: ExpiringCache<true>;

  constructor(private readonly options: NoticesOptions) {
    this.logged = new ExpiringCache(LOGGED_EVERY_MS, SUBJECTS, options.clock);
  }

  batchReduced(object: string, size: number): void {
    if (!this.isNew('batch-reduced', object, String(size))) return;
    this.options.observe('batch-reduced');
    this.options.logger.warn(
      { object, size },
      'A trigger, flow or package of the org does not take larger batches: calls are kept to this size. Correct it, or lower CRM_BATCH_SIZE',
    );
  }

  fieldLeftOut(field: string, reason: string): void {
    this.options.observe('field-left-out');
    if (!this.isNew('field-left-out', field, reason)) return;
    this.options.logger.warn(
      { field, reason },
      'The org does not take this value of a lead: the lead is written without the field',
    );
  }

  /** @param by what names the user. */
  ownerInactive(userId: string | null, by: 'assignment rule' | 'field map'): void {
    this.options.observe('assignment-skipped');
    if (!this.isNew('assignment-skipped', userId ?? '', by)) return;
    this.options.logger.error(
      { userId, by },
      'The owner that Leads should get is inactive or may not read them: they are created without this owner. Correct the assignment and assign them',
    );
  }

  /** @param code of the org's answer. */
  ownerRefused(ownerId: string, code: string): void {
    this.options.observe('owner-refused');
    if (!this.isNew('owner-refused', ownerId, code)) return;
    this.options.logger.error(
      { ownerId, code },
      'Salesforce refuses the owner by the routing rules: the lead gets another one. Activate the user, or take it out of the rules',
    );
  }

  membershipMissing(campaign: string, reason: string): void {
    this.options.observe('membership-missing');
    if (!this.isNew('membership-missing', campaign, reason)) return;
    this.options.logger.error(
      { campaign, reason },
      'Leads are written without a membership: correct the campaign, then run `crm memberships`',
    );
  }

  otherPerson(recordId: string): void {
    this.options.observe('other-person');
    if (!this.isNew('other-person', recordId, '')) return;
    this.options.logger.warn(
      { recordId },
      'Salesforce takes a lead for a duplicate of a record that belongs to another person; that record is not changed',
    );
  }

  private isNew(kind: CrmNotice, subject: string, reason: string): boolean {
    const key = `${kind} ${subject} ${reason}`;
    if (this.logged.get(key)) return false;
    this.logged.set(key, true);
    this.options.record({ kind, subject, reason });
    return true;
  }
}
