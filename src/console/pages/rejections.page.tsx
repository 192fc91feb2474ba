import type { ComponentChildren } from 'preact';
import { Action } from '../components/action.js';
import { Badge } from '../components/badges.js';
import { Card, Empty, Live, Notice, PageHead } from '../components/blocks.js';
import { Pager, Table } from '../components/table.js';
import { Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface RejectionItem {
  id: string;
  receivedAt: string;
  code: string;
  detail: string;
  replayedAs: string | null;
}

export interface RejectionsView {
  open: number;
  items: RejectionItem[];
  first: string | null;
  next: string | null;
}

const SECTION = '/console/rejections';

export function RejectionsPage({ viewer, view, notice }: { viewer: Viewer; view: RejectionsView; notice?: ComponentChildren }) {
  const { now } = viewer;
  return (
    <Layout title="Rejections" section={SECTION} viewer={viewer}>
      <PageHead
        title="Rejections"
        about="Authenticated requests that were refused for their content. They are kept for 30 days and can be replayed."
      >
        {view.open > 0 ? (
          <span class="push">
            <Action
              viewer={viewer}
              to="/console/bulk"
              tone="primary"
              fields={<input type="hidden" name="act" value="replay-rejections" />}
            >
              Repair and replay all…
            </Action>
          </span>
        ) : null}
      </PageHead>
      {notice}
      <Live id="rejections">
        {view.items.length === 0 ? (
          <Empty title="No request was refused">
            <p>When a webhook template breaks, its requests appear here with the place that is wrong.</p>
          </Empty>
        ) : (
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
              { title: 'What is wrong', cell: (item) => <Text value={item.detail} /> },
              {
                title: 'State',
                cell: (item) =>
                  item.replayedAs ? <a href={`/console/leads/${item.replayedAs}`}>replayed</a> : <Badge tone="warn">open</Badge>,
              },
            ]}
            rows={view.items}
          />
        )}
        <Pager first={view.first} next={view.next} />
      </Live>
    </Layout>
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
    <Layout title="Rejection" section={SECTION} viewer={viewer}>
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
      <Text value={before || ' '} />
      {broken ? (
        <mark>
          <Text value={broken} />
        </mark>
      ) : null}
      {after ? <Text value={after} /> : null}
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
          <label class="field">
            <span>{name}</span>
            <input name={`field.${name}`} value={value} autoComplete="off" />
          </label>
        ))}
      </div>
      <div>
        <button class="primary">Replay</button>
      </div>
    </form>
  );
}
