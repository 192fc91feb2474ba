import type { LeadReference } from '../domain/lead-jobs.js';
import type { LeadHandler, LeadOutcome } from './job.js';

/** A lead that stays in its job, and the wait before it may run again. */
export interface LeadThatWaits {
  lead: LeadReference;
  delayMs: number;
}

export interface JobRunOptions {
  handler: LeadHandler;
  /** Runs a lead when it is its turn. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Called each time a lead ends a run, with whether it is settled. */
  ended(settled: boolean): void;
  /** True once the process stops: leads that have not begun stay in the job. */
  stopping(): boolean;
  signal: AbortSignal;
}

/**
 * Brings the leads of one job forward, each by itself. A lead that waits runs again after its delay while another lead
 * of the job still runs; a slow lead therefore holds up no other. When only leads that wait are left, the job ends with
 * them.
 */
export class JobRun {
  private readonly waiting: LeadThatWaits[] = [];
  /** Leads that run or wait for their turn. */
  private working: number;
  private end!: () => void;
  private readonly ended = new Promise<void>((resolve) => (this.end = resolve));
  private fault: unknown;

  constructor(
    private readonly leads: LeadReference[],
    private readonly options: JobRunOptions,
  ) {
    this.working = leads.length;
  }

  /** @returns the leads that wait. @throws the first fault of the handler, after all leads have ended. */
  async run(): Promise<LeadThatWaits[]> {
    await Promise.all(this.leads.map((lead) => this.bringForward(lead)));
    if (this.fault) throw this.fault;
    return this.waiting;
  }

  private async bringForward(lead: LeadReference): Promise<void> {
    for (;;) {
      const delayMs = await this.waitOf(lead);
      this.options.ended(delayMs === null);
      if (--this.working === 0) this.end();
      if (delayMs === null) return;
      const again = !this.options.stopping() && (await this.passes(delayMs));
      if (!again || this.working === 0) return void this.waiting.push({ lead, delayMs });
      this.working++;
    }
  }

  /** Runs the lead once. @returns its wait; null where it is settled. */
  private async waitOf(lead: LeadReference): Promise<number | null> {
    const { inTurn, handler, stopping, signal } = this.options;
    try {
      const outcome = await inTurn<LeadOutcome>(async () =>
        stopping() ? { kind: 'wait', delayMs: 0 } : await handler(lead, signal),
      );
      return outcome.kind === 'wait' ? outcome.delayMs : null;
    } catch (fault) {
      // A mistake of ours. The job fails when the others have ended, and the sweeper enqueues the lead again.
      this.fault ??= fault;
      return null;
    }
  }

  /** False where all other leads end before the delay has passed. */
  private async passes(delayMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<true>((resolve) => (timer = setTimeout(() => resolve(true), delayMs)));
    const result = await Promise.race([passed, this.ended.then(() => false as const)]);
    clearTimeout(timer);
    return result;
  }
}
