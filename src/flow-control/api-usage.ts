import type { Clock } from '../platform/clock.js';
import type { FlowControlRepository } from './flow-control.repository.js';

const WRITE_EVERY_MS = 5000;

/**
 * Records which share of a downstream's daily calls is used, at most every five seconds. So processes that make no
 * calls can show it. A write that fails is left out: the next answer brings a newer share.
 */
export class ApiUsageRecorder {
  private writtenAt = -Infinity;

  constructor(
    private readonly api: string,
    private readonly store: Pick<FlowControlRepository, 'recordApiUsage'>,
    private readonly clock: Clock,
  ) {}

  /** `share`: 0 to 1, as the downstream's answer says. */
  observe(share: number): void {
    const now = this.clock.now();
    if (now - this.writtenAt < WRITE_EVERY_MS) return;
    this.writtenAt = now;
    void this.store.recordApiUsage(this.api, share).catch(() => {});
  }
}
