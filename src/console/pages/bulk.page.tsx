import { Action } from '../components/form.js';
import { Badge, type Tone } from '../components/badges.js';
import { Card, Empty, Live, Notice, PageHead } from '../components/blocks.js';
import { Table } from '../components/table.js';
import { grouped, IN_A_LIST, Text, visibleText } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface BulkPreview {
  /** Of the action that the form begins, so that a form that is sent twice begins one. */
  id: string;
  act: string;
  /** In words: "Replay dead letters with CRM_RECORD_REJECTED". */
  title: string;
  code: string | null;
  signature: string | null;
  cause: string | null;
  /** Rows of the action, and all that there are: an action has a bound. */
  count: number;
  found: number;
  /** More than this many need the count typed. */
  typedAbove: number;
  /** `refusal`: why the row would still be refused; null where it would not, or where it is not known. */
  sample: { id: string; label: string; detail: string; refusal: string | null }[];
  perSecond: number;
  problem: string | null;
  section: string;
  /** The same repair for all rows; null where rows are not repaired. */
  repair: {
    corrected: Record<string, string>;
    renamed: Record<string, string>;
    /** Fields of a lead whose value may be taken from another field of the body. */
    fields: string[];
    /** Fields that the bodies of the sample have. */
    sources: string[];
  } | null;
}

/** What a bulk action would touch, before anything happens. */
export function BulkPreviewPage({ viewer, view }: { viewer: Viewer; view: BulkPreview }) {
  return (
    <Layout title={view.title} section={view.section} viewer={viewer}>
      <PageHead title={view.title} about={aboutOf(view)} />
      {view.problem ? <Notice tone="bad" title={view.problem} /> : null}
      {view.count === 0 ? <NothingToReplay section={view.section} /> : <Confirmation viewer={viewer} view={view} />}
    </Layout>
  );
}

function aboutOf({ count, found }: BulkPreview): string {
  if (count === 0) return 'Nothing has happened.';
  const which = found > count ? `The oldest ${grouped(count)} of ${grouped(found)}` : grouped(count);
  return `${which} will be replayed. Nothing has happened yet.`;
}

function NothingToReplay({ section }: { section: string }) {
  return (
    <Empty title="There is nothing to replay">
      <p>
        They were replayed, discarded or erased meanwhile. <a href={section}>Show what is left</a>.
      </p>
    </Empty>
  );
}

function Confirmation({ viewer, view }: { viewer: Viewer; view: BulkPreview }) {
  const { repair } = view;
  const refused = view.sample.filter(({ refusal }) => refusal !== null).length;
  return (
    <>
      {repair && view.sample.length > 0 ? <SampleResult refused={refused} tried={view.sample.length} /> : null}
      <form method="post" action="/console/bulk/start" class="card">
        <input type="hidden" name="formToken" value={viewer.formToken} />
        <input type="hidden" name="id" value={view.id} />
        <input type="hidden" name="act" value={view.act} />
        {view.code ? <input type="hidden" name="code" value={view.code} /> : null}
        {view.signature === null ? null : <input type="hidden" name="signature" value={view.signature} />}
        {view.cause ? <input type="hidden" name="cause" value={view.cause} /> : null}
        {repair ? <RepairFields repair={repair} /> : null}
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
          {repair ? (
            <button formAction="/console/bulk" formNoValidate>
              Try on the sample
            </button>
          ) : null}
          <a href={view.section}>Cancel</a>
        </div>
      </form>
      <Table
        caption="Sample"
        columns={[
          {
            title: repair ? 'Received' : 'Lead',
            cell: (item) => (repair ? <Time at={item.label} now={viewer.now} /> : <Text value={item.label} />),
          },
          { title: 'Error', cell: (item) => <Text value={item.detail} limit={IN_A_LIST} /> },
          ...(repair
            ? [
                {
                  title: 'With the repair',
                  cell: ({ refusal }: BulkPreview['sample'][number]) =>
                    refusal === null ? (
                      <Badge tone="good">accepted</Badge>
                    ) : (
                      <>
                        <Badge tone="bad">still refused</Badge> <Text value={refusal} />
                      </>
                    ),
                },
              ]
            : []),
        ]}
        rows={view.sample}
      />
    </>
  );
}

function SampleResult({ refused, tried }: { refused: number; tried: number }) {
  if (refused === 0) return <Notice tone="good" title={`All ${tried} of the sample would be accepted.`} />;
  return (
    <Notice tone="warn" title={`${refused} of ${tried} of the sample would still be refused.`}>
      <p>Enter a repair and try it. Nothing is stored until you replay; what is still refused stays open.</p>
    </Notice>
  );
}

function RepairFields({ repair }: { repair: NonNullable<BulkPreview['repair']> }) {
  return (
    <fieldset>
      <legend>The same repair for all</legend>
      <div class="filters">
        {repair.fields.map((field) => (
          <label class="field">
            <span>{`Take ${field} from the body's field`}</span>
            <select name={`from.${field}`}>
              <option value="">{`${field} (unchanged)`}</option>
              {repair.sources
                .filter((source) => source !== field)
                .map((source) => (
                  <option value={source} selected={repair.renamed[field] === source}>
                    {visibleText(source)}
                  </option>
                ))}
            </select>
          </label>
        ))}
        <label class="field">
          <span>Set campaign_id of all to</span>
          <input name="set.campaign_id" value={repair.corrected['campaign_id'] ?? ''} autoComplete="off" />
        </label>
      </div>
    </fieldset>
  );
}

export interface BulkProgress {
  id: string;
  title: string;
  section: string;
  by: string;
  startedAt: string;
  perSecond: number;
  state: 'running' | 'done';
  total: number;
  /** Not begun yet. */
  open: number;
  /** On their way to the CRM. */
  moving: number;
  /** In the CRM. */
  done: number;
  failed: number;
  /** Removed with their person since. */
  erased: number;
  results: { href: string; label: string; outcome: string; tone: Tone }[];
}

export function BulkProgressPage({ viewer, view }: { viewer: Viewer; view: BulkProgress }) {
  const finished = view.done + view.failed + view.erased;
  const path = `/console/bulk/${view.id}`;
  return (
    <Layout title={view.title} section={view.section} viewer={viewer}>
      <PageHead title={view.title}>
        <span class="row push">
          <a class="button" href={`${path}/results.csv`}>
            Download results
          </a>
          {view.open > 0 ? (
            <Action viewer={viewer} to={`${path}/stop`} tone="danger">
              {`Stop the remaining ${view.open}`}
            </Action>
          ) : null}
        </span>
      </PageHead>
      <Live id="progress">
        <Card title={`${finished} of ${view.total}`} aside={view.state}>
          <progress max={Math.max(1, view.total)} value={finished} aria-label="Progress" />
          <p class="row">
            <Badge tone="good">{`${view.done} in the CRM`}</Badge>
            {view.moving > 0 ? <Badge tone="accent">{`${view.moving} on their way`}</Badge> : null}
            {view.open > 0 ? <Badge>{`${view.open} not begun`}</Badge> : null}
            {view.failed > 0 ? <Badge tone="bad">{`${view.failed} failed`}</Badge> : null}
            {view.erased > 0 ? <Badge>{`${view.erased} erased since`}</Badge> : null}
          </p>
          <p class="muted">
            {'Started by '}
            <Text value={view.by} />
            {` at ${view.perSecond} per second, `}
            <Time at={view.startedAt} now={viewer.now} />
          </p>
        </Card>
        {view.results.length > 0 ? (
          <Table
            caption="Results"
            columns={[
              {
                title: 'Row',
                cell: (item) => (
                  <a href={item.href}>
                    <Text value={item.label} limit={IN_A_LIST} />
                  </a>
                ),
              },
              { title: 'Result', cell: (item) => <Badge tone={item.tone}>{item.outcome}</Badge> },
            ]}
            rows={view.results}
          />
        ) : null}
        {view.total > view.results.length + view.open ? (
          <p class="muted">The page lists the first 100 results, those that failed first. The file has all.</p>
        ) : null}
      </Live>
    </Layout>
  );
}
