import type { z } from 'zod';
import type { trialListSchema, trialReportSchema } from '../ops/trials/trials.schemas.js';
import { pairsTable, tableOf, type Column } from './format-table.js';

type List = z.output<typeof trialListSchema>;
type Trial = List['items'][number];
type Report = z.output<typeof trialReportSchema>;
type Mover = Report['movers'][number];
type Figures = NonNullable<Report['figures']>;
type Compared = Figures['outcomes']['auc'];

const percent = (value: number | null) => (value === null ? '-' : `${(value * 100).toFixed(1)} %`);
const decimal = (value: number | null, digits = 3) => (value === null ? '-' : value.toFixed(digits));

/** What a challenger has other than the configuration, in a few words. */
export function challengerText(challenger: Trial['challenger']): string {
  if (challenger === null) return 'cannot be read';
  const { provider, model, profile, instructions } = challenger;
  const parts = [
    ...(provider === undefined ? [] : [model === undefined ? provider : `${provider} ${model}`]),
    ...(provider === undefined && model !== undefined ? [`model ${model}`] : []),
    ...(profile === undefined ? [] : [`profile ${typeof profile['name'] === 'string' ? profile['name'] : 'without a name'}`]),
    ...(instructions === undefined ? [] : [`a prompt of ${instructions.length} characters`]),
  ];
  return parts.length === 0 ? 'the scorer of the configuration' : parts.join(', ');
}

export const TRIAL_COLUMNS: Column<Trial>[] = [
  { head: 'trial', field: 'id', value: ({ id }) => id, rank: 10 },
  { head: 'kind', field: 'kind', value: ({ kind }) => kind, rank: 9 },
  { head: 'state', field: 'state', value: ({ state }) => state, rank: 9 },
  { head: 'challenger', field: 'challenger', value: ({ challenger }) => challengerText(challenger), min: 12, rank: 8 },
  { head: 'started', field: 'createdAt', value: ({ createdAt }) => createdAt, rank: 5 },
  { head: 'by', field: 'who', value: ({ who }) => who, min: 4, rank: 4 },
  { head: 'reason', field: 'reason', value: ({ unreadable, reason, note }) => unreadable ?? reason ?? note, min: 12, rank: 6 },
];

export const MOVER_COLUMNS: Column<Mover>[] = [
  { head: 'lead', field: 'leadId', value: ({ leadId }) => leadId, min: 8, rank: 9, isId: true },
  { head: 'now', field: 'champion', value: ({ champion }) => champion.fitScore, rank: 8 },
  { head: 'new', field: 'challenger', value: ({ challenger }) => challenger.fitScore, rank: 8 },
  { head: 'why now', field: 'championEvidence', value: ({ champion }) => reasonsOf(champion), min: 16, rank: 7 },
  { head: 'why new', field: 'challengerEvidence', value: ({ challenger }) => reasonsOf(challenger), min: 16, rank: 7 },
];

const REASONS_SHOWN = 3;

/** The reasons that weigh most, the base left out. */
function reasonsOf({ evidence }: Mover['champion']): string {
  return evidence
    .filter(({ signal }) => signal !== 'base score')
    .toSorted((a, b) => Math.abs(b.points ?? 0) - Math.abs(a.points ?? 0))
    .slice(0, REASONS_SHOWN)
    .map(({ signal, points }) => (points === undefined ? signal : `${points > 0 ? '+' : ''}${points} ${signal}`))
    .join('; ');
}

export function championText({ version, trialId, challenger, unreadable, who }: List['champion']): string {
  if (trialId === null) return 'In use: the scorer of the configuration.';
  if (unreadable !== null)
    return `Promoted by ${who}: the challenger of trial ${trialId} (version ${version}). ${unreadable} Workers keep the scorer before it.`;
  return `In use: ${challengerText(challenger)} (trial ${trialId}, version ${version}, promoted by ${who}).`;
}

export function listText({ champion, items }: List, width = Infinity): string {
  const trials = items.length === 0 ? 'There are no trials.' : tableOf(TRIAL_COLUMNS, items, width);
  return [trials, championText(champion)].join('\n');
}

/** What a trial shows, for a terminal. */
export function trialText(report: Report, width = Infinity): string {
  const { id, kind, state, challenger, unreadable, reason, lastError, figures, movers, injections, settings } = report;
  const head = `Trial ${id}, a ${kind}, is ${state}${reason === null ? '' : `: ${reason}`}`;
  if (unreadable !== null || settings === null) return `${head}\n${unreadable}`;
  return [
    head,
    `Challenger: ${challengerText(challenger)}.`,
    ...(lastError === null ? [] : [`The challenger cannot be asked now: ${lastError}.`]),
    ...(figures === null ? ['Its scores were removed.'] : figureLines(figures, settings, width)),
    ...(injections === null ? [] : [`Attacks: ${injections.raised} of ${injections.tried} raised its score.`]),
    ...(movers.length === 0 ? [] : ['The leads that move most:', tableOf(MOVER_COLUMNS, movers, width)]),
  ].join('\n');
}

interface BandRow {
  from: string;
  cold: number;
  warm: number;
  hot: number;
}

const BAND_COLUMNS: Column<BandRow>[] = [
  { head: 'now', field: 'from', value: ({ from }) => from, rank: 9 },
  { head: 'new: hot', field: 'hot', value: ({ hot }) => hot, rank: 8 },
  { head: 'new: warm', field: 'warm', value: ({ warm }) => warm, rank: 8 },
  { head: 'new: cold', field: 'cold', value: ({ cold }) => cold, rank: 8 },
];

function figureLines(figures: Figures, { target, horizonDays }: NonNullable<Trial['settings']>, width: number): string[] {
  const { scored, pending, failed, errors, agreement, costUsdPerLead, tookMs, tokens, injections, outcomes } = figures;
  const leads = (from: string, to: string) =>
    figures.bands.find((cell) => cell.champion === from && cell.challenger === to)?.leads ?? 0;
  const rows = ['hot', 'warm', 'cold'].map((from) => ({
    from,
    cold: leads(from, 'cold'),
    warm: leads(from, 'warm'),
    hot: leads(from, 'hot'),
  }));
  const codes = errors.map(({ code, leads: count }) => `${code} ${count}`).join(', ');
  const pairs: [string, string][] = [
    ['leads', `${scored} scored, ${pending} to do, ${failed} failed${codes === '' ? '' : ` (${codes})`}`],
    ['same band', percent(agreement.sameBand)],
    ['same intent', percent(agreement.sameIntent)],
    ['mean difference', `${decimal(agreement.meanDifference, 1)} points`],
    ['rank correlation', decimal(agreement.rankCorrelation)],
    ['cost per lead', `${decimal(costUsdPerLead.champion, 6)} now, ${decimal(costUsdPerLead.challenger, 6)} new (USD)`],
    ['time per lead', `p50 ${decimal(tookMs.p50, 0)} ms, p95 ${decimal(tookMs.p95, 0)} ms; ${tokens} tokens`],
    ['orders in texts', `${injections.attempts}; obeyed by ${injections.championObeyed} now, ${injections.challengerObeyed} new`],
    [`${target} in ${horizonDays} days`, `${outcomes.conversions} of ${outcomes.leads} leads: ${outcomes.verdict}`],
    ['AUC', comparedText(outcomes.auc)],
    ['Brier score', comparedText(outcomes.brier)],
  ];
  return [pairsTable(['figure', 'value'], pairs, width), 'Leads by band:', tableOf(BAND_COLUMNS, rows, width)];
}

function comparedText(compared: Compared): string {
  if (compared === null) return '-';
  const { champion, challenger, difference } = compared;
  const between = `${difference.low.toFixed(3)} to ${difference.high.toFixed(3)}`;
  return `${champion.toFixed(3)} now, ${challenger.toFixed(3)} new, difference ${difference.value.toFixed(3)} (${between})`;
}
