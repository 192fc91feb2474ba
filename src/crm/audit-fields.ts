import type { SentFields } from '../domain/lead.js';
import { truncateText } from '../platform/truncate-text.js';
import type { CrmSync } from './port.js';

/** A message may have 64 KiB: the audit trail keeps enough of it to recognise it. */
const VALUE_AT_MOST = 200;
const ALL_AT_MOST = 8000;

/**
 * What was sent, as the audit trail keeps it: by the CRM's names of the fields, without those that were left empty, and
 * of a bounded size. It is the record itself and no list of names, since the row that it was made of changes with the
 * next revision.
 */
export function auditFields(record: Record<string, unknown>): SentFields {
  const fields: SentFields = {};
  let room = ALL_AT_MOST;
  let left = 0;
  for (const [name, value] of Object.entries(record)) {
    if (value === null || value === undefined) continue;
    const kept = typeof value === 'string' ? shortened(value) : (value as number | boolean);
    room -= name.length + String(kept).length;
    if (room < 0) left++;
    else fields[name] = kept;
  }
  if (left > 0) fields['…'] = `${left} more`;
  return fields;
}

function shortened(text: string): string {
  return text.length <= VALUE_AT_MOST ? text : `${truncateText(text, VALUE_AT_MOST)}… (${text.length} characters)`;
}
/** Names the lead whose content was sent, where that is not the one that was synced. */
export function contentOf({ campaignId, projection: { lead } }: CrmSync): { contentOf?: string } {
  return lead.campaignId === campaignId ? {} : { contentOf: lead.id };
}
