import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/app-error.js';
import type { AcceptedLead, LeadToAccept } from '../../ledger/intake.repository.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { Spool } from './spool.js';

const PROBE_EVERY_MS = 500;

export interface GateTools {
  ledger: Pick<Ledger, 'accept' | 'pingAcceptPath'>;
  /** null where there is none: then leads are refused while the ledger is away. */
  spool: Spool | null;
  logger: Logger;
  metrics: Pick<Metrics, 'ledgerAway'>;
}

/**
 * The ledger while it answers, the spool while it does not. It switches by itself, both ways, and says so once: the first lead
 * that the ledger does not take closes the gate, and a probe opens it again, so that the leads in between do not wait for a
 * timeout each.
 */
export class FailoverLedger {
  private away = false;
  private stopped = false;

  constructor(private readonly tools: GateTools) {}

  /** @throws AppError LEDGER_UNAVAILABLE or LEDGER_OVERLOADED: the lead is not durable anywhere. */
  async accept(lead: LeadToAccept): Promise<AcceptedLead | 'spooled'> {
    if (this.away) return this.spool(lead, new AppError('LEDGER_UNAVAILABLE', 'PostgreSQL is away; the lead was not taken.'));
    try {
      return await this.tools.ledger.accept(lead);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'LEDGER_UNAVAILABLE') throw error;
      this.close(error);
      return this.spool(lead, error);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private async spool(lead: LeadToAccept, refusal: AppError): Promise<'spooled'> {
    if (!this.tools.spool) throw refusal;
    try {
      await this.tools.spool.write(lead);
      return 'spooled';
    } catch (cause) {
      throw new AppError('LEDGER_UNAVAILABLE', 'PostgreSQL is away, and the spool did not confirm the lead: it was not taken.', {
        cause,
      });
    }
  }

  private close(error: AppError): void {
    if (this.away) return;
    this.away = true;
    this.tools.metrics.ledgerAway.set(1);
    this.tools.logger.error(
      { err: error },
      this.tools.spool ? 'PostgreSQL is away: leads go to the spool' : 'PostgreSQL is away: leads are refused with 503',
    );
    void this.probe();
  }

  private async probe(): Promise<void> {
    while (!this.stopped) {
      await sleep(PROBE_EVERY_MS);
      const back = await this.tools.ledger.pingAcceptPath().then(
        () => true,
        () => false,
      );
      if (!back) continue;
      this.away = false;
      this.tools.metrics.ledgerAway.set(0);
      this.tools.logger.warn('PostgreSQL is back: leads go to the ledger again');
      return;
    }
  }
}
