import { Empty, Live, PageHead } from '../components/blocks.js';
import { Pager, Table } from '../components/table.js';
import { IN_A_LIST, Text, visibleText } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface AuditItem {
  at: string;
  who: string;
  act: string;
  detail: string;
}

export interface AuditView {
  items: AuditItem[];
  filters: { who?: string | undefined; act?: string | undefined };
  acts: string[];
  first: string | null;
  next: string | null;
  csv: string;
}

export function AuditPage({ viewer, view }: { viewer: Viewer; view: AuditView }) {
  return (
    <Layout title="Audit" section="/console/audit" viewer={viewer}>
      <PageHead title="Audit" about="What operators did. Changes of a single lead are in its timeline as well.">
        <a class="button push" href={view.csv}>
          Download CSV
        </a>
      </PageHead>
      <form method="get" action="/console/audit" class="card" role="search">
        <div class="filters">
          <label class="field">
            <span>Operator</span>
            <input name="who" value={view.filters.who} />
          </label>
          <label class="field">
            <span>Action</span>
            <select name="act">
              <option value="">any</option>
              {withChosen(view.acts, view.filters.act).map((act) => (
                <option value={act} selected={act === view.filters.act}>
                  {visibleText(act)}
                </option>
              ))}
            </select>
          </label>
          <div>
            <button class="primary">Apply filters</button>
          </div>
        </div>
      </form>
      <Live id="acts">
        {view.items.length === 0 ? (
          <NoAct view={view} />
        ) : (
          <Table
            caption="Audit log"
            columns={[
              { title: 'Time', cell: (item) => <Time at={item.at} now={viewer.now} /> },
              { title: 'Operator', cell: (item) => <Text value={item.who} limit={IN_A_LIST} /> },
              { title: 'Action', cell: (item) => item.act },
              { title: 'Detail', cell: (item) => <Text value={item.detail} limit={IN_A_LIST} /> },
            ]}
            rows={view.items}
          />
        )}
        <Pager first={view.first} next={view.next} />
      </Live>
    </Layout>
  );
}

/** An address may name an action that was never recorded; the form shows it all the same. */
function withChosen(acts: string[], chosen: string | undefined): string[] {
  return chosen === undefined || acts.includes(chosen) ? acts : [chosen, ...acts];
}

function NoAct({ view: { filters, first } }: { view: AuditView }) {
  if (filters.who ?? filters.act ?? first) {
    return (
      <Empty title="No action matches">
        <p>
          Change the filters, or <a href="/console/audit">show all actions</a>.
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No action is recorded">
      <p>Pauses, replays, corrections, erasures and downloads by operators appear here.</p>
    </Empty>
  );
}
