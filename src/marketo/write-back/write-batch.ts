import { AppError } from '../../domain/app-error.js';
import type { ErrorCode } from '../../domain/error-catalog.js';
import type { OwedUpdate, SettledUpdate } from '../../ledger/marketo-updates.repository.js';
import type { MarketoValues } from '../../ledger/marketo-updates.repository.js';
import { recordError, type MarketoError } from '../client/errors.js';
import { RECORDS_PER_CALL, type MarketoApi, type MarketoField, type SyncResult } from '../client/marketo-api.js';
import type { FieldMap } from '../field-map.js';
import { changedFields, personFields } from './person-fields.js';

/** One person of a call: what is written, and how it is found. */
export interface PersonWrite {
  update: OwedUpdate;
  version: number;
  fields: MarketoValues;
  lookup: 'id' | 'email';
}

/** Marketo takes bodies of at most 1 MB. */
const BODY_BYTES = 900_000;
/**
 * So many people who fail alike in a call, none of which succeeds, have a setting in common and no fault of their own.
 */
const SHARED_FAULT = 3;
const SHARED = new Set<ErrorCode>(['MARKETO_RECORD_REJECTED', 'MARKETO_PARTITION_DENIED']);

/** What is settled without a call, and what has to be written. */
export function plan(updates: OwedUpdate[], map: FieldMap, fields: Map<string, MarketoField>) {
  const settled: SettledUpdate[] = [];
  const writes: PersonWrite[] = [];
  const pruned: string[] = [];
  for (const update of updates) {
    const { projection, sent, marketoId, byEmail } = update;
    if (!projection) {
      pruned.push(update.personKey);
      continue;
    }
    const { version } = projection;
    const changed = changedFields(map, personFields(map, { ...update, projection }, fields), sent);
    // The newest content waits for its score, which will be owed then; an older score must not be written meanwhile.
    if (version < update.version) settled.push(settledAs(update, update.version, 'skipped', {}));
    else if (update.superseded) settled.push(settledAs(update, version, 'skipped', {}));
    else if (Object.keys(changed).length === 0) settled.push(settledAs(update, version, 'sent', {}));
    else writes.push({ update, version, fields: changed, lookup: marketoId !== null && !byEmail ? 'id' : 'email' });
  }
  return { settled, writes, pruned };
}

/** Calls of one kind of look-up each, within Marketo's bounds of records and bytes. */
export function callsOf(writes: PersonWrite[]): PersonWrite[][] {
  const calls: PersonWrite[][] = [];
  for (const lookup of ['id', 'email'] as const) {
    let bytes = Infinity;
    for (const write of writes.filter((one) => one.lookup === lookup)) {
      const size = Buffer.byteLength(JSON.stringify(inputOf(write))) + 1;
      if (bytes + size > BODY_BYTES || calls.at(-1)!.length === RECORDS_PER_CALL) {
        calls.push([]);
        bytes = 0;
      }
      calls.at(-1)!.push(write);
      bytes += size;
    }
  }
  return calls;
}

/**
 * Writes the people of one call. The results are those of Marketo, record by record.
 * @throws AppError as MarketoClient.call, and MARKETO_MISCONFIGURED where the records show that a setting is wrong.
 */
export async function writePeople(api: MarketoApi, writes: PersonWrite[], signal?: AbortSignal): Promise<SettledUpdate[]> {
  const results = resultsOf(writes, await api.updatePeople(writes[0]!.lookup, writes.map(inputOf), signal));
  const errors = results.map(errorOf);
  const setting = errors.find((error) => error?.class === 'configuration') ?? sharedFault(errors);
  if (setting) throw setting;
  return writes.map((write, index) => settledBy(write, results[index]!, errors[index]!));
}

/**
 * The result of each person. Marketo gives them in the order of the input; one that names the record of another person
 * of the call is that person's all the same, so that no record is taken for another.
 * @throws AppError MARKETO_OUTCOME_UNKNOWN where there are more or fewer results than people.
 */
function resultsOf(writes: PersonWrite[], results: SyncResult[]): SyncResult[] {
  if (results.length !== writes.length) {
    throw new AppError('MARKETO_OUTCOME_UNKNOWN', `Marketo answered ${results.length} results for ${writes.length} people.`);
  }
  const wanted = new Set(writes.map(({ update }) => update.marketoId));
  if (writes[0]!.lookup === 'email' || wanted.size < writes.length) return results;
  const named = new Map(results.flatMap((result) => (result.id && wanted.has(result.id) ? [[result.id, result]] : [])));
  const others = results.filter(({ id }) => !id || !wanted.has(id));
  if (named.size + others.length !== writes.length) {
    throw new AppError('MARKETO_OUTCOME_UNKNOWN', 'Marketo answered two results for one person.');
  }
  return writes.map(({ update }) => named.get(update.marketoId!) ?? others.shift()!);
}

/** Calls that the search for a person whom Marketo refuses the whole call for may take: halves of 300 need eighteen. */
const SEARCH_CALLS = 24;

/**
 * As `writePeople`; where Marketo refuses the call as a whole, halves of it find the person whose values are the cause,
 * and the others are written. Where no part is accepted, it is no person's fault.
 * @param settle keeps what is known so far: a later part may fail.
 * @returns how many people were written.
 * @throws AppError as `writePeople`, and as `settle` does
 */
export async function writeApart(
  api: MarketoApi,
  writes: PersonWrite[],
  settle: (updates: SettledUpdate[]) => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  const refused: { write: PersonWrite; error: AppError }[] = [];
  const parts = [writes];
  let accepted = false;
  let written = 0;
  let first: AppError | undefined;
  for (let calls = 0; parts.length > 0 && calls < SEARCH_CALLS; calls++) {
    const part = parts.shift()!;
    try {
      const settled = await writePeople(api, part, signal);
      await settle(settled);
      accepted = true;
      written += settled.filter(({ state }) => state === 'sent').length;
    } catch (cause) {
      const error = AppError.from(cause);
      if (error.code !== 'MARKETO_REQUEST_REFUSED') throw cause;
      first ??= error;
      const half = Math.ceil(part.length / 2);
      if (part.length === 1) refused.push({ write: part[0]!, error });
      else parts.unshift(part.slice(0, half), part.slice(half));
    }
  }
  if (!accepted && first) throw first;
  await settle(
    refused.map(({ write: { update, version }, error }) =>
      settledAs(update, version, 'dead', {}, new AppError('MARKETO_RECORD_REJECTED', error.message)),
    ),
  );
  return written;
}

function inputOf({ update, fields, lookup }: PersonWrite): Record<string, unknown> {
  return { ...(lookup === 'id' ? { id: update.marketoId } : { email: update.projection!.lead.email }), ...fields };
}

function errorOf({ status, reasons }: SyncResult): AppError | null {
  if (status === 'updated' || status === 'created') return null;
  const reason: MarketoError = reasons?.[0] ?? { code: 'none', message: `status ${status} without a reason` };
  return recordError(reason);
}

function sharedFault(errors: (AppError | null)[]): AppError | null {
  const first = errors[0];
  if (errors.length < SHARED_FAULT || !first || !SHARED.has(first.code)) return null;
  if (!errors.every((error) => error?.signature === first.signature)) return null;
  const { answer, signature = 'marketo:alike' } = first;
  return new AppError('MARKETO_MISCONFIGURED', `Marketo refuses every person alike (${answer}).`, { signature });
}

function settledBy(write: PersonWrite, { id }: SyncResult, error: AppError | null): SettledUpdate {
  const { update, version, fields, lookup } = write;
  if (!error) {
    const found = { ...update, marketoId: id ?? update.marketoId, byEmail: !id && update.byEmail };
    return settledAs(found, version, 'sent', fields);
  }
  // Merged people keep the address: the surviving record is found by it.
  if (error.code === 'MARKETO_PERSON_GONE' && lookup === 'id') {
    return settledAs({ ...update, byEmail: true }, version, 'owed', {}, error);
  }
  const state = error.code === 'MARKETO_PERSON_GONE' ? 'skipped' : 'dead';
  return settledAs(update, version, state, {}, error);
}

function settledAs(
  { personKey, marketoId, byEmail, facts }: OwedUpdate,
  version: number,
  state: SettledUpdate['state'],
  fields: MarketoValues,
  error: AppError | null = null,
): SettledUpdate {
  const [code, message] = [error?.code ?? null, error ? `${error.message} ${error.answer ?? ''}`.trim() : null];
  return { personKey, version, state, fields, facts, marketoId, byEmail, code, message };
}
