import type { ComponentChildren } from 'preact';
import { INTENTS, type Intent } from '../../domain/intent.js';
import { LEAD_STATES, type LeadState } from '../../domain/lead-state.js';
import { Action } from '../components/form.js';
import { IntentBadge, StateBadge } from '../components/badges.js';
import { Empty, Live, PageHead } from '../components/blocks.js';
import { Meter } from '../components/charts.js';
import { Pager, Table, type Column } from '../components/table.js';
import { Text } from '../components/text.js';
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

/** The filters as the address has them. */
export interface LeadFilters {
  q?: string | undefined;
  state?: string | undefined;
  campaignId?: string | undefined;
  intent?: string | undefined;
  minScore?: string | undefined;
  owner?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  sort?: string | undefined;
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
  csv: string;
  /** How the list is sorted by the time of receipt, and the address of the other order. */
  sorted: 'ascending' | 'descending';
  sortHref: string;
}

const PATH = '/console/leads';

export function LeadsPage({ viewer, view, notice }: { viewer: Viewer; view: LeadsView; notice?: ComponentChildren }) {
  const filtered = Object.keys(view.filters).length > 0;
  return (
    <Layout title="Leads" section={PATH} viewer={viewer}>
      <PageHead title="Leads">
        <a class="button push" href={view.csv}>
          Download CSV
        </a>
      </PageHead>
      {notice}
      <Views viewer={viewer} view={view} />
      <Filters view={view} viewer={viewer} />
      <Live id="leads">
        {view.items.length === 0 ? (
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
        ) : (
          <Table caption="Leads" columns={columnsOf(view, viewer.now)} rows={view.items} />
        )}
        <Pager first={view.first} next={view.next} />
      </Live>
    </Layout>
  );
}

function columnsOf({ items, sorted, sortHref }: LeadsView, now: Date): Column<LeadItem>[] {
  return [
    {
      title: 'Lead',
      cell: (lead) => (
        <>
          <a href={`${PATH}/${lead.id}`}>
            <Text value={lead.name ?? lead.email} />
          </a>
          {lead.name ? (
            <div class="sub">
              <Text value={lead.email} />
            </div>
          ) : null}
        </>
      ),
    },
    { title: 'Company', cell: (lead) => <Text value={lead.company} /> },
    { title: 'Campaign', cell: (lead) => <Text value={lead.campaignId} /> },
    { title: 'State', cell: (lead) => <StateBadge state={lead.state} /> },
    { title: 'Fit', cell: (lead) => <Fit score={lead.fitScore} />, numeric: true },
    ...(items.some(({ owner }) => owner !== null)
      ? [{ title: 'Owner', cell: ({ owner }: LeadItem) => <Text value={owner ?? ''} /> }]
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
                <Text value={name} />
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

const ORDERS = [
  { value: 'newest', label: 'newest first' },
  { value: 'oldest', label: 'oldest first' },
];

function Filters({ view: { filters, hasOwners }, viewer }: { view: LeadsView; viewer: Viewer }) {
  const more = filters.campaignId ?? filters.from ?? filters.to ?? filters.sort;
  return (
    <div class="card">
      <form method="get" action={PATH} class="stack" role="search" aria-label="Filters">
        <div class="filters">
          <label class="field">
            <span>Name or company</span>
            <input name="q" type="search" value={filters.q} />
          </label>
          <Choice name="state" label="State" chosen={filters.state} options={LEAD_STATES.map(plainOption)} />
          <Choice name="intent" label="Intent" chosen={filters.intent} options={INTENTS.map(plainOption)} />
          <label class="field">
            <span>Fit score at least</span>
            <input name="minScore" type="number" min="0" max="100" value={filters.minScore} />
          </label>
          {hasOwners ? (
            <label class="field">
              <span>Owner</span>
              <input name="owner" placeholder="rep, user or queue" value={filters.owner} />
            </label>
          ) : null}
        </div>
        <details open={more !== undefined}>
          <summary>Campaign, time and order</summary>
          <div class="filters">
            <label class="field">
              <span>Campaign</span>
              <input name="campaignId" value={filters.campaignId} />
            </label>
            <label class="field">
              <span>Received from (UTC)</span>
              <input name="from" type="datetime-local" value={filters.from} />
            </label>
            <label class="field">
              <span>Received before (UTC)</span>
              <input name="to" type="datetime-local" value={filters.to} />
            </label>
            <Choice name="sort" label="Order" chosen={filters.sort} options={ORDERS} />
          </div>
        </details>
        <div class="row">
          <button class="primary">Apply filters</button>
          <a href={PATH}>Clear</a>
        </div>
      </form>
      <EmailSearch viewer={viewer} />
    </div>
  );
}

function plainOption(value: string) {
  return { value, label: value };
}

interface ChoiceProps {
  name: string;
  label: string;
  chosen: string | undefined;
  options: { value: string; label: string }[];
}

function Choice({ name, label, chosen, options }: ChoiceProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select name={name}>
        <option value="">any</option>
        {options.map(({ value, label: text }) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** By POST, so that the address is in no access log. */
function EmailSearch({ viewer }: { viewer: Viewer }) {
  return (
    <form method="post" action={`${PATH}/search`} class="row email-search" role="search" aria-label="Search by e-mail">
      <input type="hidden" name="formToken" value={viewer.formToken} />
      <label class="field">
        <span>Or find a person by e-mail</span>
        <input name="email" type="email" required autoComplete="off" />
      </label>
      <button>Find</button>
    </form>
  );
}
