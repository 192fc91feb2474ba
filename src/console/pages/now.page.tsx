import { Badge } from '../components/badges.js';
import { Card, Empty, Live, Notice, PageHead, Stats, type NoticeTone } from '../components/blocks.js';
import { LineChart, type Point } from '../components/charts.js';
import { Table } from '../components/table.js';
import { seconds } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

/** Something that a person should look at, with the section of the runbook that says what to do. */
export interface Problem {
  tone: NoticeTone;
  title: string;
  detail: string;
  runbook: string;
}

export interface StageSummary {
  name: string;
  backlog: number;
  oldestSeconds: number | null;
  perSecond: number | null;
  state: string;
  healthy: boolean;
}

export interface Budget {
  name: string;
  /** 0 to 1 of what may be used today; null where there is no limit. */
  used: number | null;
  text: string;
}

export interface NowView {
  /** False until the first lead has arrived. */
  hasLeads: boolean;
  /** Where POST /leads is, for the first lead. */
  url: string;
  problems: Problem[];
  slaSeconds: number;
  speedToLead: { count: number; p50: number | null; p95: number | null };
  inSla: number | null;
  oldestSeconds: number | null;
  forecastSeconds: number | null;
  arrivals: Point[];
  speed: Point[];
  stages: StageSummary[];
  budgets: Budget[];
}

export function NowPage({ viewer, view }: { viewer: Viewer; view: NowView }) {
  return (
    <Layout title="Now" section="/console" viewer={viewer}>
      <PageHead
        title="Now"
        about={`Do leads reach the CRM within ${seconds(view.slaSeconds)}, and does anything need a person?`}
      />
      <Live id="problems">
        <Problems problems={view.problems} hasLeads={view.hasLeads} />
      </Live>
      {view.hasLeads ? <Figures view={view} /> : <FirstLead url={view.url} />}
    </Layout>
  );
}

function Problems({ problems, hasLeads }: { problems: Problem[]; hasLeads: boolean }) {
  if (problems.length === 0 && hasLeads) return <Notice tone="good" title="Everything works. Nothing waits for a person." />;
  return (
    <>
      {problems.map(({ tone, title, detail, runbook }) => (
        <Notice tone={tone} title={title}>
          <p>
            {detail} <a href={`/console/runbook#${runbook}`}>What to do</a>
          </p>
        </Notice>
      ))}
    </>
  );
}

function Figures({ view }: { view: NowView }) {
  return (
    <Live id="figures">
      <Stats
        items={[
          {
            label: 'In the SLA, last hour',
            value: view.inSla === null ? '–' : `${(view.inSla * 100).toFixed(1).replace(/\.0$/, '')} %`,
            note: `of ${view.speedToLead.count} leads within ${seconds(view.slaSeconds)}`,
          },
          { label: 'Speed to lead, median', value: seconds(view.speedToLead.p50), note: `p95 ${seconds(view.speedToLead.p95)}` },
          { label: 'Oldest waiting lead', value: seconds(view.oldestSeconds), note: 'not in the CRM yet' },
          { label: 'Backlog is done in', value: seconds(view.forecastSeconds), note: 'at the present rate' },
        ]}
      />
      <div class="grid-2">
        <Card title="Arrivals" aside="leads a minute, last hour">
          <LineChart title="Arrivals" points={view.arrivals} unit="leads/min" />
        </Card>
        <Card title="Speed to lead" aside="median in seconds, last hour">
          <LineChart title="Speed to lead" points={view.speed} unit="s" />
        </Card>
      </div>
      <Table
        caption="Stages"
        columns={[
          { title: 'Stage', cell: (stage) => <a href="/console/stages">{stage.name}</a> },
          { title: 'State', cell: (stage) => <Badge tone={stage.healthy ? 'good' : 'bad'}>{stage.state}</Badge> },
          { title: 'Backlog', cell: (stage) => stage.backlog, numeric: true },
          { title: 'Oldest', cell: (stage) => seconds(stage.oldestSeconds), numeric: true },
          { title: 'Leads/s', cell: (stage) => stage.perSecond ?? '–', numeric: true },
        ]}
        rows={view.stages}
      />
      {view.budgets.length > 0 ? (
        <Card title="Budgets today">
          {view.budgets.map(({ name, used, text }) => (
            <label class="field">
              <span>{`${name}: ${text}`}</span>
              {used === null ? null : <progress max="1" value={Math.min(1, used)} />}
            </label>
          ))}
        </Card>
      ) : null}
    </Live>
  );
}

function FirstLead({ url }: { url: string }) {
  return (
    <Empty title="No lead has arrived yet">
      <p>Send the first one, or run npm run demo in the project's folder:</p>
      <pre>
        {`curl -X POST ${url}/leads \\
  -H 'content-type: application/json' \\
  -d '{"email": "lead@enterprise.com", "name": "Alex Smith", "campaign_id": "launch_2024"}'`}
      </pre>
      <p>This page shows it within seconds.</p>
    </Empty>
  );
}
