import type { DryRun, Score } from '../ops/score/score.schemas.js';
import type { Evidence } from '../domain/enrichment.js';
import { tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import type { DryRunReport } from './score-dry-run.js';

type Mover = DryRun['movers'][number];

/** A score with its evidence, as `score` prints it. */
export function scoreText({
  fitScore,
  band,
  intent,
  confidence,
  reasoning,
  evidence,
  flags,
  scorerVersion,
  profile,
}: Score): string {
  return [
    `Fit ${fitScore} (${band}), intent ${intent} (confidence ${confidence}): ${reasoning}`,
    ...evidence.map(({ signal, points = 0 }) => `  ${signed(points).padStart(4)}  ${signal}`),
    ...(flags.length > 0 ? [`  flags: ${flags.join(', ')}`] : []),
    `Profile ${profile}, version ${scorerVersion}. Nothing was stored.`,
  ].join('\n');
}

export const MOVER_COLUMNS: Column<Mover>[] = [
  { head: 'lead', field: 'leadId', value: ({ leadId }) => leadId, min: 8, rank: 9, isId: true },
  { head: 'campaign', field: 'campaignId', value: ({ campaignId }) => campaignId, min: 8, rank: 3 },
  { head: 'now', field: 'currentScore', value: ({ current }) => current.fitScore, rank: 8 },
  { head: 'band', field: 'currentBand', value: ({ current }) => current.band, rank: 7 },
  { head: 'new', field: 'proposedScore', value: ({ proposed }) => proposed.fitScore, rank: 8 },
  { head: 'new band', field: 'proposedBand', value: ({ proposed }) => proposed.band, rank: 7 },
  { head: 'largest differences', field: 'differences', value: differences, min: 20, rank: 6 },
];

interface BandRow {
  band: keyof DryRun['bands']['current'];
  current: number;
  proposed: number;
}

const BAND_COLUMNS: Column<BandRow>[] = [
  { head: 'band', field: 'band', value: ({ band }) => band, rank: 9 },
  { head: 'now', field: 'current', value: ({ current }) => current, rank: 8 },
  { head: 'new', field: 'proposed', value: ({ proposed }) => proposed, rank: 8 },
  { head: 'change', field: 'change', value: ({ current, proposed }) => signed(proposed - current), rank: 7 },
];

/** Counts per band, moves between bands, and the leads that move most. */
export function dryRunText(report: DryRunReport, width: number): string {
  const { leads, changed, bands, moves, movers, since, isComplete } = report;
  if (leads === 0) return `No lead was received since ${since}.`;
  const rows = (['hot', 'warm', 'cold'] as const).map((band) => ({
    band,
    current: bands.current[band],
    proposed: bands.proposed[band],
  }));
  const moved = moves.reduce((sum, { count }) => sum + count, 0);
  return [
    `${counted(leads, 'lead')} since ${since}${isComplete ? '' : ' (the newest; --limit stopped here)'}: ` +
      `${changed} would get another score, ${moved} another band.`,
    tableOf(BAND_COLUMNS, rows, width),
    ...moves.map(({ from, to, count }) => `${from} to ${to}: ${count}`),
    ...(movers.length > 0 ? ['', 'The largest moves:', tableOf(MOVER_COLUMNS, movers, width)] : []),
    `From ${report.currentVersion} to ${report.proposedVersion}. Nothing was changed.`,
  ].join('\n');
}

const MOST = 3;

/** The reasons that only one side has, or that have other points there. */
function differences({ current, proposed }: Mover): string {
  const points = (list: Evidence[]) => new Map(list.map(({ signal, points: value = 0 }) => [signal, value]));
  const [before, after] = [points(current.evidence), points(proposed.evidence)];
  const changes = [...new Set([...before.keys(), ...after.keys()])]
    .map((signal) => ({ signal, change: (after.get(signal) ?? 0) - (before.get(signal) ?? 0) }))
    .filter(({ change }) => change !== 0)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
    .slice(0, MOST)
    .map(({ signal, change }) => `${signed(change)} ${signal}`);
  return changes.length > 0 ? changes.join('; ') : 'only the limits of the bands';
}

function signed(points: number): string {
  return points > 0 ? `+${points}` : String(points);
}
