import type { ComponentChildren } from 'preact';
import type { BulkActionSummary } from '../../ledger/bulk-actions.repository.js';
import { Action, Field } from '../components/form.js';
import { Card, Empty, Live, Notice, PageHead } from '../components/blocks.js';
import { RecentReplays } from '../components/recent-replays.js';
import { Pager, Table } from '../components/table.js';
import { IN_A_LIST, Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

/** Dead letters with one cause. */
export interface DeadLetterGroup {
  stage: string;
  code: string;
  /** What is common to them, such as the refused field; null where there is nothing. */
  cause: string | null;
  count: number;
  firstSeen: string;
  lastSeen: string;
  remedy: string;
  href: string;
  /** The list shows this cause. */
  current: boolean;
}

export interface DeadLetterItem {
  id: string;
  name: string | null;
  email: string;
  campaignId: string;
  code: string;
  message: string;
  /** What the downstream answered. */
  answer: string | null;
  diedAt: string;
}

export interface DeadLettersView {
  total: number;
  groups: DeadLetterGroup[];
  /** The code that the list is filtered by. */
  code: string | null;
  /** What is common to the leads of the list; empty: those of the code without such. Null: not filtered by it. */
  signature: string | null;
  items: DeadLetterItem[];
  first: string | null;
  next: string | null;
  replays: BulkActionSummary[];
}

const SECTION = '/console/dead-letters';

export function DeadLettersPage({ viewer, view, notice }: { viewer: Viewer; view: DeadLettersView; notice?: ComponentChildren }) {
  const { now } = viewer;
  return (
    <Layout title="Dead letters" section={SECTION} viewer={viewer}>
      <PageHead title="Dead letters" about="Leads that the service stopped trying. Correct the cause, then replay them.">
        {view.items.length > 0 ? (
          <span class="push">
            <Action
              viewer={viewer}
              to="/console/bulk"
              tone="primary"
              fields={
                <>
                  <input type="hidden" name="act" value="replay-dead-letters" />
                  {view.code ? <input type="hidden" name="code" value={view.code} /> : null}
                  {view.signature === null ? null : <input type="hidden" name="signature" value={view.signature} />}
                </>
              }
            >
              {view.code ? 'Replay these…' : 'Replay all…'}
            </Action>
          </span>
        ) : null}
      </PageHead>
      {notice}
      <Live id="dead-letters">
        {view.total === 0 ? (
          <Empty title="There are no dead letters">
            <p>Leads that fail five times, or that the CRM refuses, appear here.</p>
          </Empty>
        ) : (
          <>
            <Table
              caption="Causes"
              columns={[
                { title: 'Cause', cell: (group) => <GroupName group={group} /> },
                { title: 'Leads', cell: (group) => group.count, numeric: true },
                { title: 'Stage', cell: (group) => group.stage },
                { title: 'First seen', cell: (group) => <Time at={group.firstSeen} now={now} format="relative" /> },
                { title: 'Last seen', cell: (group) => <Time at={group.lastSeen} now={now} format="relative" /> },
                { title: 'What to do', cell: (group) => <div class="wide">{group.remedy}</div> },
              ]}
              rows={view.groups}
            />
            <h2>{view.code ? <ListTitle view={view} /> : 'All dead letters'}</h2>
            {view.code ? <a href={SECTION}>Show all dead letters</a> : null}
            {view.items.length === 0 ? <Empty title="None of these is left" /> : <Items items={view.items} now={now} />}
            <Pager first={view.first} next={view.next} />
          </>
        )}
      </Live>
      <RecentReplays replays={view.replays} viewer={viewer} />
    </Layout>
  );
}

function Items({ items, now }: { items: DeadLetterItem[]; now: Date }) {
  return (
    <Table
      caption="Dead letters"
      columns={[
        {
          title: 'Lead',
          cell: (item) => (
            <a href={`${SECTION}/${item.id}`}>
              <Text value={item.name ?? item.email} limit={IN_A_LIST} />
            </a>
          ),
        },
        { title: 'Campaign', cell: (item) => <Text value={item.campaignId} limit={IN_A_LIST} /> },
        { title: 'What failed', cell: (item) => <Failure item={item} /> },
        { title: 'Since', cell: (item) => <Time at={item.diedAt} now={now} format="relative" /> },
      ]}
      rows={items}
    />
  );
}

function ListTitle({ view: { code, signature } }: { view: DeadLettersView }) {
  return (
    <>
      {'Leads with '}
      <Text value={code} />
      {signature ? (
        <>
          {': '}
          <Text value={signature} />
        </>
      ) : null}
    </>
  );
}

function Failure({ item }: { item: DeadLetterItem }) {
  return (
    <div class="wide">
      <Text value={item.message} limit={2 * IN_A_LIST} />
      <div class="sub">
        <code>{item.code}</code>
        {item.answer ? (
          <>
            {' · answered: '}
            <Text value={item.answer} limit={IN_A_LIST} />
          </>
        ) : null}
      </div>
    </div>
  );
}

function GroupName({ group }: { group: DeadLetterGroup }) {
  return (
    <>
      <a href={group.href} aria-current={group.current ? 'true' : undefined}>
        <code>{group.code}</code>
      </a>
      {group.cause ? (
        <div class="muted">
          <Text value={group.cause} limit={IN_A_LIST} />
        </div>
      ) : null}
    </>
  );
}

export interface DeadLetterView {
  id: string;
  /** Sent back with the form, so that it replaces no correction that its reader has not seen. */
  revision: number;
  code: string;
  message: string;
  answer: string | null;
  remedy: string;
  stage: string;
  diedAt: string;
  /** All fields that may be corrected, with their present values. */
  fields: [string, string][];
  /** After a correction that was refused: what is wrong with it. */
  problems: { path: string; message: string }[];
}

/** One dead letter: what failed, a form with its fields, and what can be done. */
export function DeadLetterPage({ viewer, view }: { viewer: Viewer; view: DeadLetterView }) {
  const path = `${SECTION}/${view.id}`;
  return (
    <Layout title="Dead letter" section={SECTION} viewer={viewer} command={`npx revenueflow dead-letters get ${view.id}`}>
      <PageHead title="Dead letter">
        <a href={`/console/leads/${view.id}`}>Timeline of this lead</a>
        <span class="push">
          <Action viewer={viewer} to={`/console/leads/${view.id}/replay`}>
            Replay unchanged
          </Action>
        </span>
      </PageHead>
      <Notice tone="bad" title={`${view.code} in ${view.stage}`}>
        <p>
          <Text value={view.message} />
        </p>
        {view.answer ? (
          <p>
            It answered: <Text value={view.answer} />
          </p>
        ) : null}
        <p>{view.remedy}</p>
        <p>
          Since <Time at={view.diedAt} now={viewer.now} />
        </p>
      </Notice>
      {view.problems.length > 0 ? (
        <Notice tone="bad" title="Nothing was changed">
          <ul>
            {view.problems.map(({ path: field, message }) => (
              <li>
                <Text value={field ? `${field}: ${message}` : message} />
              </li>
            ))}
          </ul>
        </Notice>
      ) : null}
      {viewer.canAct ? (
        <>
          <EditForm view={view} viewer={viewer} path={path} />
          <DiscardForm viewer={viewer} path={path} />
        </>
      ) : null}
    </Layout>
  );
}

function EditForm({ view, viewer, path }: { view: DeadLetterView; viewer: Viewer; path: string }) {
  return (
    <form method="post" action={path} class="card">
      <h2>Correct and replay</h2>
      <input type="hidden" name="formToken" value={viewer.formToken} />
      <input type="hidden" name="revision" value={view.revision} />
      <div class="filters">
        {view.fields.map(([name, value]) => (
          <Field name={name} value={value} problem={view.problems.find(({ path: field }) => field === name)?.message} />
        ))}
      </div>
      <div>
        <button class="primary">Save and replay</button>
      </div>
    </form>
  );
}

function DiscardForm({ viewer, path }: { viewer: Viewer; path: string }) {
  return (
    <Card title="Discard">
      <form method="post" action={`${path}/discard`} class="stack">
        <input type="hidden" name="formToken" value={viewer.formToken} />
        <label class="field">
          <span>Reason, for the audit log</span>
          <input name="reason" required maxLength={500} />
        </label>
        <div>
          <button class="danger">Discard this lead</button>
        </div>
      </form>
    </Card>
  );
}
