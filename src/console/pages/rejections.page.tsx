import type { ComponentChildren } from 'preact';
import type { BulkActionSummary } from '../../ledger/bulk-actions.repository.js';
import { Action, Field } from '../components/form.js';
import { Badge } from '../components/badges.js';
import { Card, Empty, Live, Notice, PageHead } from '../components/blocks.js';
import { RecentReplays } from '../components/recent-replays.js';
import { Pager, Table } from '../components/table.js';
import { IN_A_LIST, Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface RejectionItem {
  id: string;
  receivedAt: string;
  code: string;
  detail: string;
  replayedAs: string | null;
}

/** Open rejections that are wrong in the same way. */
export interface RejectionCause {
  code: string;
  /** What is wrong with the newest of them. */
  detail: string;
  count: number;
  firstSeen: string;
  lastSeen: string;
  /** Names the cause in addresses. */
  cause: string;
}

export interface RejectionsView {
  open: number;
  causes: RejectionCause[];
  /** The cause that the list is filtered by. */
  cause: string | null;
  items: RejectionItem[];
  first: string | null;
  next: string | null;
  replays: BulkActionSummary[];
}

const SECTION = '/console/rejections';

export function RejectionsPage({ viewer, view }: { viewer: Viewer; view: RejectionsView }) {
  const { now } = viewer;
  return (
    <Layout title="Rejections" section={SECTION} viewer={viewer}>
      <PageHead
        title="Rejections"
        about="Authenticated requests that were refused for their content. They are kept for 30 days and can be replayed."
      >
        {view.open > 0 ? (
          <span class="push">
            <RepairMany viewer={viewer} cause={view.cause} tone="primary">
              {view.cause ? 'Repair and replay these…' : 'Repair and replay all…'}
            </RepairMany>
          </span>
        ) : null}
      </PageHead>
      <Live id="rejections">
        {view.items.length === 0 && view.open === 0 ? (
          <Empty title="No request was refused">
            <p>When a webhook template breaks, its requests appear here with the place that is wrong.</p>
          </Empty>
        ) : (
          <>
            {view.causes.length > 0 ? <Causes viewer={viewer} view={view} /> : null}
            <h2>{view.cause ? 'Open requests with this cause' : 'All requests'}</h2>
            {view.cause ? <a href={SECTION}>Show all requests</a> : null}
            {view.items.length === 0 ? <Empty title="None is open" /> : <Items items={view.items} now={now} />}
            <Pager first={view.first} next={view.next} />
          </>
        )}
      </Live>
      <RecentReplays replays={view.replays} viewer={viewer} />
    </Layout>
  );
}

interface RepairManyProps {
  viewer: Viewer;
  cause: string | null;
  tone?: 'primary' | 'plain';
  children: string;
}

/** Leads to the preview, where the repair is entered and tried. */
function RepairMany({ viewer, cause, tone, children }: RepairManyProps) {
  const fields = (
    <>
      <input type="hidden" name="act" value="replay-rejections" />
      {cause ? <input type="hidden" name="cause" value={cause} /> : null}
    </>
  );
  return (
    <Action viewer={viewer} to="/console/bulk" fields={fields} {...(tone ? { tone } : {})}>
      {children}
    </Action>
  );
}

function Causes({ viewer, view }: { viewer: Viewer; view: RejectionsView }) {
  return (
    <Table
      caption="Open requests by cause"
      columns={[
        {
          title: 'What is wrong',
          cell: (group) => (
            <>
              <a href={`${SECTION}?cause=${group.cause}`} aria-current={group.cause === view.cause ? 'true' : undefined}>
                <Text value={firstSentences(group.detail)[0]} limit={IN_A_LIST} />
              </a>
              <div class="sub wide">
                <code>{group.code}</code>{' '}
                {firstSentences(group.detail)[1] ? <Text value={firstSentences(group.detail)[1]} limit={IN_A_LIST} /> : null}
              </div>
            </>
          ),
        },
        { title: 'Open', cell: (group) => group.count, numeric: true },
        { title: 'First seen', cell: (group) => <Time at={group.firstSeen} now={viewer.now} format="relative" /> },
        { title: 'Last seen', cell: (group) => <Time at={group.lastSeen} now={viewer.now} format="relative" /> },
        ...(viewer.canAct
          ? [
              {
                title: 'Action',
                cell: (group: RejectionCause) => (
                  <RepairMany viewer={viewer} cause={group.cause}>
                    {`Repair ${group.count}…`}
                  </RepairMany>
                ),
              },
            ]
          : []),
      ]}
      rows={view.causes}
    />
  );
}

/** What is wrong, and what to do about it. `No lead was stored.` says neither. */
function firstSentences(detail: string): [what: string, then: string] {
  const sentences = detail.replaceAll('No lead was stored. ', '').split(/(?<=\.) (?=\p{Lu})/u);
  return [sentences[0]!, sentences.slice(1).join(' ')];
}

function Items({ items, now }: { items: RejectionItem[]; now: Date }) {
  return (
    <Table
      caption="Rejections"
      columns={[
        {
          title: 'Received',
          cell: (item) => (
            <a href={`${SECTION}/${item.id}`}>
              <Time at={item.receivedAt} now={now} />
            </a>
          ),
        },
        { title: 'Error', cell: (item) => <code>{item.code}</code> },
        {
          title: 'What is wrong',
          cell: (item) => (
            <div class="wide">
              <Text value={firstSentences(item.detail)[0]} limit={IN_A_LIST} />
            </div>
          ),
        },
        {
          title: 'State',
          cell: (item) =>
            item.replayedAs ? <a href={`/console/leads/${item.replayedAs}`}>replayed</a> : <Badge tone="warn">open</Badge>,
        },
      ]}
      rows={items}
    />
  );
}

export interface RejectionView {
  id: string;
  receivedAt: string;
  contentType: string;
  code: string;
  detail: string;
  problems: { path: string; message: string }[];
  /** The body around the broken place; `broken` is empty where no place is known. Null while it is masked. */
  body: { before: string; broken: string; after: string } | null;
  replayedAs: string | null;
  /** Fields that a correction may set. */
  fields: [string, string][];
}

export function RejectionPage({ viewer, view, notice }: { viewer: Viewer; view: RejectionView; notice?: ComponentChildren }) {
  const path = `${SECTION}/${view.id}`;
  return (
    <Layout title="Rejection" section={SECTION} viewer={viewer} command={`npx revenueflow rejections get ${view.id}`}>
      <PageHead title="Refused request">
        <Time at={view.receivedAt} now={viewer.now} />
      </PageHead>
      {notice}
      <Notice tone="bad" title={view.code}>
        <p>
          <Text value={view.detail} />
        </p>
        {view.problems.length > 0 ? (
          <ul>
            {view.problems.map(({ path: field, message }) => (
              <li>
                <Text value={field ? `${field}: ${message}` : message} />
              </li>
            ))}
          </ul>
        ) : null}
      </Notice>
      {view.replayedAs ? (
        <Notice tone="good" title="Replayed">
          <a href={`/console/leads/${view.replayedAs}`}>Open the lead</a>
        </Notice>
      ) : null}
      <Card title="Body" aside={view.contentType}>
        <Body viewer={viewer} view={view} path={path} />
      </Card>
      {viewer.canAct && !view.replayedAs ? <RepairForm view={view} viewer={viewer} path={path} /> : null}
    </Layout>
  );
}

function Body({ viewer, view, path }: { viewer: Viewer; view: RejectionView; path: string }) {
  if (view.body === null) {
    return (
      <form method="post" action={`${path}/show`}>
        <input type="hidden" name="formToken" value={viewer.formToken} />
        <button>Show the body (the audit log records this)</button>
      </form>
    );
  }
  const { before, broken, after } = view.body;
  return (
    <pre>
      <Text value={before || ' '} limit={Infinity} />
      {broken ? (
        <mark>
          <Text value={broken} />
        </mark>
      ) : null}
      {after ? <Text value={after} limit={Infinity} /> : null}
    </pre>
  );
}

function RepairForm({ view, viewer, path }: { view: RejectionView; viewer: Viewer; path: string }) {
  return (
    <form method="post" action={`${path}/replay`} class="card">
      <h2>Repair and replay</h2>
      <p class="muted">Empty fields stay as the body has them. What you enter replaces the body's value.</p>
      <input type="hidden" name="formToken" value={viewer.formToken} />
      <div class="filters">
        {view.fields.map(([name, value]) => (
          <Field name={name} value={value} />
        ))}
      </div>
      <div>
        <button class="primary">Replay</button>
      </div>
    </form>
  );
}
