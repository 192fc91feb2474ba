import type { Budget } from '../../ops/budgets.service.js';
import { Badge } from '../components/badges.js';
import { Card, Empty, Live, Notice, PageHead, Stats } from '../components/blocks.js';
import { LineChart, Meter, type Point } from '../components/charts.js';
import { Table } from '../components/table.js';
import { grouped, Text, visibleText } from '../components/text.js';
import { rate, seconds } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';
import type { Problem } from '../problems.js';

export interface StageSummary {
  name: string;
  backlog: number;
  oldestSeconds: number | null;
  perSecond: number | null;
  state: string;
  healthy: boolean;
}

export interface NowView {
  /** False until the first lead has arrived. */
  hasLeads: boolean;
  /** Where POST /leads is, for the first lead. */
  url: string;
  /** POST /leads takes one of WEBHOOK_SECRETS. */
  needsSecret: boolean;
  problems: Problem[];
  slaSeconds: number;
  speedToLead: { count: number; p50: number | null; p95: number | null };
  /** Of the leads of the last hour that are in the CRM or should be. `share`: 0 to 1; null where there are none. */
  inSla: { of: number; share: number | null };
  oldestSeconds: number | null;
  forecastSeconds: number | null;
  arrived: number;
  arrivals: Point[];
  speed: Point[];
  stages: StageSummary[];
  budgets: Budget[];
}

/** Below this share of leads in time the figure is shown as bad. */
const GOOD_SHARE = 0.95;

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
      <Live id="figures">{view.hasLeads ? <Figures view={view} /> : <FirstLead view={view} />}</Live>
    </Layout>
  );
}

function Problems({ problems, hasLeads }: { problems: Problem[]; hasLeads: boolean }) {
  if (problems.length === 0) {
    return hasLeads ? <Notice tone="good" title="Everything works. Nothing waits for a person." /> : null;
  }
  return (
    <>
      {problems.map(({ tone, title, detail, href, link, runbook }) => (
        <Notice tone={tone} title={title} layout="problem-notice">
          <p>
            <Text value={detail} />
          </p>
          <p class="row">
            <a href={href}>{link}</a>
            <a href={`/console/runbook#${runbook}`}>What to do (runbook)</a>
          </p>
        </Notice>
      ))}
    </>
  );
}

function Figures({ view }: { view: NowView }) {
  const waits = view.oldestSeconds !== null && view.oldestSeconds > 0;
  const { share, of } = view.inSla;
  return (
    <>
      <Stats
        items={[
          {
            label: 'In the SLA, last hour',
            value: share === null ? '–' : percent(share),
            note: `of ${grouped(of)} ${of === 1 ? 'lead' : 'leads'} within ${seconds(view.slaSeconds)}`,
            tone: share === null ? undefined : share >= GOOD_SHARE ? 'good' : 'bad',
          },
          { label: 'Speed to lead, median', value: seconds(view.speedToLead.p50), note: `p95 ${seconds(view.speedToLead.p95)}` },
          {
            label: 'Oldest waiting lead',
            value: waits ? seconds(view.oldestSeconds) : 'none',
            note: waits ? 'not in the CRM yet' : 'no lead waits',
            tone: waits && view.oldestSeconds! > view.slaSeconds ? 'bad' : undefined,
          },
          {
            label: 'Backlog is done in',
            value: waits ? seconds(view.forecastSeconds) : '–',
            note: !waits ? 'no lead waits' : view.forecastSeconds === null ? 'no lead moves now' : 'at the present rate',
          },
        ]}
      />
      <div class="grid-2">
        <Card title="Arrivals" aside={`${grouped(view.arrived)} in the last hour, per minute`}>
          <LineChart title="Arrivals per minute" points={view.arrivals} unit="leads" />
        </Card>
        <Card title="Speed to lead" aside="median in seconds, per minute">
          <LineChart title="Median speed to lead" points={view.speed} unit="s" limit={view.slaSeconds} />
        </Card>
      </div>
      <div class={view.budgets.length > 0 ? 'grid-2' : 'stack'}>
        <Table
          caption="Stages"
          layout="dense"
          columns={[
            { title: 'Stage', cell: (stage) => <a href="/console/stages">{stage.name}</a> },
            { title: 'State', cell: (stage) => <Badge tone={stage.healthy ? 'good' : 'bad'}>{stage.state}</Badge> },
            { title: 'Backlog', cell: (stage) => stage.backlog, numeric: true },
            { title: 'Oldest', cell: (stage) => (stage.backlog > 0 ? seconds(stage.oldestSeconds) : '–'), numeric: true },
            { title: 'Leads/s', cell: (stage) => rate(stage.perSecond), numeric: true },
          ]}
          rows={view.stages}
        />
        {view.budgets.length > 0 ? <Budgets budgets={view.budgets} /> : null}
      </div>
    </>
  );
}

function Budgets({ budgets }: { budgets: Budget[] }) {
  return (
    <Card title="Daily budgets">
      {budgets.map(({ name, share, warnFrom, text }) => (
        <div class="budget">
          <span class="row">
            <strong>{name}</strong>
            {share === null ? null : <span class="push">{percent(share)}</span>}
          </span>
          {share === null ? null : <Meter label={`${name}: ${percent(share)}`} share={share} warnFrom={warnFrom ?? 1} />}
          <small class="muted">{text}</small>
        </div>
      ))}
    </Card>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`;
}

function FirstLead({ view: { url, needsSecret } }: { view: NowView }) {
  const secret = needsSecret ? "  -H 'x-webhook-secret: one of WEBHOOK_SECRETS' \\\n" : '';
  return (
    <Empty title="No lead has arrived yet">
      <p>Send the first one:</p>
      <pre>
        {`curl -X POST ${visibleText(url)}/leads \\
${secret}  -H 'content-type: application/json' \\
  -d '{"email": "lead@enterprise.com", "name": "Alex Smith", "campaign_id": "launch_2024"}'`}
      </pre>
      <p>
        Or run <code>npm run demo</code> in the project's folder: it sends 55 sample webhooks. This page shows them within
        seconds.
      </p>
    </Empty>
  );
}
