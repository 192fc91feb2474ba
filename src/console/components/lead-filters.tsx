import { INTENTS } from '../../domain/intent.js';
import { LEAD_STATES } from '../../domain/lead-state.js';
import type { Viewer } from '../layout.js';

const PATH = '/console/leads';

const ORDERS = [
  { value: 'newest', label: 'newest first' },
  { value: 'oldest', label: 'oldest first' },
];

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

interface LeadFilterFormsProps {
  filters: LeadFilters;
  /** Whether the routing rules give leads owners. */
  hasOwners: boolean;
  viewer: Viewer;
}

/** The filters of the list, and the search for one person. */
export function LeadFilterForms({ filters, hasOwners, viewer }: LeadFilterFormsProps) {
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
