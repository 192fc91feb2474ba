import { AppError } from '../../domain/app-error.js';
import type { AcceptedLead, IntakeRepository, LeadToAccept } from '../../ledger/intake.repository.js';
import { Poller } from '../../platform/concurrency/poller.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { Spool } from './spool.js';

const PROBE_EVERY_MS = 500;
/** One log line per interval while storing fails by our own fault: such a fault can meet every lead. */
const FAULT_LOG_INTERVAL_MS = 10_000;

export interface GateTools {
  intake: Pick<IntakeRepository, 'accept' | 'pingAcceptPath'>;
  /** null where there is none: then leads are refused while PostgreSQL is unavailable. */
  spool: Spool | null;
  logger: Logger;
  metrics: Pick<Metrics, 'ledgerAway'>;
}

/**
 * Stores leads in the ledger while PostgreSQL answers, and in the spool while it does not. The first lead that meets an
 * outage switches to the spool, and a probe switches back, so that the leads in between do not each wait for a timeout.
 * Each switch is logged once. A fault of this service is no outage: it diverts only the lead that met it.
 */
export class FailoverLedger {
  private readonly probe: Poller;
  private away = false;
  private stopped = false;
  private nextFaultLog = -Infinity;

  constructor(private readonly tools: GateTools) {
    this.probe = new Poller({ everyMs: PROBE_EVERY_MS, poll: () => this.reopen() });
  }

  /** @throws AppError LEDGER_UNAVAILABLE, LEDGER_OVERLOADED or INVALID_LEAD: the lead was not stored. */
  async accept(lead: LeadToAccept): Promise<AcceptedLead | 'spooled'> {
    if (this.away) {
      return this.spool(lead, new AppError('LEDGER_UNAVAILABLE', 'PostgreSQL does not answer; the lead was not stored.'));
    }
    try {
      return await this.tools.intake.accept(lead);
    } catch (error) {
      const { code } = AppError.from(error);
      if (code === 'UNEXPECTED') return this.divert(lead, error);
      if (code !== 'LEDGER_UNAVAILABLE') throw error;
      this.close(error as AppError);
      return this.spool(lead, error as AppError);
    }
  }

  stop(): void {
    this.stopped = true;
    void this.probe.stop();
  }

  /** The sender must hear 2xx or 503: after a 500 it would not send the lead again. */
  private divert(lead: LeadToAccept, fault: unknown): Promise<'spooled'> {
    if (performance.now() >= this.nextFaultLog) {
      this.nextFaultLog = performance.now() + FAULT_LOG_INTERVAL_MS;
      const destination = this.tools.spool ? 'it goes to the spool' : 'its sender is answered 503';
      this.tools.logger.error(
        { err: fault, leadId: lead.id },
        `A lead cannot be stored, by a fault of this service: ${destination}`,
      );
    }
    const cause = { cause: fault };
    return this.spool(lead, new AppError('LEDGER_UNAVAILABLE', 'A fault of this service; the lead was not stored.', cause));
  }

  private async spool(lead: LeadToAccept, refusal: AppError): Promise<'spooled'> {
    if (!this.tools.spool) throw refusal;
    try {
      await this.tools.spool.write(lead);
      return 'spooled';
    } catch (cause) {
      const message = 'The lead could not be stored, and the spool did not confirm it.';
      throw new AppError('LEDGER_UNAVAILABLE', message, { cause });
    }
  }

  private close(error: AppError): void {
    if (this.away) return;
    this.away = true;
    this.tools.metrics.ledgerAway.set(1);
    this.tools.logger.error(
      { err: error },
      this.tools.spool ? 'PostgreSQL is down: leads go to the spool' : 'PostgreSQL is down: leads are refused with 503',
    );
    if (!this.stopped) this.probe.start(PROBE_EVERY_MS);
  }

  /** One probe. It rejects while PostgreSQL does not answer. */
  private async reopen(): Promise<void> {
    await this.tools.intake.pingAcceptPath();
    void this.probe.stop();
    this.away = false;
    this.tools.metrics.ledgerAway.set(0);
    this.tools.logger.warn('PostgreSQL is back: leads go to the ledger again');
  }
}
