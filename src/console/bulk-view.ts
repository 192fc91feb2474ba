import type { BulkActionProgress } from '../ledger/bulk-actions.repository.js';
import type { BulkProgress } from './pages/bulk.page.js';
import { maskedEmail, maskedName, withoutAddresses } from './personal-data.js';

const REFUSED_LISTED = 100;

/** Leads that are in the CRM are done, those that are dead again have failed, the others are under way. */
export function bulkProgressOf(action: BulkActionProgress, section: string, masked: boolean): BulkProgress {
  const { states, refused, open, leadCount } = action;
  const moving = (states.received ?? 0) + (states.enriched ?? 0);
  const known = Object.values(states).reduce((sum, count) => sum + count, 0);
  return {
    id: action.id,
    title: action.kind === 'replay-dead-letters' ? 'Replay of dead letters' : 'Replay of rejections',
    section,
    by: action.who,
    startedAt: action.at.toISOString(),
    perSecond: action.perSecond,
    state: open + moving > 0 ? 'running' : 'done',
    total: open + leadCount + refused.length,
    open,
    moving,
    done: states.synced ?? 0,
    failed: (states.dead ?? 0) + (states.discarded ?? 0) + refused.length,
    erased: leadCount - known,
    results: bulkRowsOf({ ...action, refused: refused.slice(0, REFUSED_LISTED) }, masked),
  };
}

/** The result of each row; those that failed come first. */
export function bulkRowsOf({ kind, leads, refused }: Pick<BulkActionProgress, 'kind' | 'leads' | 'refused'>, masked: boolean) {
  const ofRejections = kind === 'replay-rejections';
  return [
    ...refused.map(({ id, code, detail }) => ({
      href: `/console/${ofRejections ? 'rejections' : 'leads'}/${id}`,
      label: masked ? withoutAddresses(detail) : detail,
      outcome: `${ofRejections ? 'still refused' : 'not replayed'}: ${code}`,
      tone: 'bad' as const,
    })),
    ...leads.map(({ id, name, email, state, code }) => ({
      href: `/console/leads/${id}`,
      label: masked ? (maskedName(name) ?? maskedEmail(email)) : (name ?? email),
      outcome: state === 'dead' ? `dead again: ${code}` : state,
      tone: state === 'dead' ? ('bad' as const) : state === 'synced' ? ('good' as const) : ('accent' as const),
    })),
  ];
}
