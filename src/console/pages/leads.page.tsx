import type { Intent } from '../../domain/enrichment.js';
import { INTENTS } from '../../domain/enrichment.js';
import { LEAD_STATES, type LeadState } from '../../domain/lead-state.js';
import { IntentBadge, StateBadge } from '../components/badges.js';
import { Empty, Live, PageHead } from '../components/blocks.js';
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
}

/** The filters as the address has them. */
export interface LeadFilters {
  q?: string | undefined;
  state?: string | undefined;
  campaignId?: string | undefined;
  intent?: string | undefined;
  minScore?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  sort?: string | undefined;
}

export interface SavedView {
  name: string;
  href: string;
}

export interface LeadsView {
  items: LeadItem[];
  filters: LeadFilters;
  views: SavedView[];
  first: string | null;
  next: string | null;
  csv: string;
}

export function LeadsPage({ viewer, view }: { viewer: Viewer; view: LeadsView }) {
  const { now } = viewer;
  const columns: Column<LeadItem>[] = [
    {
      title: 'Lead',
      cell: (lead) => (
        <a href={`/console/leads/${lead.id}`}>
          <Text value={lead.name ?? lead.email} />
        </a>
      ),
    },
    { title: 'Company', cell: (lead) => <Text value={lead.company} /> },
    { title: 'Campaign', cell: (lead) => <Text value={lead.campaignId} /> },
    { title: 'State', cell: (lead) => <StateBadge state={lead.state} /> },
    { title: 'Fit', cell: (lead) => lead.fitScore ?? '–', numeric: true },
    { title: 'Intent', cell: (lead) => <IntentBadge intent={lead.intent} /> },
    { title: 'Received', cell: (lead) => <Time at={lead.receivedAt} now={now} format="relative" /> },
  ];
  return (
    <Layout title="Leads" section="/console/leads" viewer={viewer}>
      <PageHead title="Leads">
        <nav class="row" aria-label="Views">
          {view.views.map(({ name, href }) => (
            <a href={href}>{name}</a>
          ))}
        </nav>
        <a class="button push" href={view.csv}>
          Download CSV
        </a>
      </PageHead>
      <Filters view={view} />
      <EmailSearch viewer={viewer} />
      <Live id="leads">
        {view.items.length === 0 ? (
          <Empty title="No lead matches">
            <p>
              Change the filters, or <a href="/console/leads">show all leads</a>.
            </p>
          </Empty>
        ) : (
          <Table caption="Leads" columns={columns} rows={view.items} />
        )}
        <Pager first={view.first} next={view.next} />
      </Live>
    </Layout>
  );
}

const ORDERS = [
  { value: 'newest', label: 'newest first' },
  { value: 'oldest', label: 'oldest first' },
];

function Filters({ view: { filters } }: { view: LeadsView }) {
  return (
    <form method="get" action="/console/leads" class="card" role="search">
      <div class="filters">
        <label class="field">
          <span>Name or company</span>
          <input name="q" type="search" value={filters.q} />
        </label>
        <Choice
          name="state"
          label="State"
          chosen={filters.state}
          options={LEAD_STATES.map((value) => ({ value, label: value }))}
        />
        <Choice
          name="intent"
          label="Intent"
          chosen={filters.intent}
          options={INTENTS.map((value) => ({ value, label: value }))}
        />
        <label class="field">
          <span>Fit score at least</span>
          <input name="minScore" type="number" min="0" max="100" value={filters.minScore} />
        </label>
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
      <div class="row">
        <button class="primary">Apply filters</button>
        <a href="/console/leads">Clear</a>
        <span class="muted push">The address of this page is the saved view: bookmark it.</span>
      </div>
    </form>
  );
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
    <form method="post" action="/console/leads/search" class="row" role="search" aria-label="Search by e-mail">
      <input type="hidden" name="formToken" value={viewer.formToken} />
      <label class="field">
        <span>Find a person by e-mail</span>
        <input name="email" type="email" required autoComplete="off" />
      </label>
      <button>Find</button>
    </form>
  );
}
