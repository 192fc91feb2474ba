import type { OutcomesReport, Quality, RatedBin, SegmentQuality } from '../outcomes/outcomes-report.js';
import type { Share } from '../outcomes/statistics/intervals.js';
import { pairsTable, tableOf, type Column } from './format-table.js';

const percent = (value: number | null) => (value === null ? '-' : `${(value * 100).toFixed(1)} %`);
const between = ({ low, high }: { low: number; high: number }) => `${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)} %`;
const figure = (of: { value: number; low: number; high: number } | null) =>
  of === null ? '-' : `${of.value.toFixed(3)} (${of.low.toFixed(3)}–${of.high.toFixed(3)})`;
const rate = (share: Share) => (share.value === null ? '-' : `${percent(share.value)} (${between(share)})`);

interface BinRow extends RatedBin {
  group: string;
}

export const BIN_COLUMNS: Column<BinRow>[] = [
  { head: 'group', field: 'group', value: ({ group }) => group, rank: 3 },
  { head: 'scores', field: 'scores', value: ({ from, to }) => `${from}–${to}`, rank: 10 },
  { head: 'leads', field: 'leads', value: ({ leads }) => leads, rank: 8 },
  { head: 'converted', field: 'conversions', value: ({ conversions }) => conversions, rank: 7 },
  { head: 'rate', field: 'rate', value: (bin) => bin.rate.value, cell: (bin) => rate(bin.rate), rank: 9 },
  { head: 'low', field: 'low', value: (bin) => bin.rate.low, rank: -1 },
  { head: 'high', field: 'high', value: (bin) => bin.rate.high, rank: -1 },
];

export function binRowsOf({ bands, deciles }: OutcomesReport): BinRow[] {
  return [
    ...bands.map(({ band, ...bin }) => ({ group: band, ...bin })),
    ...deciles.map((bin, index) => ({ group: `decile ${index + 1}`, ...bin })),
  ];
}

const SEGMENT_COLUMNS: Column<SegmentQuality>[] = [
  { head: 'group', field: 'group', value: ({ group }) => group, min: 10, rank: 10 },
  { head: 'leads', field: 'leads', value: ({ leads }) => leads, rank: 8 },
  { head: 'rate', field: 'rate', value: (row) => row.rate.value, cell: (row) => rate(row.rate), rank: 9 },
  { head: 'AUC', field: 'auc', value: (row) => row.auc?.value, cell: (row) => figure(row.auc), rank: 7 },
  { head: 'too young', field: 'immature', value: ({ immature }) => immature, rank: 3 },
];

const SEGMENT_NAMES = { scorerVersion: 'scorer version', campaignId: 'campaign', scoreSource: 'source' } as const;

/** What the scores were worth, for a terminal. */
export function outcomesText(report: OutcomesReport, width = Infinity): string {
  const { target, horizonDays, overall, intervalLevel, capacity, lift, drift, notes } = report;
  const recent = drift.weeks[0];
  return [
    `Leads that were ${target} within ${horizonDays} days of their first score. Intervals: ${intervalLevel * 100} %.`,
    pairsTable(['figure', 'value'], qualityPairs(overall), width),
    tableOf(BIN_COLUMNS, binRowsOf(report), width),
    ...lift.map(
      ({ topShare, conversionShare, lift: times }) =>
        `The top ${percent(topShare)} of the scores hold ${percent(conversionShare)} of the conversions (${times.toFixed(1)} times the average).`,
    ),
    ...Object.entries(SEGMENT_NAMES).flatMap(([segment, name]) => {
      const rows = report.by[segment as keyof typeof SEGMENT_NAMES];
      return rows.length === 0 ? [] : [`By ${name}:`, tableOf(SEGMENT_COLUMNS, rows, width)];
    }),
    ...(recent?.level ? [`Drift of the scores of the last 7 days: ${recent.index!.toFixed(3)} (${recent.level}).`] : []),
    ...(capacity ? [capacityText(capacity)] : []),
    ...notes,
  ].join('\n');
}

function qualityPairs(quality: Quality): [string, string][] {
  return [
    ['leads', String(quality.leads)],
    ['conversions', `${quality.conversions}, ${rate(quality.rate)}`],
    ['AUC', figure(quality.auc)],
    ['Brier score', figure(quality.brier)],
  ];
}

function capacityText({ leadsPerDay, score }: { leadsPerDay: number; score: number | null }): string {
  return score === null
    ? `No score gives at most ${leadsPerDay} leads a day.`
    : `From score ${score} on come at most ${leadsPerDay} leads a day.`;
}
