import { Injectable } from '@nestjs/common';
import { bandOf } from '../enrichment/score-by-rules.js';
import { ScoredLeadsRepository, type Candidate, type Place, type ScoredLead } from '../ledger/scored-leads.repository.js';
import { JudgedLeadsRepository } from '../outcomes/judged-leads.repository.js';
import { ActiveProfile } from './active-profile.js';
import { Sample } from './sample.js';
import { isInShare, keptScoreOf, type Trial } from './trial.js';
import { TrialScoresRepository, type NewRow } from './trial-scores.repository.js';
import type { OpenTrial } from './trials.repository.js';

const CANDIDATES_PER_PAGE = 5000;
const LEADS_PER_PAGE = 500;
/** Rows that wait for their score before further live leads are added: a slow challenger queues no more than that. */
const MOST_PENDING = 500;

/** Chooses the leads of a trial. Each step is one transaction, so a process that ends loses and doubles nothing. */
@Injectable()
export class TrialIntake {
  constructor(
    private readonly leads: ScoredLeadsRepository,
    private readonly scores: TrialScoresRepository,
    private readonly judged: JudgedLeadsRepository,
    private readonly profile: ActiveProfile,
  ) {}

  /**
   * Draws the sample of a backtest. A process that ends meanwhile leaves nothing, and the next one draws the same.
   * @param goOn is asked before each page; false ends the selection without a result.
   */
  async select(trial: Trial, goOn: () => Promise<boolean>): Promise<void> {
    const { sample: size, since = new Date(0).toISOString() } = trial.settings;
    const sample = new Sample(size, trial.id);
    let place: Place | null = null;
    do {
      if (!(await goOn())) return;
      const page: { items: Candidate[]; next: Place | null } = await this.leads.candidates(since, place, CANDIDATES_PER_PAGE);
      for (const candidate of await this.grouped(trial, page.items)) sample.add(candidate);
      place = page.next;
    } while (place !== null);
    const ids = sample.take().map(({ id }) => id);
    await this.scores.addSample(trial.id, () => this.rowsOf(ids));
  }

  /** Adds the live leads that reached the CRM since the last call. */
  async follow(trial: OpenTrial): Promise<void> {
    const counts = await this.scores.counts(trial.id);
    const room = trial.settings.sample - counts.rows;
    if (room <= 0 || counts.pending >= MOST_PENDING) return;
    const { items, place } = await this.leads.firstSynced(trial.place, LEADS_PER_PAGE);
    const rows = items.flatMap((lead) => rowOf(trial, lead) ?? []).slice(0, room);
    if (items.length > 0 || trial.state === 'selecting') await this.scores.addLive(trial.id, rows, trial.place, place);
  }

  private async grouped(trial: Trial, candidates: Candidate[]) {
    const { stratify, target, horizonDays } = trial.settings;
    const rules = await this.profile.rules();
    const outcomes = stratify.includes('outcome')
      ? await this.judged.ofPersons(
          candidates.map(({ personKey }) => personKey),
          { target, horizonDays },
        )
      : null;
    return candidates.map((candidate) => ({
      ...candidate,
      group: stratify
        .map((stratum) => {
          if (stratum === 'band') return bandOf(candidate.fitScore, rules);
          return stratum === 'outcome' ? String(outcomes?.get(candidate.id)) : candidate.campaignId;
        })
        .join('\n'),
    }));
  }

  private async *rowsOf(ids: string[]): AsyncGenerator<NewRow[]> {
    for (let from = 0; from < ids.length; from += LEADS_PER_PAGE) {
      const found = await this.leads.ofIds(ids.slice(from, from + LEADS_PER_PAGE));
      yield [...found.values()].map((lead) => challengedRow(lead));
    }
  }
}

function rowOf(trial: Trial, lead: ScoredLead): NewRow | null {
  if (trial.kind === 'shadow')
    return lead.judged && isInShare(trial.id, lead.lead.personKey, trial.settings.share) ? challengedRow(lead) : null;
  const { trial: arm, usage } = lead.enrichment;
  if (arm?.id !== trial.id || arm.arm !== 'challenger') return null;
  if (arm.failed !== undefined)
    return { ...challengedRow(lead), champion: lead.judged ? keptScoreOf(lead.enrichment) : null, error: arm.failed };
  if (!lead.judged) return null;
  return {
    ...challengedRow(lead),
    side: 'champion',
    champion: null,
    challenger: keptScoreOf(lead.enrichment),
    tokens: usage ? usage.inputTokens + usage.outputTokens : 0,
    costUsd: usage?.costUsd ?? 0,
  };
}

/** The lead has the champion's score; the trial makes the challenger's. */
function challengedRow({ lead, enrichment, firstContent }: ScoredLead): NewRow {
  return {
    leadId: lead.id,
    personKey: lead.personKey,
    revision: lead.revision,
    firstContent,
    side: 'challenger',
    champion: keptScoreOf(enrichment),
    challenger: null,
    error: null,
    tokens: 0,
    costUsd: 0,
  };
}
