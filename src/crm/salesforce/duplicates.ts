import { AppError } from '../../domain/app-error.js';
import type { SentFields } from '../../domain/lead.js';
import type { CrmSync } from '../port.js';
import {
  belongsTo,
  isKnownByKeyAlone,
  personKeysOf,
  recordsById,
  type MatchTools,
  type PersonMatch,
  type Target,
} from './match.js';

/** SALESFORCE_ON_DUPLICATE */
export type OnDuplicate = 'dead-letter' | 'membership';

/** A person whom a duplicate rule keeps from being created, with the records that the rule names. */
export interface BlockedPerson {
  sync: CrmSync;
  key: string | null;
  duplicates: string[];
  answer: string;
  sent: SentFields;
}

/** The person's own record under another guise, a record of another person that gets the membership, or why neither. */
export type DuplicateDecision = { own: PersonMatch } | { membershipOf: Target } | AppError;

const NAMED_AT_MOST = 3;
const LOOKED_AT = 5;

/**
 * Looks at the records that a duplicate rule names. Such rules match by name and company too, so a record may be
 * another person's: it is never written to.
 */
export async function decideDuplicates(
  tools: MatchTools & { onDuplicate: OnDuplicate },
  blocked: BlockedPerson[],
): Promise<DuplicateDecision[]> {
  const ids = [...new Set(blocked.flatMap(({ duplicates }) => duplicates.slice(0, LOOKED_AT)))];
  const records = new Map((await recordsById(tools, ids)).map((record) => [record.Id, record]));
  return blocked.map((person) => {
    const { sync, key, duplicates, answer, sent } = person;
    const open = duplicates.flatMap((id) => {
      const record = records.get(id);
      return record && !record.IsDeleted && !record.IsConverted ? [record] : [];
    });
    const own = open.filter((record) => belongsTo(sync, record));
    const target = own
      .map(({ Id }) => targetOf(Id))
      .find(({ object }) => object === 'Lead' || tools.match === 'leads-and-contacts');
    if (target) {
      const record = records.get(target.id)!;
      const keys = personKeysOf(sync.personKey);
      return {
        own: {
          target,
          key: keys.find((each) => each === record.RF_Person_Key__c?.toLowerCase()) ?? key,
          email: record.Email ?? null,
          byKeyAlone: isKnownByKeyAlone(record, sync.projection.lead.email),
        },
      };
    }
    const strangers = open.filter((record) => !own.includes(record)).map(({ Id }) => Id);
    if (own.length === 0 && strangers.length > 0) {
      return tools.onDuplicate === 'membership'
        ? { membershipOf: targetOf(strangers[0]!) }
        : otherPersonError(sync, strangers, 'a duplicate rule of Salesforce takes this person for', { answer, sent });
    }
    return blockedError(sync, null, duplicates, { answer, sent });
  });
}

/** The person's Lead was merged into a record of another person. */
export function mergedError(sync: CrmSync, id: string): AppError {
  return otherPersonError(sync, [id], "this person's Lead was merged in Salesforce into", {});
}

/** A duplicate rule forbids the write, and names no record that this person could have. */
export function blockedError(
  sync: CrmSync,
  target: Target | null,
  duplicates: string[],
  details: { answer?: string; sent?: SentFields },
): AppError {
  const what = target ? `${target.object} ${target.id} is not changed` : `Lead ${sync.projection.lead.id} is not written`;
  const whom = duplicates.length > 0 ? `finds ${listed(duplicates)}` : 'names no record that the integration user may see';
  return new AppError(
    'CRM_DUPLICATE_BLOCKED',
    `${what}: a duplicate rule of Salesforce blocks it and ${whom}. Merge the records or change the rule in Salesforce, then replay.`,
    details,
  );
}

function otherPersonError(
  sync: CrmSync,
  others: string[],
  why: string,
  details: { answer?: string; sent?: SentFields },
): AppError {
  return new AppError(
    'CRM_DUPLICATE_OF_OTHER_PERSON',
    `Lead ${sync.projection.lead.id} is not written: ${why} ${listed(others)}, which has another address or another person's key. ` +
      'Merge the records or change the rule in Salesforce, then replay.',
    details,
  );
}

export function targetOf(id: string): Target {
  return { object: id.startsWith('003') ? 'Contact' : 'Lead', id };
}

/** A rule may compare with Accounts and with objects of the org too. */
const OBJECTS: Record<string, string> = { '00Q': 'Lead', '003': 'Contact', '001': 'Account' };

function listed(ids: string[]): string {
  const names = ids.slice(0, NAMED_AT_MOST).map((id) => `${OBJECTS[id.slice(0, 3)] ?? 'record'} ${id}`);
  return ids.length > NAMED_AT_MOST ? `${names.join(', ')} and ${ids.length - NAMED_AT_MOST} more` : names.join(', ');
}
