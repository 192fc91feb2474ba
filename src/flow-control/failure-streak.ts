const CONSECUTIVE = 5;
/**
 * The threshold while the stage recovers: low enough to spare a downstream that is still down, above a single failure.
 */
const CONSECUTIVE_WHILE_RECOVERING = 3;
/** The probability, at the failure rate before them, below which failures in a row show an outage. */
const IMPLAUSIBLE = 1e-6;
const WINDOW_MS = 10_000;
const WINDOW_CALLS = 10;
const CALLS_KEPT = 100;
/** Where a larger share of the calls fails, the work that succeeds is not worth the load. */
const FAILED_SHARE = 0.8;

/**
 * Decides from this process's last calls whether a downstream is down: more failures in a row than its failure rate
 * explains, or hardly a success. A downstream that fails a part of its calls is not down.
 */
export class FailureStreak {
  private consecutive = 0;
  private calls: { at: number; failed: boolean }[] = [];

  /** @returns whether the downstream counts as down. */
  failed(now: number, recovering = false): boolean {
    this.consecutive++;
    this.note(now, true);
    const failures = this.calls.filter((call) => call.failed).length;
    const all = this.calls.length;
    if (all >= WINDOW_CALLS && failures >= all * FAILED_SHARE) return true;
    if (this.consecutive < (recovering ? CONSECUTIVE_WHILE_RECOVERING : CONSECUTIVE)) return false;
    if (failures === all) return true;
    const rateBefore = (failures - this.consecutive) / (all - this.consecutive);
    return rateBefore ** this.consecutive < IMPLAUSIBLE;
  }

  /** The downstream answered. A refusal of the record counts as an answer. */
  succeeded(now: number): void {
    this.consecutive = 0;
    this.note(now, false);
  }

  reset(): void {
    this.consecutive = 0;
    this.calls = [];
  }

  private note(at: number, failed: boolean): void {
    this.calls.push({ at, failed });
    // Bounds the memory under load. The newest 100 calls are a sufficient sample of the window.
    if (this.calls.length > CALLS_KEPT || this.calls[0]!.at < at - WINDOW_MS) {
      this.calls = this.calls.slice(-CALLS_KEPT).filter((call) => call.at >= at - WINDOW_MS);
    }
  }
}
