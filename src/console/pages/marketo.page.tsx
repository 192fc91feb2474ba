import type { ComponentChildren } from 'preact';
import type { MarketoReport } from '../../ops/marketo/marketo.service.js';
import { Action } from '../components/form.js';
import { Badge } from '../components/badges.js';
import { Card, Empty, Facts, Live, Notice, PageHead, Stats } from '../components/blocks.js';
import { Table, type Column } from '../components/table.js';
import { grouped, Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

type WriteBack = MarketoReport['writeBack'];
type Reconciliation = MarketoReport['reconciliation'];
type Window = Reconciliation['windows'][number];
type Missing = Reconciliation['missingCalls'][number];
interface PageProps {
  viewer: Viewer;
  report: MarketoReport;
}

const SECTION = '/console/marketo';
const SAMPLE = 5;
/** Above so many the number is typed. */
const TYPED_ABOVE = 100;
const MODES = {
  off: 'Nothing is compared by itself: MARKETO_WEBHOOK is not set, or MARKETO_RECONCILE is off.',
  report: 'Calls that never arrived are counted, and taken in when an operator asks for it.',
  repair: 'Calls that never arrived are taken in by themselves.',
};

/** Both directions: scores on their way to Marketo, and its log of webhook calls beside the ledger. */
export function MarketoPage({ viewer, report }: PageProps) {
  const { configured, writeBack, reconciliation } = report;
  if (!configured && reconciliation.windows.length === 0 && writeBack.owed + writeBack.sent === 0) {
    return (
      <Layout title="Marketo" section={SECTION} viewer={viewer}>
        <PageHead title="Marketo" about="Scores are written to Marketo, and its log of webhook calls is compared." />
        <Empty title="Marketo is not connected">
          <p>
            Set MARKETO_BASE_URL and MARKETO_WEBHOOK in every process, then run <code>npx revenueflow marketo check</code>.
          </p>
        </Empty>
      </Layout>
    );
  }
  return (
    <Layout title="Marketo" section={SECTION} viewer={viewer}>
      <PageHead title="Marketo" about={MODES[reconciliation.mode]} />
      <Live id="marketo">
        <Stats
          items={[
            {
              label: 'Calls that never arrived',
              value: reconciliation.missing,
              note: 'of the last 7 days',
              tone: reconciliation.missing > 0 ? 'bad' : 'good',
            },
            { label: 'Compared until', value: <Time at={reconciliation.comparedUntil} now={viewer.now} format="relative" /> },
            { label: 'Scores owed', value: writeBack.owed, note: owedSince(writeBack, viewer) },
            {
              label: 'Not written',
              value: writeBack.skipped + writeBack.dead,
              note: `${writeBack.skipped} skipped, ${writeBack.dead} refused`,
              tone: writeBack.dead > 0 ? 'bad' : undefined,
            },
          ]}
        />
        <MissingCalls viewer={viewer} reconciliation={reconciliation} />
        <div class="grid-2">
          <Task title="Write-back" about="writes scores" stage={writeBack.stage} viewer={viewer}>
            <Facts
              items={[
                ['Owed', writeBack.owed],
                ['Written so far', writeBack.sent],
                ['Fields to clear', writeBack.erasures > 0 ? `of ${writeBack.erasures} erased people` : null],
                ['Calls so far', writeBack.stage.calls],
                ['Calls of the day', quotaOf(writeBack)],
              ]}
            />
          </Task>
          <Task title="Comparison" about="reads the log of webhook calls" stage={reconciliation.stage} viewer={viewer}>
            <Facts
              items={[
                ['Webhook', reconciliation.webhook ? <Text value={reconciliation.webhook} /> : 'not named: set MARKETO_WEBHOOK'],
                ['Mode', reconciliation.mode],
                ['Windows until', <Time at={reconciliation.comparedUntil} now={viewer.now} />],
                ['Whole days until', <Time at={reconciliation.extractedUntil} now={viewer.now} />],
                ['Calls so far', reconciliation.stage.calls],
              ]}
            />
          </Task>
        </div>
        {writeBack.notWritten.length > 0 ? <NotWritten items={writeBack.notWritten} /> : null}
        {reconciliation.windows.length > 0 ? (
          <Card title="Windows" aside="newest first">
            <Table caption="Windows of the comparison" columns={windowColumns(viewer)} rows={reconciliation.windows} />
          </Card>
        ) : null}
      </Live>
    </Layout>
  );
}

/** What a repair would take in, before anything happens. */
export function MarketoRepairPage({ viewer, report, problem }: PageProps & { problem: string | null }) {
  const { missing, missingCalls } = report.reconciliation;
  return (
    <Layout title="Take in missing calls" section={SECTION} viewer={viewer}>
      <PageHead
        title="Take in missing calls"
        about="Reads these people from Marketo and takes their leads in. Nothing has happened yet."
      />
      {problem ? <Notice tone="bad" title={problem} /> : null}
      <form method="post" action="/console/marketo/repair/start" class="card">
        <input type="hidden" name="formToken" value={viewer.formToken} />
        <p>
          {`${missing} webhook calls of Marketo's log are not in the ledger. A lead that arrived meanwhile is not taken in twice. `}
          Calls of more than 8 days ago stay as they are: who was erased before that is not known.
        </p>
        {missing > TYPED_ABOVE ? (
          <label class="field">
            <span>{`Type ${missing} to confirm`}</span>
            <input name="count" inputMode="numeric" pattern="[0-9]+" required autoComplete="off" />
          </label>
        ) : (
          <input type="hidden" name="count" value={missing} />
        )}
        <div class="row">
          {missing > 0 ? <button class="primary">{`Take in ${missing}`}</button> : null}
          <a href={SECTION}>Cancel</a>
        </div>
      </form>
      <Table caption="Sample" columns={missingColumns(viewer)} rows={missingCalls.slice(0, SAMPLE)} />
    </Layout>
  );
}

/** Whether a repair that an operator asked for is under way. */
export function isRepairing({ windows }: Reconciliation): boolean {
  return windows.some(({ state, mode, requestedBy }) => state === 'open' && mode === 'repair' && requestedBy !== null);
}

function MissingCalls({ viewer, reconciliation }: { viewer: Viewer; reconciliation: Reconciliation }) {
  const { missing, missingCalls } = reconciliation;
  if (missing === 0) return null;
  const running = isRepairing(reconciliation);
  return (
    <Card title="Calls that never arrived" aside={`${missingCalls.length} of ${missing}, newest first`}>
      {running ? <Notice title="A repair is running" /> : null}
      <Table caption="Calls that never arrived" columns={missingColumns(viewer)} rows={missingCalls} />
      {running ? null : (
        <div>
          <Action viewer={viewer} to="/console/marketo/repair" tone="primary">{`Repair ${missing}`}</Action>
        </div>
      )}
    </Card>
  );
}

interface TaskProps {
  title: string;
  about: string;
  stage: WriteBack['stage'];
  viewer: Viewer;
  children: ComponentChildren;
}

function Task({ title, about, stage: { name, paused, pausedBy, breaker }, viewer, children }: TaskProps) {
  return (
    <Card title={title} aside={about}>
      <p class="row">
        <Badge tone={paused ? 'warn' : 'good'}>{paused ? 'paused' : 'running'}</Badge>
        <Badge tone={breaker.open ? 'bad' : 'good'}>{breaker.open ? 'breaker open' : 'breaker closed'}</Badge>
      </p>
      {pausedBy ? (
        <p>
          {'Paused by '}
          <Text value={pausedBy} />
        </p>
      ) : null}
      {breaker.open && breaker.code ? (
        <Notice tone="bad" title={breaker.code}>
          <p>
            <Text value={breaker.problem ?? ''} />
          </p>
          <p>
            {'Next call '}
            <Time at={breaker.nextCallAt} now={viewer.now} format="relative" />
          </p>
        </Notice>
      ) : null}
      {children}
      <div>
        <Action viewer={viewer} to={`${SECTION}/${name}/${paused ? 'resume' : 'pause'}`} tone={paused ? 'primary' : 'danger'}>
          {paused ? `Resume ${name}` : `Pause ${name}`}
        </Action>
      </div>
    </Card>
  );
}

function NotWritten({ items }: { items: WriteBack['notWritten'] }) {
  return (
    <Card title="People who were not written">
      <Table
        caption="People who were not written"
        columns={[
          { title: 'Why', cell: ({ code }) => <code>{code ?? 'a newer lead of the same person'}</code> },
          { title: 'State', cell: ({ state }) => state },
          { title: 'People', numeric: true, cell: ({ count }) => count },
          { title: 'What to do', cell: ({ remedy }) => <Text value={remedy ?? 'Nothing to do.'} /> },
        ]}
        rows={items}
      />
    </Card>
  );
}

const missingColumns = ({ now }: Viewer): Column<Missing>[] => [
  { title: 'Marketo id', cell: ({ marketoId }) => marketoId },
  { title: 'Campaign', cell: ({ campaignId }) => campaignId ?? '–' },
  { title: 'Called', cell: ({ at }) => <Time at={at} now={now} /> },
  { title: 'Marketo says', cell: ({ failed }) => (failed ? 'failed' : 'succeeded') },
  { title: 'Why not repaired', cell: ({ reason }) => <Text value={reason ?? 'No repair has run since.'} /> },
];

const windowColumns = ({ now }: Viewer): Column<Window>[] => [
  { title: 'From', cell: ({ from }) => <Time at={from} now={now} /> },
  { title: 'To', cell: ({ to }) => <Time at={to} now={now} /> },
  { title: 'Read as', cell: ({ source }) => (source === 'log' ? 'pages' : 'a file of the day') },
  { title: 'By', cell: ({ requestedBy, mode }) => <Text value={`${requestedBy ?? 'schedule'}, ${mode}`} /> },
  { title: 'Calls', numeric: true, cell: ({ activities }) => activities },
  { title: 'Classes', cell: ({ classes, state }) => <Text value={classesOf(classes, state)} /> },
  { title: 'Problem', cell: ({ problem }) => (problem ? <Text value={problem} /> : '–') },
];

function classesOf(classes: Window['classes'], state: Window['state']): string {
  const text = Object.entries(classes).map(([name, count]) => `${count} ${name}`);
  if (text.length > 0) return text.join(', ');
  return state === 'open' ? 'open' : 'no call';
}

function owedSince({ oldestOwedAt }: WriteBack, { now }: Viewer): ComponentChildren {
  return oldestOwedAt ? <Time at={oldestOwedAt} now={now} format="relative" /> : 'Marketo shows every score';
}

function quotaOf({ quota }: WriteBack): string {
  if (!quota) return 'not read yet';
  return `${grouped(quota.used)} of ${grouped(quota.limit)} by all integrations; stops at ${grouped(quota.stopsAt)}`;
}
