import { Empty, Live, PageHead } from '../components/blocks.js';
import { Pager, Table } from '../components/table.js';
import { Text } from '../components/text.js';
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
              {view.acts.map((act) => (
                <option value={act} selected={act === view.filters.act}>
                  {act}
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
          <Empty title="No action is recorded">
            <p>Pauses, replays, corrections, erasures and downloads by operators appear here.</p>
          </Empty>
        ) : (
          <Table
            caption="Audit log"
            columns={[
              { title: 'Time', cell: (item) => <Time at={item.at} now={viewer.now} /> },
              { title: 'Operator', cell: (item) => <Text value={item.who} /> },
              { title: 'Action', cell: (item) => item.act },
              { title: 'Detail', cell: (item) => <Text value={item.detail} /> },
            ]}
            rows={view.items}
          />
        )}
        <Pager first={view.first} next={view.next} />
      </Live>
    </Layout>
  );
}
