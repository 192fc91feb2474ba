import { Inject, Injectable } from '@nestjs/common';
import { bandOf, loadRules, type Band, type Ruleset } from '../enrichment/score-by-rules.js';
import type { Clock } from '../platform/clock.js';
import { withTimeout } from '../platform/concurrency/with-timeout.js';
import type { Config } from '../platform/config/config.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { rulesIn, type Challenger } from './challenger.js';
import { TrialsRepository } from './trials.repository.js';

/** How late a process notices that a profile was promoted or rolled back. */
const KNOWN_FOR_MS = 10_000;
/** The connections of reports may be busy for seconds, and leads that are synced ask for their band. */
const WAIT_MS = 200;

/** Of a score: its band, and the name of the profile whose thresholds give it. */
export interface BandOfScore {
  band: Band | null;
  profile: string;
}

/**
 * The scoring profile in use: that of a promoted challenger, else that of SCORING_PROFILE, also where this version
 * cannot read the promoted one. Where the ledger does not answer soon, the last known one is used.
 */
@Injectable()
export class ActiveProfile {
  private configured: Promise<Ruleset> | undefined;
  private known: { at: number; version: number; rules: Ruleset } | undefined;

  constructor(
    @Inject(TrialsRepository) private readonly trials: Pick<TrialsRepository, 'champion'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SCORING_PROFILE'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A profile file that is wrong stops the start of this process. */
  async onModuleInit(): Promise<void> {
    await this.ofConfiguration();
  }

  async rules(): Promise<Ruleset> {
    const now = this.clock.now();
    const { known } = this;
    if (!known) return this.read(now);
    if (now - known.at < KNOWN_FOR_MS) return known.rules;
    // One caller asks and waits, and the others use what is known.
    known.at = now;
    await withTimeout(this.read(now), WAIT_MS);
    return (this.known ?? known).rules;
  }

  async bandOf(fitScore: number | null): Promise<BandOfScore> {
    const rules = await this.rules();
    return { band: fitScore === null ? null : bandOf(fitScore, rules), profile: rules.profile.name };
  }

  /** Reads the profile anew at the next question, e.g. after a promotion by this process. */
  forget(): void {
    this.known = undefined;
  }

  private async read(now: number): Promise<Ruleset> {
    const { known } = this;
    try {
      const { version, challenger } = await this.trials.champion();
      const rules = known?.version === version ? known.rules : (readable(challenger) ?? (await this.ofConfiguration()));
      this.known = { at: now, version, rules };
      return rules;
    } catch {
      return known?.rules ?? this.ofConfiguration();
    }
  }

  private ofConfiguration(): Promise<Ruleset> {
    this.configured ??= loadRules(this.config.SCORING_PROFILE);
    return this.configured;
  }
}

/** Null where the challenger has no profile, or one that this version cannot read. */
function readable(challenger: Challenger | null): Ruleset | null {
  try {
    return challenger && rulesIn(challenger);
  } catch {
    return null;
  }
}
