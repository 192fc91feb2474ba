import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import { systemClock, type Clock } from '../platform/clock.js';
import type { EnrichmentProvider, WastedCall } from './port.js';

const COOL_DOWN_MS = 15_000;
const MAX_COOL_DOWN_MS = 300_000;

/**
 * Two scorers as one: the second scores what the first cannot. A first scorer that is down, limited or misconfigured is
 * skipped for a while, so that each lead does not wait for its timeout. Where both fail, the first one's error is
 * thrown, since its class decides what happens next.
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
        // A score by rules is provisional where a model was wanted; a second model's score is not.
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
