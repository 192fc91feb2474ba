import { Badge } from '../components/badges.js';
import { Card, Empty, Live, PageHead, Stats } from '../components/blocks.js';
import { BarChart, type Bar } from '../components/charts.js';
import { Table } from '../components/table.js';
import { grouped, Text } from '../components/text.js';
import { seconds } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

export interface SlaView {
  minutes: number;
  windows: { minutes: number; label: string }[];
  slaSeconds: number;
  count: number;
  speedToLead: Percentiles;
  breaches: { total: number; causes: { cause: string; count: number }[] };
  histogram: Bar[];
  stages: { name: string; percentiles: Percentiles; backlog: number; heldBackBy: string | null }[];
  campaigns: { campaignId: string; count: number; late: number; waiting: number; dead: number; p95: number | null }[];
  /** How many of the leads that wait are counted by campaign; null: all. */
  waitingCounted: number | null;
}

export function SlaPage({ viewer, view }: { viewer: Viewer; view: SlaView }) {
  return (
    <Layout title="SLA" section="/console/sla" viewer={viewer}>
      <PageHead
        title="SLA"
        about={`Speed to lead: from receipt to the first arrival in the CRM. Limit: ${seconds(view.slaSeconds)}.`}
      >
        <nav class="row push" aria-label="Window">
          {view.windows.map(({ minutes, label }) => (
            <a
              class="button"
              href={`/console/sla?minutes=${minutes}`}
              aria-current={minutes === view.minutes ? 'page' : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
      </PageHead>
      <Live id="sla">
        <Stats
          items={[
            { label: 'Leads in the CRM', value: view.count },
            { label: 'Median', value: seconds(view.speedToLead.p50) },
            { label: '95th percentile', value: seconds(view.speedToLead.p95) },
            { label: '99th percentile', value: seconds(view.speedToLead.p99), note: `longest ${seconds(view.speedToLead.max)}` },
            {
              label: 'Late or waiting too long',
              value: view.breaches.total,
              tone: view.breaches.total > 0 ? 'bad' : undefined,
            },
          ]}
        />
        {view.count === 0 && view.breaches.total === 0 ? (
          <Empty title="No lead reached the CRM in this window">
            <p>Choose a longer one, or look at what waits on Stages.</p>
          </Empty>
        ) : (
          <Details view={view} />
        )}
      </Live>
    </Layout>
  );
}

function Details({ view }: { view: SlaView }) {
  return (
    <>
      <div class="grid-2">
        <Card title="Distribution" aside="leads by speed to lead">
          <BarChart title="Leads by speed to lead" bars={view.histogram} unit="leads" />
        </Card>
        <Card title="Breaches by cause">
          {view.breaches.total === 0 ? (
            <p class="muted">None in this window.</p>
          ) : (
            <Table
              caption="Breaches by cause"
              columns={[
                { title: 'Cause', cell: (row) => row.cause },
                { title: 'Leads', cell: (row) => row.count, numeric: true },
              ]}
              rows={view.breaches.causes}
            />
          )}
        </Card>
      </div>
      <Table
        caption="Stages"
        columns={[
          { title: 'Stage', cell: (stage) => stage.name },
          { title: 'p50', cell: (stage) => seconds(stage.percentiles.p50), numeric: true },
          { title: 'p95', cell: (stage) => seconds(stage.percentiles.p95), numeric: true },
          { title: 'p99', cell: (stage) => seconds(stage.percentiles.p99), numeric: true },
          { title: 'Backlog', cell: (stage) => stage.backlog, numeric: true },
          {
            title: 'Stopped by',
            cell: (stage) => (stage.heldBackBy ? <Badge tone="bad">{stage.heldBackBy}</Badge> : <span class="muted">–</span>),
          },
        ]}
        rows={view.stages}
      />
      {view.campaigns.length > 0 ? (
        <Table
          caption="Campaigns"
          columns={[
            { title: 'Campaign', cell: (row) => <Text value={row.campaignId} /> },
            { title: 'In the CRM', cell: (row) => row.count, numeric: true },
            { title: 'Late', cell: (row) => row.late, numeric: true },
            { title: 'Still waiting', cell: (row) => row.waiting, numeric: true },
            { title: 'Dead letters', cell: (row) => row.dead, numeric: true },
            { title: 'p95', cell: (row) => seconds(row.p95), numeric: true },
          ]}
          rows={view.campaigns}
        />
      ) : null}
      {view.campaigns.length > 0 && view.waitingCounted !== null ? (
        <p class="muted">{`Of the leads that wait, ${grouped(view.waitingCounted)} chosen at random are counted by campaign.`}</p>
      ) : null}
    </>
  );
}
