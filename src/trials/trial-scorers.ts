import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { EnrichmentProvider, WastedCall } from '../enrichment/port.js';
import { AI_PROVIDERS, openScorer } from '../enrichment/registry.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { rulesIn, type Challenger } from './challenger.js';
import { openChallenger } from './open-challenger.js';
import { ScorerBreaker } from './scorer-breaker.js';
import { CONFIGURED, type ScorerInUse } from './trial-rows.js';
import type { TrialsRepository } from './trials.repository.js';

/** A challenger on trial, with what protects it and us. */
export interface OpenedChallenger {
  provider: EnrichmentProvider;
  breaker: ScorerBreaker;
}

interface TrialScorersOptions {
  config: Config;
  trials: Pick<TrialsRepository, 'champion'>;
  logger: Logger;
  clock: Clock;
}

/**
 * The scorers of a worker process: the one in use, which a promotion replaces while the process runs, and the
 * challengers on trial.
 */
export class TrialScorers {
  /** The scorer in use. Its name and its kind change with a promotion. */
  readonly ai: EnrichmentProvider = new Replaceable(
    () => this.inUse,
    () => this.forget(),
  );
  /** The rules of the profile in use, which rank the leads that wait for a model. */
  readonly heuristic: EnrichmentProvider = new Replaceable(() => this.rules);
  private readonly challengers = new Map<number, OpenedChallenger>();
  private refused: number | undefined;

  private constructor(
    private readonly options: TrialScorersOptions,
    private version: number,
    private inUse: EnrichmentProvider,
    private rules: EnrichmentProvider,
  ) {}

  /** @throws as the scorer of the configuration does. A promoted one that cannot be opened is replaced by it. */
  static async open(options: TrialScorersOptions): Promise<TrialScorers> {
    const { config } = options;
    const scorers = new TrialScorers(options, 0, await openScorer(config), await AI_PROVIDERS['heuristic']!(config));
    // Where the ledger does not answer now, the first poll reads it.
    await scorers.refresh().catch(() => {});
    return scorers;
  }

  /** Puts into use what was promoted or rolled back since. @throws as the ledger does */
  async refresh(): Promise<void> {
    const champion = await this.options.trials.champion();
    if (champion.version === this.version || champion.version === this.refused) return;
    const { logger } = this.options;
    try {
      const [ai, heuristic] = await this.opened(champion);
      // No lead is scored by one of them and ranked by the other: this process does nothing between the two lines.
      this.inUse = ai;
      this.rules = heuristic;
      this.version = champion.version;
      this.refused = undefined;
      logger.info({ version: champion.version, trial: champion.trialId, provider: ai.name }, 'Another scorer is in use');
    } catch (error) {
      this.refused = champion.version;
      logger.error(
        { err: error, version: champion.version },
        'The promoted scorer cannot be opened; the one before stays in use',
      );
    }
  }

  /** The scorer of a challenger, opened once. @throws as the scorer does, e.g. where its key is missing. */
  async challenger(trialId: number, challenger: Challenger): Promise<OpenedChallenger> {
    const known = this.challengers.get(trialId);
    if (known) return known;
    const { config, clock } = this.options;
    const provider = await openChallenger(challenger, config, { fallback: false });
    const opened = { provider, breaker: new ScorerBreaker(clock) };
    this.challengers.set(trialId, opened);
    return opened;
  }

  /** Closes the challengers of trials that have ended. */
  keep(trialIds: readonly number[]): void {
    for (const id of this.challengers.keys()) if (!trialIds.includes(id)) this.challengers.delete(id);
  }

  /** @throws as the scorer does, and where this version cannot read what was promoted. */
  private async opened({ challenger, trialId, unreadable }: ScorerInUse): Promise<[EnrichmentProvider, EnrichmentProvider]> {
    const { config } = this.options;
    if (challenger === null) throw new AppError('CONFIG_INVALID', unreadable);
    if (trialId === CONFIGURED.trialId) return [await openScorer(config), await AI_PROVIDERS['heuristic']!(config)];
    const rules = rulesIn(challenger) ?? undefined;
    return [await openChallenger(challenger, config, { fallback: true }), await AI_PROVIDERS['heuristic']!(config, { rules })];
  }

  /** After the erasure of a person. */
  private forget(): void {
    this.inUse.forget?.();
    for (const { provider } of this.challengers.values()) provider.forget?.();
  }
}

/** A scorer that another one may replace between two calls. */
class Replaceable implements EnrichmentProvider {
  constructor(
    private readonly current: () => EnrichmentProvider,
    readonly forget: () => void = () => current().forget?.(),
  ) {}

  get name(): string {
    return this.current().name;
  }

  get local(): boolean {
    return this.current().local === true;
  }

  score(lead: LeadContent, signal: AbortSignal, wasted?: (call: WastedCall) => void): Promise<Enrichment> {
    return this.current().score(lead, signal, wasted);
  }
}
