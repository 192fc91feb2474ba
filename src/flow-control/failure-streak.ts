const CONSECUTIVE = 5;
/** While the stage starts again: soon enough not to hurt a downstream that is still down, and not at each hiccup. */
const CONSECUTIVE_WHILE_RECOVERING = 3;
const WINDOW_MS = 10_000;
const WINDOW_CALLS = 10;

/** What this process saw of a downstream lately: enough failures in a row, or a majority of failures, mean that it is down. */
export class FailureStreak {
  private consecutive = 0;
  private calls: { at: number; failed: boolean }[] = [];

  /** @returns whether the downstream counts as down from here on. */
  failed(now: number, recovering = false): boolean {
    this.consecutive++;
    this.note(now, true);
    const failures = this.calls.filter((call) => call.failed).length;
    return (
      this.consecutive >= (recovering ? CONSECUTIVE_WHILE_RECOVERING : CONSECUTIVE) ||
      (this.calls.length >= WINDOW_CALLS && failures * 2 >= this.calls.length)
    );
  }

  /** The downstream answered, be it with a refusal of the record. */
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
    // Bounded also under load: the newest hundred say as much as all of ten seconds.
    if (this.calls.length > 100 || this.calls[0]!.at < at - WINDOW_MS) {
      this.calls = this.calls.slice(-100).filter((call) => call.at >= at - WINDOW_MS);
    }
  }
}
