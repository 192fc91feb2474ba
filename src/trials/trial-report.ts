import { Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { bandOf, BANDS, type Band, type Ruleset } from '../enrichment/score-by-rules.js';
import { JudgedLeadsRepository } from '../outcomes/judged-leads.repository.js';
import { ActiveProfile } from './active-profile.js';
import { rulesIn } from './challenger.js';
import { compareOutcomes, type OutcomeComparison } from './statistics/compare-outcomes.js';
import {
  addPair,
  leadsIn,
  meanDifference,
  pairsOf,
  rankCorrelation,
  type PairedOutcomes,
  type PairedScores,
} from './statistics/paired-scores.js';
import { NOT_ITS_ERRORS, type RuleFacts } from './stop-rules.js';
import type { Trial } from './trial.js';
import { TrialFiguresRepository, type Mover, type TrialSums } from './trial-figures.repository.js';

/** The figures of a trial, without leads: what is kept when its rows are gone. */
export interface TrialFigures {
  pending: number;
  /** Leads that both sides scored: all figures are about them. */
  scored: number;
  failed: number;
  errors: { code: string; leads: number }[];
  agreement: {
    sameBand: number | null;
    sameIntent: number | null;
    meanDifference: number | null;
    rankCorrelation: number | null;
  };
  /** Leads by the band of the champion and of the challenger, each with the thresholds of its profile. */
  bands: { champion: Band; challenger: Band; leads: number }[];
  costUsdPerLead: { champion: number | null; challenger: number | null };
  tokens: number;
  tookMs: TrialSums['tookMs'];
  /** Leads whose text gives orders, and answers of either side that obeyed one. */
  injections: { attempts: number; championObeyed: number; challengerObeyed: number };
  versions: TrialSums['versions'];
  outcomes: OutcomeComparison;
}

/** Compares both sides of a trial. */
@Injectable()
export class TrialReport {
  constructor(
    private readonly figures: TrialFiguresRepository,
    private readonly judged: JudgedLeadsRepository,
    private readonly profile: ActiveProfile,
  ) {}

  async figuresOf(trial: Trial): Promise<TrialFigures> {
    const sums = await this.figures.sums(trial.id);
    const errors = await this.figures.errors(trial.id);
    const pairs = await this.pairsOf(trial);
    const champion = await this.profile.rules();
    const bands = bandTable(pairs, champion, rulesIn(trial.challenger) ?? champion);
    const leads = leadsIn(pairs);
    const same = bands.reduce((sum, cell) => sum + (cell.champion === cell.challenger ? cell.leads : 0), 0);
    return {
      pending: sums.pending,
      scored: sums.scored,
      failed: sums.failed,
      errors,
      agreement: {
        sameBand: share(same, leads),
        sameIntent: share(sums.sameIntent, sums.scored),
        meanDifference: meanDifference(pairs),
        rankCorrelation: rankCorrelation(pairs),
      },
      bands,
      costUsdPerLead: {
        champion: share(sums.costUsd.champion, sums.scored),
        challenger: share(sums.costUsd.challenger, sums.answered + sums.failed),
      },
      tokens: sums.tokens,
      tookMs: sums.tookMs,
      injections: {
        attempts: sums.steered,
        championObeyed: sums.injected.champion,
        challengerObeyed: sums.injected.challenger,
      },
      versions: sums.versions,
      outcomes: await compareOutcomes(await this.outcomesOf(trial)),
    };
  }

  /** At the end of a trial. Null where this version cannot read the profile of the challenger: it ends all the same. */
  async lastFiguresOf(trial: Trial): Promise<TrialFigures | null> {
    try {
      return await this.figuresOf(trial);
    } catch (cause) {
      if (AppError.from(cause).code === 'BAD_REQUEST') return null;
      throw cause;
    }
  }

  movers(trial: Trial): Promise<Mover[]> {
    return this.figures.movers(trial.id);
  }

  /** What the stop rules look at. @param compare null where the outcomes are not to be read now. */
  async factsOf(
    trial: Trial,
    compare: ((outcomes: PairedOutcomes) => Promise<OutcomeComparison | null>) | null,
  ): Promise<RuleFacts> {
    const { scored, answered, injected, costUsd } = await this.figures.sums(trial.id);
    const errors = await this.figures.errors(trial.id);
    const champion = await this.profile.rules();
    const bands = bandTable(await this.pairsOf(trial), champion, rulesIn(trial.challenger) ?? champion);
    return {
      kind: trial.kind,
      scored,
      answered,
      failed: errors.reduce((sum, { code, leads }) => sum + (NOT_ITS_ERRORS.includes(code) ? 0 : leads), 0),
      otherBand: bands.reduce((sum, cell) => sum + (cell.champion === cell.challenger ? 0 : cell.leads), 0),
      injected: injected.challenger,
      costUsd: costUsd.challenger,
      outcomes: compare === null || trial.kind === 'backtest' ? null : await compare(await this.outcomesOf(trial)),
    };
  }

  private async pairsOf(trial: Trial): Promise<PairedScores> {
    const pairs: PairedScores = new Map();
    for (const { champion, challenger, leads } of await this.figures.cells(trial.id)) addPair(pairs, champion, challenger, leads);
    return pairs;
  }

  private async outcomesOf({ id, settings }: Trial): Promise<PairedOutcomes> {
    const outcomes: PairedOutcomes = { converted: new Map(), others: new Map() };
    for await (const page of this.figures.pairs(id)) {
      const known = await this.judged.ofPersons(
        page.map(({ personKey }) => personKey),
        settings,
      );
      for (const { leadId, champion, challenger } of page) {
        const converted = known.get(leadId);
        if (converted !== undefined) addPair(converted ? outcomes.converted : outcomes.others, champion, challenger);
      }
    }
    return outcomes;
  }
}

function bandTable(pairs: PairedScores, champion: Ruleset, challenger: Ruleset): TrialFigures['bands'] {
  const counts = new Map<string, number>();
  for (const pair of pairsOf(pairs)) {
    const key = `${bandOf(pair.champion, champion)} ${bandOf(pair.challenger, challenger)}`;
    counts.set(key, (counts.get(key) ?? 0) + pair.leads);
  }
  return BANDS.flatMap((from) =>
    BANDS.map((to) => ({ champion: from, challenger: to, leads: counts.get(`${from} ${to}`) ?? 0 })),
  );
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
