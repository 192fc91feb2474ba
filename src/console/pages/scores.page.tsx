import type { Calibration } from '../../outcomes/calibrations.repository.js';
import type { Figure, OutcomesReport, RatedBand, SegmentQuality } from '../../outcomes/outcomes-report.js';
import type { Share } from '../../outcomes/statistics/intervals.js';
import { Badge, BandBadge } from '../components/badges.js';
import { Card, Notice, PageHead, Stats } from '../components/blocks.js';
import { BarChart } from '../components/charts.js';
import { ReliabilityChart } from '../components/reliability-chart.js';
import { Table } from '../components/table.js';
import { grouped, Text } from '../components/text.js';
import { Layout, type Viewer } from '../layout.js';

const percent = (share: number | null) => (share === null ? '–' : `${(share * 100).toFixed(1)} %`);
const range = ({ low, high }: { low: number; high: number }) => `${percent(low)} to ${percent(high)}`;
const figure = (of: Figure | null) => (of === null ? '–' : of.value.toFixed(3));
const figureRange = (of: Figure | null) => (of === null ? null : `${of.low.toFixed(3)} to ${of.high.toFixed(3)}`);
const rateRange = (rate: Share) => (rate.value === null ? '–' : range(rate));

const DRIFT_TONES = { none: 'good', some: 'warn', strong: 'bad' } as const;

interface ScoresPageProps {
  viewer: Viewer;
  report: OutcomesReport;
  calibration: Calibration | null;
  targets: readonly string[];
}

/** Conversion by score, how well scores rank and predict, and whether they drift. */
export function ScoresPage({ viewer, report, calibration, targets }: ScoresPageProps) {
  const { overall, target, horizonDays, intervalLevel } = report;
  const drift = report.drift.weeks[0];
  return (
    <Layout title="Scores" section="/console/scores" viewer={viewer}>
      <PageHead
        title="Scores"
        about={`What the first score of a lead was worth: ${target} within ${horizonDays} days. Intervals: ${intervalLevel * 100} %.`}
      >
        <nav class="row push" aria-label="Outcome">
          {targets.map((each) => (
            <a class="button" href={`/console/scores?target=${each}`} aria-current={each === target ? 'page' : undefined}>
              {each}
            </a>
          ))}
          <a class="button" href="/console/scores/trials">
            Trials
          </a>
        </nav>
      </PageHead>
      {overall.enough ? null : (
        <Notice tone="warn" title="Too few outcomes">
          <p>{overall.reason}</p>
          <p>
            Outcomes are read from Salesforce, or sent by <code>POST /ops/outcomes</code> and{' '}
            <code>npx revenueflow outcomes import file.csv</code>.
          </p>
        </Notice>
      )}
      <Stats
        items={[
          {
            label: 'Leads judged',
            value: overall.leads,
            note: `${grouped(report.immature.leads)} more are younger than ${horizonDays} days`,
          },
          { label: 'Conversions', value: overall.conversions, note: rateRange(overall.rate) },
          { label: 'Ranking (AUC)', value: figure(overall.auc), note: figureRange(overall.auc) ?? '0.5 is chance, 1 perfect' },
          { label: 'Error (Brier score)', value: figure(overall.brier), note: figureRange(overall.brier) ?? '0 is perfect' },
          {
            label: 'Drift of 7 days',
            value: drift?.level ? <Badge tone={DRIFT_TONES[drift.level]}>{drift.level}</Badge> : '–',
            note: drift?.index === null || drift === undefined ? null : `index ${drift.index.toFixed(3)}`,
          },
        ]}
      />
      {overall.leads > 0 ? <Charts report={report} /> : null}
      <Bands bands={report.bands} />
      {(
        [
          ['Scorer versions', report.by.scorerVersion],
          ['Campaigns', report.by.campaignId],
          ['Sources', report.by.scoreSource],
        ] as const
      ).map(([caption, rows]) => (rows.length > 0 ? <Segments caption={caption} rows={rows} /> : null))}
      <Card title="Calibration">
        <p>
          {calibration
            ? `Version ${calibration.version} (${calibration.calibrator.method}) is active: ${calibration.fitted.target} within ${calibration.fitted.horizonDays} days.`
            : 'No calibration is active, so journeys show no probability.'}
        </p>
        <p class="muted">
          <code>npx revenueflow outcomes calibration fit</code>, then <code>… calibration activate &lt;version&gt;</code>
        </p>
      </Card>
      {report.notes
        .filter((note) => note !== overall.reason)
        .map((note) => (
          <p class="muted">{note}</p>
        ))}
    </Layout>
  );
}

function Charts({ report }: { report: OutcomesReport }) {
  return (
    <div class="grid-2">
      <Card title="Conversion by decile" aside="the lowest scores first">
        <BarChart
          title="Conversion rate by decile"
          bars={report.deciles.map(({ from, to, rate }) => ({
            label: `${from}–${to}`,
            value: Number(((rate.value ?? 0) * 100).toFixed(1)),
          }))}
          unit="%"
        />
      </Card>
      {report.reliability.length > 0 ? (
        <Card title="Reliability" aside={report.prediction === 'score' ? 'score as a probability' : 'active calibration'}>
          <ReliabilityChart points={report.reliability} />
        </Card>
      ) : null}
    </div>
  );
}

function Bands({ bands }: { bands: RatedBand[] }) {
  return (
    <Table
      caption="Bands"
      columns={[
        { title: 'Band', cell: ({ band }) => <BandBadge band={band} /> },
        { title: 'Scores', cell: ({ from, to }) => `${from}–${to}` },
        { title: 'Leads', cell: ({ leads }) => leads, numeric: true },
        { title: 'Converted', cell: ({ conversions }) => conversions, numeric: true },
        { title: 'Rate', cell: ({ rate }) => percent(rate.value), numeric: true },
        { title: 'Interval', cell: ({ rate }) => rateRange(rate), numeric: true },
      ]}
      rows={bands}
    />
  );
}

function Segments({ caption, rows }: { caption: string; rows: SegmentQuality[] }) {
  return (
    <Table
      caption={caption}
      columns={[
        { title: caption, cell: ({ group }) => <Text value={group} /> },
        { title: 'Leads', cell: ({ leads }) => leads, numeric: true },
        { title: 'Rate', cell: ({ rate }) => percent(rate.value), numeric: true },
        { title: 'Interval', cell: ({ rate }) => rateRange(rate), numeric: true },
        {
          title: 'AUC',
          cell: ({ auc, enough }) => (enough ? `${figure(auc)} (${figureRange(auc)})` : 'not enough to say'),
          numeric: true,
        },
        { title: 'Too young', cell: ({ immature }) => immature, numeric: true },
      ]}
      rows={rows}
    />
  );
}
