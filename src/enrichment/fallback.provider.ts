import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import { systemClock, type Clock } from '../platform/clock.js';
import type { EnrichmentProvider, WastedCall } from './port.js';

const COOL_DOWN_MS = 15_000;
const MAX_COOL_DOWN_MS = 300_000;

/**
 * Two scorers as one: what the first cannot score the second does. A first that is down, limited or misconfigured is
 * left alone for a while, so that not every lead waits for its timeout. Where neither can, the first one's error
 * stands, since its reasons decide what happens next.
 */
export class WithSecondary implements EnrichmentProvider {
  readonly name: string;
  private skipUntil = 0;
  private reason: AppError | null = null;

  constructor(
    private readonly first: EnrichmentProvider,
    private readonly second: EnrichmentProvider,
    private readonly clock: Clock = systemClock,
  ) {
    this.name = first.name;
  }

  forget(): void {
    this.first.forget?.();
    this.second.forget?.();
  }

  async score(lead: LeadContent, signal: AbortSignal, wasted?: (call: WastedCall) => void): Promise<Enrichment> {
    const askSecond = (reason: AppError) => this.askSecond(lead, signal, reason, wasted);
    if (this.reason && this.clock.now() < this.skipUntil) return askSecond(this.reason);
    try {
      const enrichment = await this.first.score(lead, signal, wasted);
      this.reason = null;
      return enrichment;
    } catch (error) {
      const reason = AppError.from(error);
      this.remember(reason);
      return askSecond(reason);
    }
  }

  private async askSecond(
    lead: LeadContent,
    signal: AbortSignal,
    reason: AppError,
    wasted?: (call: WastedCall) => void,
  ): Promise<Enrichment> {
    if (signal.aborted) throw reason;
    try {
      const enrichment = await this.second.score(lead, signal, wasted);
      return {
        ...enrichment,
        flags: [...enrichment.flags, `secondary:${reason.code}`],
        // Rules stand in for a model; another model's judgement is as good as the first one's.
        needsRescore: enrichment.scoreSource !== 'ai',
      };
    } catch {
      throw reason;
    }
  }

  private remember(reason: AppError): void {
    if (!['dependency-down', 'rate-limited', 'configuration'].includes(reason.class)) return;
    this.reason = reason;
    this.skipUntil = this.clock.now() + Math.min(reason.retryAfterMs ?? COOL_DOWN_MS, MAX_COOL_DOWN_MS);
  }
}
