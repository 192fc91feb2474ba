import { setImmediate as yieldToEventLoop, setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/app-error.js';
import { bodyMentionsEmail } from './body-mentions-email.js';
import type { Spool } from '../../ingress/spool/spool.js';
import { isEmail, normaliseEmail, personKeyOf } from '../../domain/lead-keys.js';
import { STAGES } from '../../domain/lead-state.js';
import type { SpooledLead } from '../../ledger/intake.repository.js';
import type { AuditLogRepository } from '../../ledger/audit-log.repository.js';
import type { ErasedPerson, ErasuresRepository, Receipt } from '../../ledger/erasures.repository.js';
import type { LeaderLock } from '../../ledger/leader-lock.js';
import type { Rejection, RejectionsRepository } from '../../ledger/rejections.repository.js';
import { withIsoTimes } from '../../platform/iso-times.js';
import { textOfKeptBody } from '../../platform/http/read-kept-body.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Cursor, Page } from '../../platform/database/cursor-pagination.js';
import { withTimeout } from '../../platform/concurrency/with-timeout.js';
import type { QueueBackend } from '../../queue/queue-backend.js';

/** Bounds the memory: a body may have 64 KiB. */
const REJECTIONS_AT_A_TIME = 200;
/** Draining a full spool takes some seconds. */
const DRAINED_WITHIN_MS = 10_000;
const JOBS_WITHIN_MS = 5000;
const POLL_MS = 200;

export interface PeopleTools {
  erasures: Pick<ErasuresRepository, 'erasePerson' | 'exportPerson' | 'findReceipt' | 'recordErasedJobs'>;
  rejections: Pick<RejectionsRepository, 'listRejections'>;
  auditLog: Pick<AuditLogRepository, 'recordAct'>;
  leaderLock: Pick<LeaderLock, 'runAsLeader'>;
  /** null where there is none. */
  spool: Spool | null;
  backend: Pick<QueueBackend, 'queue'>;
  logger: Logger;
  /** How long a run in progress may take to end. */
  graceMs: number;
  /** How long an answer waits for the CRM's part. Workers poll for erasures each second. */
  crmWithinMs: number;
}

/**
 * Export and erasure of all data about a person. A person is an e-mail address: two addresses count as two persons. The
 * CRM is not called from here, since an api loads no CRM client. A worker carries out the CRM's part, and the receipt
 * shows its state. Deleting the mock CRM's rows in the same commit would be shorter. But then the CRM that every test
 * uses would take a different path from real ones.
 */
export class PrivacyService {
  constructor(private readonly tools: PeopleTools) {}

  /** @throws AppError BAD_REQUEST, LEDGER_UNAVAILABLE, QUEUE_UNAVAILABLE (the spool may hold leads of the person) */
  async export(address: string, who: string) {
    const { erasures, auditLog } = this.tools;
    const email = emailOf(address);
    const personKey = personKeyOf(email);
    const [held, spooled] = await Promise.all([erasures.exportPerson(personKey), this.spooledOf(personKey)]);
    const leadIds = held.leads.map((lead) => String(lead['id']));
    const rejections = await this.rejectionsOf(email, leadIds);
    const counts = { leads: held.leads.length, rejections: rejections.length, spool: spooled.length };
    await auditLog.recordAct(who, 'export', counts);
    return {
      email,
      exportedAt: new Date().toISOString(),
      leads: held.leads.map(withIsoTimes),
      rejections: rejections.map((rejection) => ({ ...rejection, body: textOfKeptBody(rejection) })),
      spool: spooled,
      mockCrm: held.mockCrm.map(withIsoTimes),
      outcomes: held.outcomes.map(withIsoTimes),
      marketo: held.marketo.map(withIsoTimes),
      trials: held.trials.map(withIsoTimes),
    };
  }

  /**
   * Erases the person in all stores. A repeated call removes nothing more.
   * @throws AppError as `export`; where the spool did not answer, nothing was erased.
   */
  async erase(address: string, who: string): Promise<Receipt> {
    const email = emailOf(address);
    const personKey = personKeyOf(email);
    const rejections = (await this.rejectionsOf(email, [])).map(({ id }) => id);
    const erased = await this.withDrainLock(async () => {
      const spooled = await this.spooledOf(personKey);
      await this.answering(this.tools.spool?.remove(spooled.map(({ entry }) => entry)));
      const { graceMs } = this.tools;
      return this.tools.erasures.erasePerson({ personKey, rejections, spooled: spooled.length, who, graceMs });
    });
    await this.removeJobs(erased);
    return this.receiptWhenDone(erased.receipt);
  }

  /** @throws AppError NOT_FOUND */
  async receipt(id: string): Promise<Receipt> {
    const receipt = await this.tools.erasures.findReceipt(id);
    if (!receipt) throw new AppError('NOT_FOUND', 'No receipt has this id. POST /ops/people/erase answers it.');
    return receipt;
  }

  /** Blocks the drain during the erasure: a drainer that has read the person's lead would commit it afterwards. */
  private async withDrainLock(work: () => Promise<ErasedPerson>): Promise<ErasedPerson> {
    if (!this.tools.spool) return work();
    let erased: ErasedPerson | undefined;
    const deadline = performance.now() + DRAINED_WITHIN_MS;
    while (performance.now() < deadline) {
      const wasLeader = await this.tools.leaderLock.runAsLeader('drain', async () => {
        erased = await work();
      });
      if (wasLeader) return erased!;
      await sleep(POLL_MS);
    }
    throw new AppError('QUEUE_UNAVAILABLE', 'The spool is being drained. Nothing was erased; ask again in a minute.');
  }

  private async spooledOf(personKey: string): Promise<SpooledLead[]> {
    return (await this.answering(this.tools.spool?.ofPerson(personKey))) ?? [];
  }

  private async answering<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await answer;
    } catch (cause) {
      const message =
        'Redis does not answer, and its spool may hold leads of the person. The ledger was not touched; ask again when it is back.';
      throw new AppError('QUEUE_UNAVAILABLE', message, { cause });
    }
  }

  /**
   * Requests that mention the address or became one of the leads. They are read in pages, since bodies may be large;
   * there are at most ten thousand.
   */
  private async rejectionsOf(email: string, leadIds: string[]): Promise<Rejection[]> {
    const found: Rejection[] = [];
    let after: Cursor | null = null;
    do {
      const page: Page<Rejection> = await this.tools.rejections.listRejections(REJECTIONS_AT_A_TIME, after);
      for (const one of page.items) {
        if (leadIds.includes(one.replayedAs ?? '') || bodyMentionsEmail(one, email)) found.push(one);
        await yieldToEventLoop(); // lets this process answer webhooks between pages
      }
      after = page.next;
    } while (after);
    return found;
  }

  /** Best effort: a job has only an id, and ends at once when its lead is gone. */
  private async removeJobs({ receipt, leads }: ErasedPerson): Promise<void> {
    let jobs = 0;
    const removing = (async () => {
      for (const stage of STAGES) jobs += await this.tools.backend.queue(stage).forget(leads);
      await this.tools.erasures.recordErasedJobs(receipt, jobs);
    })();
    const done = await withTimeout(removing, JOBS_WITHIN_MS).catch(() => false);
    if (!done) this.tools.logger.info({ receipt }, 'The queue did not answer: jobs of the erased leads end by themselves');
  }

  private async receiptWhenDone(id: string): Promise<Receipt> {
    const deadline = performance.now() + this.tools.crmWithinMs;
    for (;;) {
      const receipt = await this.receipt(id);
      if (receipt.crm !== 'pending' || receipt.asked || performance.now() > deadline) return receipt;
      await sleep(POLL_MS);
    }
  }
}

/** @throws AppError BAD_REQUEST, which does not repeat the address. */
function emailOf(address: string): string {
  const email = normaliseEmail(address);
  if (!isEmail(email)) throw new AppError('BAD_REQUEST', 'The field `email` must be the address of one person.');
  return email;
}
