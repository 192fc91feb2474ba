import { AppError } from '../../domain/app-error.js';
import type { AcceptedLead, IntakeRepository, SpooledLead } from '../../ledger/intake.repository.js';
import type { LeaderLock } from '../../ledger/leader-lock.js';
import type { RejectedRequest, RejectionsRepository } from '../../ledger/rejections.repository.js';
import { Poller } from '../../platform/concurrency/poller.js';
import { mayBeCausedByOneItem } from '../../platform/database/database-errors.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { JobPublisher } from '../../queue/job-publisher.js';
import type { Spool, SpoolEntry } from './spool.js';

const POLL_INTERVAL_MS = 1000;
const CHUNK = 500;
/** The same error is logged again after this: an operator who looks for it must find it. */
const LOG_AGAIN_MS = 60_000;

export interface DrainTools {
  intake: Pick<IntakeRepository, 'acceptSpooled'>;
  rejections: Pick<RejectionsRepository, 'storeRejection'>;
  leaderLock: Pick<LeaderLock, 'runAsLeader'>;
  spool: Spool;
  publisher: Pick<JobPublisher, 'publish'>;
  logger: Logger;
  metrics: Pick<Metrics, 'spoolEntries'>;
}

/**
 * Stores spooled leads in the ledger, oldest first, one process at a time. An entry is removed only after its commit,
 * so a crash in between drains it again, and the ledger recognises it. An entry that cannot be stored becomes a
 * rejection, which an operator corrects and replays, and the entries behind it go on.
 */
export class SpoolDrainer {
  private readonly poller: Poller;
  private logged: { code: string; until: number } | undefined;

  constructor(private readonly tools: DrainTools) {
    this.poller = new Poller({ everyMs: POLL_INTERVAL_MS, poll: (signal) => this.poll(signal) });
  }

  start(): void {
    this.poller.start(POLL_INTERVAL_MS);
  }

  stop(): Promise<void> {
    return this.poller.stop();
  }

  /** One drain, if the spool has entries. The signal ends it after the current chunk. */
  async poll(signal?: AbortSignal): Promise<void> {
    try {
      const size = await this.tools.spool.size();
      this.tools.metrics.spoolEntries.set(size);
      if (size > 0) await this.tools.leaderLock.runAsLeader('drain', () => this.drain(signal));
      this.logged = undefined;
    } catch (error) {
      this.logOnce(AppError.from(error));
    }
  }

  private logOnce(error: AppError): void {
    if (this.logged?.code === error.code && performance.now() < this.logged.until) return;
    this.logged = { code: error.code, until: performance.now() + LOG_AGAIN_MS };
    this.tools.logger.error(
      { err: error },
      'The spool cannot be drained now. Its leads are kept, and it is tried again each second',
    );
  }

  private async drain(signal?: AbortSignal): Promise<void> {
    let count = 0;
    for (;;) {
      const entries = signal?.aborted ? [] : await this.tools.spool.read(CHUNK);
      if (entries.length === 0) break;
      for (const entry of entries) if (!entry.lead) await this.park(unreadable(entry), entry.entry);
      const answers = await this.store(entries.flatMap(({ lead }) => lead ?? []));
      await this.tools.spool.remove(entries.map(({ entry }) => entry));
      for (const { leadId, epoch, jobId, outcome } of answers) {
        if (outcome !== 'duplicate') this.tools.publisher.publish('enrichment', { leadId, epoch, jobId });
      }
      count += answers.length;
    }
    this.tools.metrics.spoolEntries.set(0);
    if (count > 0) this.tools.logger.warn({ count }, 'The spool has been drained into the ledger');
  }

  /**
   * Halves a chunk that fails until the lead that causes it is alone.
   * @throws AppError where the error would meet every lead.
   */
  private async store(leads: SpooledLead[]): Promise<AcceptedLead[]> {
    if (leads.length === 0) return [];
    try {
      return await this.tools.intake.acceptSpooled(leads);
    } catch (error) {
      if (!mayBeCausedByOneItem(error)) throw error;
      if (leads.length === 1) {
        await this.park(refused(leads[0]!, AppError.from(error)), leads[0]!.entry);
        return [];
      }
      const middle = leads.length >> 1;
      return [...(await this.store(leads.slice(0, middle))), ...(await this.store(leads.slice(middle)))];
    }
  }

  private async park(rejected: RejectedRequest, entry: string): Promise<void> {
    const id = await this.tools.rejections.storeRejection(rejected);
    this.tools.logger.error(
      { entry, rejection: id, code: rejected.code },
      'An entry of the spool cannot be stored as a lead; it is kept as a rejection. See `ops rejections`',
    );
  }
}

function unreadable({ text }: SpoolEntry): RejectedRequest {
  const detail = 'An entry of the spool is no lead that this version of the service can read. It was acknowledged to the sender.';
  return { contentType: 'application/json', body: Buffer.from(text), code: 'INVALID_BODY', detail, problems: [] };
}

/** In the form of a webhook, so that it can be replayed with corrections. */
function refused({ emailRaw, campaignId, name, attributes }: SpooledLead, { code, message }: AppError): RejectedRequest {
  const body = JSON.stringify({ ...attributes, email: emailRaw, campaign_id: campaignId, name });
  const detail = `A lead of the spool could not be stored: ${message} It was acknowledged to the sender.`;
  return { contentType: 'application/json', body: Buffer.from(body), code, detail, problems: [] };
}
