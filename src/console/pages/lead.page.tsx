import type { ComponentChildren } from 'preact';
import type { Evidence, TrialArm } from '../../domain/enrichment.js';
import type { Intent } from '../../domain/intent.js';
import type { LeadState } from '../../domain/lead-state.js';
import type { Journey } from '../../ops/leads.service.js';
import { Action } from '../components/form.js';
import { Badge, BandBadge, IntentBadge, StateBadge, type Band } from '../components/badges.js';
import { Card, Facts, Live, Notice, PageHead } from '../components/blocks.js';
import { Meter } from '../components/charts.js';
import { Crm, Sent, type CrmPlace, type SentRecord } from '../components/crm-records.js';
import { FirstTouch } from '../components/first-touch.js';
import { Table } from '../components/table.js';
import { Text } from '../components/text.js';
import { duration, Time } from '../components/time.js';
import { Timeline, type TimelineItem } from '../components/timeline.js';
import { Waterfall } from '../components/waterfall.js';
import type { LeadRouting } from '../../ops/routing/routing.schemas.js';
import { Layout, type Viewer } from '../layout.js';
import { RoutingCard } from './routing.page.js';

export interface LeadView {
  id: string;
  state: LeadState;
  revision: number;
  name: string | null;
  email: string;
  company: string | null;
  campaignId: string;
  attributes: [string, string][];
  /** How many further attributes the lead has. */
  moreAttributes: number;
  /** Personal data is masked until the viewer asks for it. */
  masked: boolean;
  fitScore: number | null;
  band: Band | null;
  /** The scoring profile whose thresholds give the band. */
  profile: string;
  trial: TrialArm | null;
  intent: Intent | null;
  confidence: number | null;
  reasoning: string | null;
  evidence: Evidence[];
  scoreSource: string | null;
  flags: string[];
  /** The score stands in for a better one, or a new one was requested. */
  needsRescore: boolean;
  probability: { value: number; calibration: number } | null;
  outcomes: { kind: string; at: string; amount: number | null; currency: string | null; source: string }[];
  crm: CrmPlace | null;
  next: { what: string; at: string | null } | null;
  lastError: { code: string; message: string; answer: string | null; remedy: string } | null;
  speedToLeadMs: number | null;
  timeline: TimelineItem[];
  routing: LeadRouting;
  firstTouch: Journey['firstTouch'];
  sent: SentRecord[];
}

export function LeadPage({ viewer, view, notice }: { viewer: Viewer; view: LeadView; notice?: ComponentChildren }) {
  const path = `/console/leads/${view.id}`;
  return (
    <Layout
      title={view.masked ? 'Lead' : (view.name ?? view.email)}
      section="/console/leads"
      viewer={viewer}
      command={`npx revenueflow leads get ${view.id}`}
    >
      <PageHead title={view.name ?? view.email} about={<Subtitle view={view} />}>
        <StateBadge state={view.state} />
        <span class="row push">
          <Actions view={view} viewer={viewer} path={path} />
        </span>
      </PageHead>
      {notice}
      {view.masked ? (
        <Notice tone="plain" title="Personal data is masked.">
          <form method="post" action={`${path}/show`} class="inline">
            <input type="hidden" name="formToken" value={viewer.formToken} />
            <button>Show it (the audit log records this)</button>
          </form>
        </Notice>
      ) : null}
      <Live id="state">
        <StateNotice view={view} now={viewer.now} />
      </Live>
      <div class="grid-main">
        <div class="stack">
          <Live id="score">
            <Card title="Score">
              <Score view={view} />
            </Card>
          </Live>
          <Live id="timeline">
            <Card
              title="Timeline"
              aside={view.speedToLeadMs === null ? null : `in the CRM after ${duration(view.speedToLeadMs)}`}
            >
              <Timeline items={view.timeline} now={viewer.now} />
            </Card>
            <Outcomes view={view} viewer={viewer} />
          </Live>
        </div>
        <div class="stack">
          <Card title="Person and campaign" aside={`revision ${view.revision}`}>
            <Facts
              items={[
                ['E-mail', <Text value={view.email} />],
                ['Name', <Text value={view.name} />],
                ['Campaign', <Text value={view.campaignId} />],
                ...view.attributes.map(([name, value]): [string, ComponentChildren] => [
                  name,
                  <Text value={value} limit={400} />,
                ]),
                ['', view.moreAttributes > 0 ? `and ${view.moreAttributes} more attributes` : null],
              ]}
            />
          </Card>
          <Live id="routing">{view.routing ? <RoutingCard routing={view.routing} viewer={viewer} /> : null}</Live>
          <Live id="first-touch">
            <FirstTouch clocks={view.firstTouch} viewer={viewer} />
          </Live>
          <Live id="crm">
            {view.crm ? <Crm crm={view.crm} /> : null}
            {view.sent.map((record) => (
              <Sent record={record} now={viewer.now} />
            ))}
          </Live>
        </div>
      </div>
      {viewer.canAct ? <Erase viewer={viewer} path={path} /> : null}
    </Layout>
  );
}

function Subtitle({ view }: { view: LeadView }) {
  return (
    <>
      {view.company ? (
        <>
          <Text value={view.company} />
          {' · '}
        </>
      ) : null}
      {'campaign '}
      <Text value={view.campaignId} />
    </>
  );
}

function Outcomes({ view, viewer }: { view: LeadView; viewer: Viewer }) {
  if (view.outcomes.length === 0) return null;
  return (
    <Card title="What became of the person">
      <Table
        caption="Outcomes"
        columns={[
          { title: 'Outcome', cell: ({ kind }) => kind },
          { title: 'When', cell: ({ at }) => <Time at={at} now={viewer.now} /> },
          { title: 'Amount', cell: ({ amount, currency }) => amountText(amount, currency), numeric: true },
          { title: 'Source', cell: ({ source }) => <Text value={source} /> },
        ]}
        rows={view.outcomes}
      />
    </Card>
  );
}

function amountText(amount: number | null, currency: string | null): string {
  return amount === null ? '–' : [amount, currency].filter((part) => part !== null).join(' ');
}

function Actions({ view, viewer, path }: { view: LeadView; viewer: Viewer; path: string }) {
  return (
    <>
      {view.crm?.href ? (
        <a class="button" href={view.crm.href} rel="noreferrer">
          Open in Salesforce
        </a>
      ) : null}
      {view.state === 'synced' ? (
        <Action viewer={viewer} to={`${path}/rescore`}>
          Re-score
        </Action>
      ) : null}
      {view.state === 'dead' ? (
        <>
          {viewer.canAct ? (
            <a class="button" href={`/console/dead-letters/${view.id}`}>
              Edit and replay
            </a>
          ) : null}
          <Action viewer={viewer} to={`${path}/replay`} tone="primary">
            Replay
          </Action>
        </>
      ) : null}
    </>
  );
}

function StateNotice({ view, now }: { view: LeadView; now: Date }) {
  return (
    <>
      {view.lastError && view.state !== 'synced' ? (
        <Notice tone={view.state === 'dead' ? 'bad' : 'warn'} title={view.lastError.code}>
          <p>
            <Text value={view.lastError.message} />
          </p>
          {view.lastError.answer ? (
            <p>
              It answered: <Text value={view.lastError.answer} />
            </p>
          ) : null}
          <p>{view.lastError.remedy}</p>
        </Notice>
      ) : null}
      {view.next ? (
        <Notice title="What happens next">
          <p>
            <Text value={view.next.what} />
            {view.next.at ? (
              <>
                {' '}
                (<Time at={view.next.at} now={now} format="relative" />)
              </>
            ) : null}
          </p>
        </Notice>
      ) : null}
    </>
  );
}

function armText({ id, arm, failed }: TrialArm): string {
  return failed === undefined ? `trial ${id}: ${arm}` : `trial ${id}: champion, since the challenger failed (${failed})`;
}

function Score({ view }: { view: LeadView }) {
  if (view.fitScore === null) return <p class="muted">Not scored yet.</p>;
  return (
    <>
      <div class="score">
        <strong class="score-number">{view.fitScore}</strong>
        <div>
          <span class="row">
            {view.band ? <BandBadge band={view.band} /> : null}
            <span>
              Intent <IntentBadge intent={view.intent} />
            </span>
            <span class="muted">{`by ${view.scoreSource}, confidence ${Math.round((view.confidence ?? 0) * 100)} %`}</span>
            <span class="muted">
              scoring profile <Text value={view.profile} />
            </span>
            {view.trial ? <Badge>{armText(view.trial)}</Badge> : null}
            {view.probability ? (
              <span class="muted">
                {`${(view.probability.value * 100).toFixed(1)} % convert (calibration ${view.probability.calibration})`}
              </span>
            ) : null}
            {view.needsRescore ? <Badge tone="warn">a better score follows</Badge> : null}
          </span>
          <Meter label={`${view.fitScore} of 100`} share={view.fitScore / 100} warnFrom={2} />
        </div>
      </div>
      <p>
        <Text value={view.reasoning} />
      </p>
      {view.evidence.length > 0 ? <Waterfall evidence={view.evidence} total={view.fitScore} /> : null}
      {view.flags.length > 0 ? (
        <p class="row">
          {view.flags.map((flag) => (
            <Badge tone="warn">{flag}</Badge>
          ))}
        </p>
      ) : null}
    </>
  );
}

function Erase({ viewer, path }: { viewer: Viewer; path: string }) {
  return (
    <details class="erase">
      <summary>Erase this person</summary>
      <form method="post" action={`${path}/erase`} class="card">
        <input type="hidden" name="formToken" value={viewer.formToken} />
        <p>
          Deletes all leads of this person, the refused requests that name them, and the person's record in the CRM. It cannot be
          undone.
        </p>
        <label class="field">
          <span>Type the person's e-mail address to confirm</span>
          <input name="email" type="email" required autoComplete="off" />
        </label>
        <div>
          <button class="danger">Erase this person</button>
        </div>
      </form>
    </details>
  );
}
