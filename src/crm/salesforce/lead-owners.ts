import { AppError } from '../../domain/app-error.js';
import type { CrmSync } from '../port.js';
import type { ApiError } from './api-error.js';
import type { Notices } from './notices.js';

/** A person's record on its way to the org, as far as its owner is concerned. */
export interface OwnedEntry {
  sync: Pick<CrmSync, 'owner'>;
  match: { ownerId?: string } | undefined;
  notes: string[];
  /** The owner by the routing rules. Undefined: not decided; null: the org assigns the Lead. */
  ownerId: string | null | undefined;
}

export interface RecordOwner {
  /** The owner, where routing rules are in use and it is known. */
  owner?: { id: string; created: boolean };
}

export function isRouted({ ownerId }: OwnedEntry): boolean {
  return typeof ownerId === 'string';
}

/** Decides the owners of new Leads. A Lead whose owner cannot be decided now is not created. */
export async function withOwners<Entry extends OwnedEntry>(
  entries: Entry[],
  settle: (entry: Entry, error: AppError) => void,
): Promise<Entry[]> {
  const decided = await Promise.all(
    entries.map(async (entry) => {
      try {
        if (entry.ownerId === undefined) entry.ownerId = (await entry.sync.owner?.choose()) ?? null;
        return entry;
      } catch (cause) {
        settle(entry, AppError.from(cause));
        return null;
      }
    }),
  );
  return decided.filter((entry) => entry !== null);
}

/** Another owner is decided; the ledger says when there have been enough of them. */
export async function chooseAgain<Entry extends OwnedEntry>(
  notices: Notices,
  entry: Entry,
  error: ApiError,
  settle: (entry: Entry, result: 'again' | AppError) => void,
): Promise<void> {
  const refused = entry.ownerId!;
  notices.ownerRefused(refused, error.code);
  entry.notes.push(`The org refuses the owner ${refused} (${error.code}): the routing rules decide again.`);
  try {
    entry.ownerId = await entry.sync.owner!.refused(refused, error.code === 'INACTIVE_OWNER_OR_USER' ? 'inactive' : 'refused');
    settle(entry, 'again');
  } catch (cause) {
    settle(entry, AppError.from(cause));
  }
}

/** The owner of an existing record, or the one that a new record was given. */
export function ownerOf({ sync, match, ownerId }: OwnedEntry, created: boolean): RecordOwner {
  if (!sync.owner) return {};
  const id = created ? ownerId : match?.ownerId;
  return id ? { owner: { id, created } } : {};
}
