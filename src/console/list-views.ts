import type { SavedView } from '../ledger/saved-views.repository.js';
import type { LeadFilters } from './components/lead-filters.js';
import type { ListView } from './pages/leads.page.js';

/** Lists that the service brings. */
const builtIn = (hotFrom: number) => [
  { name: 'All', query: '' },
  { name: 'Waiting for a score', query: 'state=received' },
  { name: 'Waiting for the CRM', query: 'state=enriched' },
  { name: 'Hot', query: `minScore=${hotFrom}` },
  { name: 'Dead', query: 'state=dead' },
];

/** Views are for everyone, and the text of a search may be a name, so a view has these filters alone. */
const SAVED_FILTERS = ['state', 'campaignId', 'intent', 'minScore', 'owner', 'from', 'to', 'sort'] as const;

/** The query of a list as a view keeps it. */
export function savableOf(filters: LeadFilters): string {
  const query = new URLSearchParams();
  for (const name of SAVED_FILTERS) if (filters[name] !== undefined) query.set(name, filters[name]);
  return query.toString();
}

/** All lists that have a name; the one with the filters of `query` is current. @param hotFrom of the scoring profile */
export function viewsOf(saved: SavedView[], query: URLSearchParams, hotFrom: number): ListView[] {
  const present = sorted(query);
  return [
    ...builtIn(hotFrom).map((view) => ({ ...view, saved: false })),
    ...saved.map(({ name, query: kept }) => ({ name, query: kept, saved: true })),
  ].map(({ name, query: own, saved: byOperator }) => ({
    name,
    href: own === '' ? '/console/leads' : `/console/leads?${own}`,
    current: sorted(new URLSearchParams(own)) === present,
    saved: byOperator,
  }));
}

function sorted(query: URLSearchParams): string {
  const copy = new URLSearchParams(query);
  copy.sort();
  return copy.toString();
}
