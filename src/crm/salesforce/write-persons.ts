import { AppError } from '../../domain/app-error.js';
import type { CrmExchange } from '../../domain/lead.js';
import type { CrmSync } from '../port.js';
import { auditFields } from '../audit-fields.js';
import { blockedError, decideDuplicates, mergedError, targetOf, type BlockedPerson, type OnDuplicate } from './duplicates.js';
import type { ApiError } from './api-error.js';
import { recordError } from './errors.js';
import { PERSON_KEY_FIELD, type FieldMap, type FieldValues } from './field-map.js';
import { personalTextsOf } from './kept-answer.js';
import { matchPersons, type MatchTools, type PersonMatch, type Target } from './match.js';
import { chooseAgain, isRouted, ownerOf, withOwners, type OwnedEntry, type RecordOwner } from './lead-owners.js';
import type { OrgSchema } from './org-schema.js';
import { personRecord, type PersonRecord } from './person-record.js';
import {
  isGone,
  isKeyTaken,
  isOlderVersion,
  isOthersKey,
  isOwnerRefused,
  nextTry,
  withLeftOut,
  type TryState,
} from './refusals.js';
import type { Act, SharedCauses } from './shared-causes.js';
import { writeInParts, type PartTools } from './write-in-parts.js';

/** Where a person is in the org now, what was sent and answered, and what of it the org does not have. */
export interface WrittenPerson extends RecordOwner {
  target: Target;
  written: CrmExchange['lead'];
  cut: string[];
  leftOut: string[];
  notes: string[];
}
export type PersonResult = WrittenPerson | AppError;

export interface WriteTools extends MatchTools, PartTools {
  map: FieldMap;
  schema: OrgSchema;
  causes: SharedCauses;
  /** Whether the org's assignment rules run for new Leads. */
  assign: boolean;
  onDuplicate: OnDuplicate;
  /** Whether a Lead is written without an optional field that the org refuses. */
  leaveOut: boolean;
  clock: { now(): number };
}

/** What this process wrote of a person last. */
export interface KnownPerson {
  target: Target;
  version: number;
  /** The owner that was seen, where routing rules are in use. */
  ownerId?: string;
}

/**
 * Merged, converted, created by another meanwhile, refused with one field after the other: each round resolves one such
 * surprise.
 */
const ROUNDS = 7;
/** The error is about something else then: about a lookup, or about a record that the integration user may not see. */
const MISLED_AT_MOST = 2;
const DUPLICATES_ARE_WARNINGS = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };
const NOTHING_SENT = { cut: [], leftOut: [], notes: [] };

interface Open extends TryState, OwnedEntry {
  index: number;
  sync: CrmSync;
  /** Where the person is; undefined: look. */
  match: PersonMatch | undefined;
  lastError: AppError | undefined;
  /** Errors that said that the person is elsewhere, while the same record was found again. */
  misled: number;
}
type Settle = (entry: Open, result: PersonResult | 'again') => void;

/**
 * Makes each person's record show the projection: matched by key and address, updated by id, created only where no
 * record is found. What a query or an error points to is written to only where it is this person's. Each person is in
 * `syncs` once. A record's failure is its own.
 * @param known what this process has written last; it is not sent again where the person still is there.
 */
export async function writePersons(
  tools: WriteTools,
  syncs: CrmSync[],
  known: (KnownPerson | undefined)[],
): Promise<PersonResult[]> {
  const results: PersonResult[] = [];
  let open = syncs.map((sync, index): Open => ({
    index,
    sync,
    match: undefined,
    omit: new Set(),
    unassigned: false,
    bare: false,
    notes: [],
    lastError: undefined,
    misled: 0,
    ownerId: undefined,
  }));
  for (let round = 0; round < ROUNDS && open.length > 0; round++) {
    const again: Open[] = [];
    const settle: Settle = (entry, result) => {
      if (result === 'again') again.push(entry);
      else results[entry.index] = result;
    };
    await findPersons(tools, open);
    const due = open.filter((entry) => !settledWithoutWrite(tools, entry, known[entry.index], settle));
    // Both before the first write: what it settles may have to be looked for again.
    const [existing, fresh] = [due.filter(({ match }) => match!.target), due.filter(({ match }) => !match!.target)];
    await update(tools, existing, settle);
    await create(tools, fresh, settle);
    open = again;
  }
  for (const { index, lastError } of open) {
    results[index] = lastError ?? new AppError('CRM_RECORD_BUSY', 'The record in Salesforce changed each time we looked.');
  }
  return results;
}

async function findPersons(tools: WriteTools, open: Open[]): Promise<void> {
  const unknown = open.filter(({ match }) => match === undefined);
  if (unknown.length === 0) return;
  const matches = await matchPersons(
    tools,
    unknown.map(({ sync }) => sync),
  );
  unknown.forEach((entry, index) => (entry.match = matches[index]!));
}

function settledWithoutWrite(tools: WriteTools, entry: Open, known: KnownPerson | undefined, settle: Settle): boolean {
  const { sync, match } = entry;
  const { target, key, mergedInto } = match!;
  if (target?.object === 'Contact') {
    settle(entry, { target, written: { answer: 'is-contact', fields: {} }, ...NOTHING_SENT, ...ownerOf(entry, false) });
  } else if (target && known && target.id === known.target.id && known.version >= sync.projection.version) {
    settle(entry, { target, written: { answer: 'sent-before', fields: {} }, ...NOTHING_SENT, ...ownerOf(entry, false) });
  } else if (!target && mergedInto) {
    tools.notices.otherPerson(mergedInto);
    settle(entry, tools.onDuplicate === 'membership' ? otherPerson(entry, targetOf(mergedInto)) : mergedError(sync, mergedInto));
  } else if (!target && key === null) {
    const closed =
      'Two converted Leads have the keys of this person, and their Contacts are deleted or hidden. Restore or share a Contact.';
    settle(entry, new AppError('CRM_RECORD_REJECTED', closed));
  } else return false;
  return true;
}

function otherPerson({ notes }: Open, target: Target): WrittenPerson {
  const note = `The membership is given to ${target.object} ${target.id}, which Salesforce takes for this person; nothing else of it is changed.`;
  return { target, written: { answer: 'other-person', fields: {} }, cut: [], leftOut: [], notes: [...notes, note] };
}

/** Those that only the key shows to be the person's go apart: the key is what Salesforce finds them by as it writes. */
async function update(tools: WriteTools, entries: Open[], settle: Settle): Promise<void> {
  const byKey = new Set(entries.filter(({ match }) => match!.byKeyAlone));
  const byId = entries.filter((entry) => !byKey.has(entry));
  await updateBy(undefined, tools, byId, settle);
  await updateBy(PERSON_KEY_FIELD, tools, [...byKey], settle);
}

/** FALSE: the header is TRUE by default on updates too, and a re-score must not change the owner. */
async function updateBy(externalId: string | undefined, tools: WriteTools, entries: Open[], settle: Settle): Promise<void> {
  const headers = { ...DUPLICATES_ARE_WARNINGS, 'Sforce-Auto-Assign': 'FALSE' };
  // The key has just been taken from the record, and what an update has is not enough for a new Lead.
  const noLead = ({ code }: ApiError) => externalId !== undefined && code === 'REQUIRED_FIELD_MISSING';
  await write(tools, { act: 'update', headers, externalId }, entries, settle, async (refused) => {
    for (const { entry, error, record } of refused) {
      const { target } = entry.match!;
      if (isOlderVersion(error)) {
        // Newer content was written meanwhile: that is what we wanted there.
        const fields = auditFields({ ...record.fields });
        settle(entry, { target: target!, written: { answer: 'newer-there', fields }, ...NOTHING_SENT, ...ownerOf(entry, false) });
      } else if (mayBeElsewhere(entry, isGone(error) || isKeyTaken(error, record.fields) || isOthersKey(error) || noLead(error)))
        lookAgain(entry, settle);
      else if (error.code === 'DUPLICATES_DETECTED') {
        const { answer, sent } = entry.lastError!;
        settle(
          entry,
          blockedError(entry.sync, target, error.duplicates, { ...(answer ? { answer } : {}), ...(sent ? { sent } : {}) }),
        );
      } else await tryOtherwise(tools, 'update', { entry, error, record }, settle);
    }
  });
}

/**
 * New Leads go through the assignment rules, but those that have an owner by the routing rules, and those that an
 * assignment rule gave to an inactive user.
 */
async function create(tools: WriteTools, fresh: Open[], settle: Settle): Promise<void> {
  const entries = await withOwners(fresh, settle);
  for (const assign of tools.assign ? [true, false] : [false]) {
    const headers = { ...DUPLICATES_ARE_WARNINGS, 'Sforce-Auto-Assign': assign ? 'TRUE' : 'FALSE' };
    const due = entries.filter((entry) => !tools.assign || (entry.unassigned || isRouted(entry)) !== assign);
    await write(tools, { act: 'create', headers }, due, settle, async (refused) => {
      const blocked = refused.filter(({ error }) => error.code === 'DUPLICATES_DETECTED');
      await settleDuplicates(tools, blocked, settle);
      for (const each of refused) {
        if (each.error.code === 'DUPLICATES_DETECTED') continue;
        // Another process has created it at this moment.
        if (mayBeElsewhere(each.entry, isKeyTaken(each.error, each.record.fields))) lookAgain(each.entry, settle);
        else if (isRouted(each.entry) && isOwnerRefused(each.error, each.entry.ownerId!))
          await chooseAgain(tools.notices, each.entry, each.error, settle);
        else await tryOtherwise(tools, 'create', each, settle);
      }
    });
  }
}

interface Refused {
  entry: Open;
  error: ApiError;
  record: PersonRecord;
}

async function settleDuplicates(tools: WriteTools, refused: Refused[], settle: Settle): Promise<void> {
  if (refused.length === 0) return;
  const blocked = refused.map(({ entry, error }): BlockedPerson => {
    const { answer = '', sent = {} } = entry.lastError!;
    return { sync: entry.sync, key: entry.match!.key, duplicates: error.duplicates, answer, sent };
  });
  const decisions = await decideDuplicates(tools, blocked);
  refused.forEach(({ entry, error }, index) => {
    const decision = decisions[index]!;
    if ('own' in decision) {
      entry.match = decision.own;
      return settle(entry, 'again');
    }
    if (error.duplicates[0]) tools.notices.otherPerson(error.duplicates[0]);
    settle(entry, decision instanceof AppError ? decision : otherPerson(entry, decision.membershipOf));
  });
}

/** Once more without what the org refuses, where the Lead can do without; else the error, judged by what passes. */
async function tryOtherwise(tools: WriteTools, act: Act, { entry, error, record }: Refused, settle: Settle): Promise<void> {
  const again = await nextTry(tools, act, entry, error, record.fields);
  settle(entry, again ? 'again' : withLeftOut(entry.lastError!, error, entry.omit));
}

/** One write; `resolve` settles the records that were refused. */
async function write(
  tools: WriteTools,
  { act, headers, externalId }: { act: Act; headers: Record<string, string>; externalId?: string | undefined },
  entries: Open[],
  settle: Settle,
  resolve: (refused: Refused[]) => Promise<void>,
): Promise<void> {
  if (entries.length === 0) return;
  const beganAt = tools.clock.now();
  const records = await Promise.all(entries.map(({ sync, match, omit }) => personRecord(tools, sync, match!, omit)));
  const sent = records.map(({ fields }, index): FieldValues => {
    const { match, ownerId } = entries[index]!;
    const id = match!.target?.id;
    if (externalId !== undefined) return fields;
    if (id !== undefined) return { Id: id, ...fields };
    if (ownerId) fields['OwnerId'] = ownerId;
    return fields;
  });
  const method = act === 'create' ? 'POST' : 'PATCH';
  const answers = await writeInParts(tools, { method, object: 'Lead', records: sent, headers, externalId });
  const passes = answers.some((answer) => 'id' in answer);
  if (passes) tools.causes.passed(act, beganAt);
  const refused: Refused[] = [];
  entries.forEach((entry, index) => {
    const answer = answers[index]!;
    const record = records[index]!;
    if (answer instanceof AppError) settle(entry, answer);
    else if ('id' in answer && answer.created && act === 'update') completeNew(entry, answer.id, settle);
    else if ('id' in answer) settle(entry, writtenPerson(tools, entry, act, { object: 'Lead', id: answer.id }, record));
    else {
      entry.lastError = tools.causes.judge(
        act,
        recordError(answer.error, sent[index]!, personalTextsOf(entry.sync.projection.lead)),
        passes,
      );
      refused.push({ entry, error: answer.error, record });
    }
  });
  if (refused.length > 0) await resolve(refused);
}

function writtenPerson({ notices }: WriteTools, entry: Open, act: Act, target: Target, record: PersonRecord): WrittenPerson {
  const { fields, cut, unreadable } = record;
  for (const name of unreadable) notices.fieldLeftOut(name, 'unreadable');
  const notes = [
    ...entry.notes,
    ...record.notes,
    ...unreadable.map((name) => `${name} is left out: its value cannot be read as what the field holds.`),
  ];
  const written = { answer: act === 'create' ? ('created' as const) : ('updated' as const), fields: auditFields(fields) };
  const leftOut = [...new Set([...entry.omit, ...unreadable])];
  return { target, written, cut, leftOut, notes, ...ownerOf(entry, act === 'create') };
}

function mayBeElsewhere(entry: Open, said: boolean): boolean {
  return said && ++entry.misled <= MISLED_AT_MOST;
}

/** A user has just taken the key from the record: an upsert made a Lead of what an update has. The rest follows. */
function completeNew(entry: Open, id: string, settle: Settle): void {
  entry.match = { target: { object: 'Lead', id }, key: entry.match!.key, email: null, byKeyAlone: false };
  settle(entry, 'again');
}

function lookAgain(entry: Open, settle: Settle): void {
  entry.match = undefined;
  settle(entry, 'again');
}
