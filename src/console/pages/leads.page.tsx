import type { Intent } from '../../domain/intent.js';
import type { LeadState } from '../../domain/lead-state.js';
import { Action } from '../components/form.js';
import { IntentBadge, StateBadge } from '../components/badges.js';
import { Empty, Live, PageHead } from '../components/blocks.js';
import { Meter } from '../components/charts.js';
import { LeadFilterForms, type LeadFilters } from '../components/lead-filters.js';
import { Pager, Table, type Column } from '../components/table.js';
import { grouped, IN_A_LIST, Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface LeadItem {
  id: string;
  /** Masked for viewers. */
  name: string | null;
  email: string;
  company: string | null;
  campaignId: string;
  state: LeadState;
  fitScore: number | null;
  intent: Intent | null;
  receivedAt: string;
  /** By the routing rules; null where they did not decide. */
  owner: string | null;
}

/** A list under a name: its address is the list's. */
export interface ListView {
  name: string;
  href: string;
  current: boolean;
  /** False for those that the service brings. */
  saved: boolean;
}

export interface LeadsView {
  items: LeadItem[];
  filters: LeadFilters;
  /** The address of this list as a query, without the search text, which may be a person's name. */
  query: string;
  views: ListView[];
  /** Whether the routing rules give leads owners. */
  hasOwners: boolean;
  first: string | null;
  next: string | null;
  /** These are the leads of one person, who was searched by e-mail. */
  ofPerson: boolean;
  /** How many leads a page searches at most for a filter that has no index. */
  searchedAtMost: number;
  csv: string;
  /** How the list is sorted by the time of receipt, and the address of the other order. */
  sorted: 'ascending' | 'descending';
  sortHref: string;
}

const PATH = '/console/leads';

export function LeadsPage({ viewer, view }: { viewer: Viewer; view: LeadsView }) {
  const filtered = Object.keys(view.filters).length > 0;
  return (
    <Layout title="Leads" section={PATH} viewer={viewer}>
      <PageHead title="Leads">
        <a class="button push" href={view.csv}>
          Download CSV
        </a>
      </PageHead>
      <Views viewer={viewer} view={view} />
      <LeadFilterForms filters={view.filters} hasOwners={view.hasOwners} viewer={viewer} />
      <Live id="leads">
        {view.items.length === 0 ? (
          <NoLead view={view} filtered={filtered} />
        ) : (
          <Table caption="Leads" layout="dense" columns={columnsOf(view, viewer.now)} rows={view.items} />
        )}
        <Pager first={view.first} next={view.next} />
      </Live>
    </Layout>
  );
}

function NoLead({ view, filtered }: { view: LeadsView; filtered: boolean }) {
  if (view.ofPerson) {
    return (
      <Empty title="No lead has this e-mail address">
        <p>
          It may be spelled otherwise, or the person was erased. <a href={PATH}>Show all leads</a>.
        </p>
      </Empty>
    );
  }
  if (view.next) {
    const further = view.sorted === 'ascending' ? 'newer' : 'older';
    return (
      <Empty title={`None of the ${grouped(view.searchedAtMost)} leads searched here matches`}>
        <p>
          <a href={view.next}>{`Search ${further} leads`}</a>, or narrow the time, the state or the campaign first.
        </p>
      </Empty>
    );
  }
  return (
    <Empty title={filtered ? 'No lead matches' : 'No lead has arrived yet'}>
      {filtered ? (
        <p>
          Change the filters, or <a href={PATH}>show all leads</a>.
        </p>
      ) : (
        <p>
          <a href="/console">Now</a> says how to send the first one.
        </p>
      )}
    </Empty>
  );
}

function columnsOf({ items, sorted, sortHref }: LeadsView, now: Date): Column<LeadItem>[] {
  return [
    {
      title: 'Lead',
      cell: (lead) => (
        <>
          <a href={`${PATH}/${lead.id}`}>
            <Text value={lead.name ?? lead.email} limit={IN_A_LIST} />
          </a>
          {lead.name ? (
            <div class="sub">
              <Text value={lead.email} limit={IN_A_LIST} />
            </div>
          ) : null}
        </>
      ),
    },
    { title: 'Company', cell: (lead) => <Text value={lead.company} limit={IN_A_LIST} /> },
    { title: 'Campaign', cell: (lead) => <Text value={lead.campaignId} limit={IN_A_LIST} /> },
    { title: 'State', cell: (lead) => <StateBadge state={lead.state} /> },
    { title: 'Fit', cell: (lead) => <Fit score={lead.fitScore} />, numeric: true },
    ...(items.some(({ owner }) => owner !== null)
      ? [{ title: 'Owner', cell: ({ owner }: LeadItem) => <Text value={owner ?? ''} limit={IN_A_LIST} /> }]
      : []),
    { title: 'Intent', cell: (lead) => <IntentBadge intent={lead.intent} /> },
    {
      title: 'Received',
      cell: (lead) => <Time at={lead.receivedAt} now={now} format="relative" />,
      sortHref,
      sorted,
    },
  ];
}

function Fit({ score }: { score: number | null }) {
  if (score === null) return <span class="muted">–</span>;
  return (
    <span class="fit">
      {score}
      <Meter label={`${score} of 100`} share={score / 100} warnFrom={2} />
    </span>
  );
}

/** The lists that have a name, as tabs, with a form that names the present one. */
function Views({ viewer, view }: { viewer: Viewer; view: LeadsView }) {
  const current = view.views.find(({ current: shown }) => shown);
  return (
    <div class="views">
      <nav aria-label="Views">
        <ul class="tabs">
          {view.views.map(({ name, href, current: shown }) => (
            <li>
              <a href={href} aria-current={shown ? 'page' : undefined}>
                <Text value={name} limit={IN_A_LIST} />
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {current?.saved ? (
        <Action
          viewer={viewer}
          to={`${PATH}/views/delete`}
          tone="link"
          fields={<input type="hidden" name="name" value={current.name} />}
        >
          Delete this view
        </Action>
      ) : null}
      {!current && view.query !== '' && viewer.canAct ? (
        <form method="post" action={`${PATH}/views`} class="row save-view">
          <input type="hidden" name="formToken" value={viewer.formToken} />
          <input type="hidden" name="query" value={view.query} />
          <input
            name="name"
            required
            maxLength={60}
            aria-label="Name of the view"
            placeholder="Name of this view"
            autoComplete="off"
          />
          <button>Save view</button>
        </form>
      ) : null}
    </div>
  );
}
