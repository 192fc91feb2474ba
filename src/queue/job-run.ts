import type { LeadReference } from '../domain/lead-jobs.js';
import type { JobLead, LeadHandler, LeadOutcome } from './job.js';

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
  private readonly waiting: JobLead[] = [];
  /** Leads that run or wait for their turn. */
  private working: number;
  /** Ends the waits. A lead may wait hundreds of times in a run, so none of them is kept. */
  private readonly waits = new Set<() => void>();
  private fault: unknown;

  constructor(
    private readonly leads: JobLead[],
    private readonly options: JobRunOptions,
  ) {
    this.working = leads.length;
  }

  /**
   * @returns the leads that wait, each with the end of its wait.
   * @throws the first fault of the handler, after all leads have ended.
   */
  async run(): Promise<JobLead[]> {
    // The job came back when the first of its leads was due, by the clock of another machine perhaps.
    const dueBy = Math.max(Date.now(), Math.min(...this.leads.map(({ notBefore = 0 }) => notBefore)));
    await Promise.all(this.leads.map((lead) => this.bringForward(lead, dueBy)));
    if (this.fault) throw this.fault;
    return this.waiting;
  }

  private async bringForward({ notBefore = 0, ...lead }: JobLead, dueBy: number): Promise<void> {
    let waitsUntil = notBefore > dueBy ? notBefore : null;
    for (;;) {
      if (waitsUntil !== null && !(await this.comesDue(waitsUntil))) {
        return void this.waiting.push({ ...lead, notBefore: waitsUntil });
      }
      const delayMs = await this.waitOf(lead);
      this.options.ended(delayMs === null);
      if (delayMs === null) return this.stopWorking();
      waitsUntil = Date.now() + delayMs;
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

  /** False where all other leads end before that time, or the process stops. */
  private async comesDue(time: number): Promise<boolean> {
    this.stopWorking();
    if (this.working === 0 || this.options.stopping()) return false;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.waits.delete(end);
        resolve();
      };
      const timer = setTimeout(end, time - Date.now());
      this.waits.add(end);
    });
    if (this.working === 0) return false;
    this.working++;
    return true;
  }

  private stopWorking(): void {
    if (--this.working === 0) for (const end of this.waits) end();
  }
}
