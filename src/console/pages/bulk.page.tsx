import { Badge } from '../components/badges.js';
import { Card, Live, Notice, PageHead } from '../components/blocks.js';
import { Table } from '../components/table.js';
import { Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface BulkPreview {
  act: string;
  /** In words: "Replay dead letters with CRM_RECORD_REJECTED". */
  title: string;
  code: string | null;
  count: number;
  /** More than this many need the count typed. */
  typedAbove: number;
  sample: { id: string; label: string; detail: string }[];
  perSecond: number;
  problem: string | null;
  section: string;
}

/** What a bulk action would touch, before anything happens. */
export function BulkPreviewPage({ viewer, view }: { viewer: Viewer; view: BulkPreview }) {
  return (
    <Layout title={view.title} section={view.section} viewer={viewer}>
      <PageHead title={view.title} about={`${view.count} will be replayed. Nothing has happened yet.`} />
      {view.problem ? <Notice tone="bad" title={view.problem} /> : null}
      <Table
        caption="Sample"
        columns={[
          { title: 'First of them', cell: (item) => <Text value={item.label} /> },
          { title: 'Error', cell: (item) => <Text value={item.detail} /> },
        ]}
        rows={view.sample}
      />
      <form method="post" action="/console/bulk/start" class="card">
        <input type="hidden" name="formToken" value={viewer.formToken} />
        <input type="hidden" name="act" value={view.act} />
        {view.code ? <input type="hidden" name="code" value={view.code} /> : null}
        <div class="filters">
          <label class="field">
            <span>At most per second</span>
            <input name="perSecond" type="number" min="1" max="1000" value={view.perSecond} required />
          </label>
          {view.count > view.typedAbove ? (
            <label class="field">
              <span>{`Type ${view.count} to confirm`}</span>
              <input name="count" inputMode="numeric" pattern="[0-9]+" required autoComplete="off" />
            </label>
          ) : (
            <input type="hidden" name="count" value={view.count} />
          )}
        </div>
        <div class="row">
          <button class="primary">{`Replay ${view.count}`}</button>
          <a href={view.section}>Cancel</a>
        </div>
      </form>
    </Layout>
  );
}

export interface BulkProgress {
  title: string;
  section: string;
  by: string;
  startedAt: string;
  state: 'running' | 'done';
  total: number;
  done: number;
  failed: number;
  results: { href: string; label: string; outcome: string; ok: boolean }[];
}

export function BulkProgressPage({ viewer, view }: { viewer: Viewer; view: BulkProgress }) {
  const finished = view.done + view.failed;
  return (
    <Layout title={view.title} section={view.section} viewer={viewer}>
      <PageHead title={view.title} />
      <Live id="progress">
        <Card title={`${finished} of ${view.total}`} aside={view.state}>
          <progress max={Math.max(1, view.total)} value={finished} aria-label="Progress" />
          <p class="muted">
            {`Started by ${view.by}, `}
            <Time at={view.startedAt} now={viewer.now} />
            {`. ${view.done} in the CRM, ${view.failed} failed.`}
          </p>
        </Card>
        {view.results.length > 0 ? (
          <Table
            caption="Results"
            columns={[
              {
                title: 'Lead',
                cell: (item) => (
                  <a href={item.href}>
                    <Text value={item.label} />
                  </a>
                ),
              },
              { title: 'Result', cell: (item) => <Badge tone={item.ok ? 'good' : 'bad'}>{item.outcome}</Badge> },
            ]}
            rows={view.results}
          />
        ) : null}
      </Live>
    </Layout>
  );
}
