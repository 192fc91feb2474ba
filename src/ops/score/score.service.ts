import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { IntakeNote, Lead, LeadContent } from '../../domain/lead.js';
import { bandOf, BANDS, rulesOfRequest, scoreByRules, type Band, type Ruleset } from '../../enrichment/score-by-rules.js';
import { parseLead } from '../../ingress/parse-lead.js';
import { LeadsRepository } from '../../ledger/leads.repository.js';
import { decodeCursor, encodeCursor } from '../../platform/database/cursor-pagination.js';
import { ActiveProfile } from '../../trials/active-profile.js';
import { MAX_MOVERS, scoreSchema, type DryRun, type DryRunRequest, type Score } from './score.schemas.js';

/** Leads that are scored before other requests get a turn: about 10 ms. */
const SLICE = 25;

/** Scores leads by the rules without storing anything. A model is never asked, so a preview costs nothing. */
@Injectable()
export class ScoreService {
  constructor(
    @Inject(ActiveProfile) private readonly profile: Pick<ActiveProfile, 'rules'>,
    private readonly leads: LeadsRepository,
  ) {}

  /**
   * @param body a lead, or `{lead, profile?}`, as it was parsed from the request.
   * @throws AppError INVALID_LEAD as a webhook would get it; BAD_REQUEST where the profile is wrong.
   */
  async preview(body: unknown, notes: IntakeNote[] | undefined): Promise<Score> {
    const { lead, profile } = unwrapped(body);
    const rules = profile === undefined ? await this.profile.rules() : rulesOfRequest(profile, 'profile');
    const scored = scoreByRules(parseLead(lead, notes), rules);
    return scoreSchema.parse({ ...scored, band: bandOf(scored.fitScore, rules), profile: rules.profile.name });
  }

  /** One page of the leads since a time, scored by the active profile and by a proposed one. */
  async dryRun({ profile, since, limit, cursor }: DryRunRequest): Promise<DryRun> {
    const proposed = rulesOfRequest(profile, 'profile');
    const active = await this.profile.rules();
    const page = await this.leads.listLeads({ from: since }, limit, cursor === undefined ? null : decodeCursor(cursor));
    const result: DryRun = {
      leads: page.items.length,
      changed: 0,
      bands: { current: { cold: 0, warm: 0, hot: 0 }, proposed: { cold: 0, warm: 0, hot: 0 } },
      moves: [],
      movers: [],
      currentVersion: active.version,
      proposedVersion: proposed.version,
      nextCursor: page.next ? encodeCursor(page.next) : null,
    };
    const moves = new Map<string, number>();
    for (const [at, lead] of page.items.entries()) {
      if (at % SLICE === SLICE - 1) await nextTurn();
      const mover = { ...headOf(lead), current: sideOf(lead, active), proposed: sideOf(lead, proposed) };
      const [before, after] = [mover.current, mover.proposed];
      result.bands.current[before.band]++;
      result.bands.proposed[after.band]++;
      if (before.fitScore !== after.fitScore) result.changed++;
      if (before.band === after.band) continue;
      const move = `${before.band} ${after.band}`;
      moves.set(move, (moves.get(move) ?? 0) + 1);
      result.movers.push(mover);
    }
    result.movers.sort((a, b) => distance(b) - distance(a)).splice(MAX_MOVERS);
    result.moves = [...moves].map(([move, count]) => {
      const [from, to] = move.split(' ') as [Band, Band];
      return { from, to, count };
    });
    result.moves.sort((a, b) => BANDS.indexOf(a.from) - BANDS.indexOf(b.from) || BANDS.indexOf(a.to) - BANDS.indexOf(b.to));
    return result;
  }
}

const distance = ({ current, proposed }: DryRun['movers'][number]) => Math.abs(proposed.fitScore - current.fitScore);

function headOf({ id, campaignId, receivedAt }: Lead) {
  return { leadId: id, campaignId, receivedAt };
}

function sideOf(lead: LeadContent, rules: Ruleset) {
  const { fitScore, intent, evidence } = scoreByRules(lead, rules);
  return { fitScore, band: bandOf(fitScore, rules), intent, evidence };
}

/** A body whose only fields are `lead` and `profile` is a lead beside a profile; each other body is the lead. */
function unwrapped(body: unknown): { lead: unknown; profile?: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { lead: body };
  const { lead, profile, ...others } = body as Record<string, unknown>;
  const isWrapped = typeof lead === 'object' && lead !== null && Object.keys(others).length === 0;
  return isWrapped ? { lead, profile } : { lead: body };
}
