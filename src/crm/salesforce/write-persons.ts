import { AppError } from '../../domain/app-error.js';
import type { CrmExchange } from '../../domain/lead.js';
import type { CrmSync } from '../port.js';
import { auditFields } from '../audit-fields.js';
import type { SalesforceClient } from './client.js';
import { writeRecords, type RecordResult } from './collections.js';
import { recordError, type ApiError } from './errors.js';
import { leadFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValues } from './field-map.js';
import { matchPersons, type MatchScope, type Target } from './match.js';
import type { OrgSchema } from './org-schema.js';

/** Where a person is in the org now, what was sent and answered, and what was too long for its field. */
export interface WrittenPerson {
  target: Target;
  written: CrmExchange['lead'];
  cut: string[];
}
export type PersonResult = WrittenPerson | AppError;

export interface WriteTools {
  client: SalesforceClient;
  apiVersion: string;
  map: FieldMap;
  schema: OrgSchema;
  match: MatchScope;
  /** Whether the org's assignment rules run for new Leads. */
  assign: boolean;
}

/** How the shipped validation rule refuses an older version; salesforce/ has the same words. */
export const OLDER_VERSION = 'the lead already has a newer score version';

/** Merged, converted, created by another meanwhile: each look resolves one such surprise. */
const ROUNDS = 4;
const DUPLICATES_ARE_WARNINGS = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' };

interface Open {
  index: number;
  sync: CrmSync;
  /** Where the record is said to be; undefined: look for it. */
  target: Target | null | undefined;
  lastError: AppError | undefined;
}

/**
 * Makes each person's record show the projection: matched by key and address, updated by id, created only where nobody is found.
 * Each person is in `syncs` once. A record's failure is its own.
 * @param known where the persons were last time; undefined where that is not known.
 */
export async function writePersons(tools: WriteTools, syncs: CrmSync[], known: (Target | undefined)[]): Promise<PersonResult[]> {
  const results: PersonResult[] = [];
  let open = syncs.map((sync, index): Open => ({ index, sync, target: known[index], lastError: undefined }));
  for (let round = 0; round < ROUNDS && open.length > 0; round++) {
    await findTargets(tools, open);
    const again: Open[] = [];
    const settle = (entry: Open, result: PersonResult | 'look-again') => {
      if (result === 'look-again') again.push(entry);
      else results[entry.index] = result;
    };
    for (const entry of open.filter(({ target }) => target?.object === 'Contact'))
      settle(entry, { target: entry.target!, written: { answer: 'is-contact', fields: {} }, cut: [] });
    await update(
      tools,
      open.filter(({ target }) => target?.object === 'Lead'),
      settle,
    );
    await create(
      tools,
      open.filter(({ target }) => target === null),
      settle,
    );
    open = again;
  }
  for (const { index, lastError } of open) {
    results[index] = lastError ?? new AppError('CRM_RECORD_BUSY', 'The record in Salesforce changed each time we looked.');
  }
  return results;
}

async function findTargets({ client, apiVersion, match }: WriteTools, open: Open[]): Promise<void> {
  const unknown = open.filter(({ target }) => target === undefined);
  if (unknown.length === 0) return;
  const targets = await matchPersons(
    client,
    apiVersion,
    match,
    unknown.map(({ sync }) => sync),
  );
  unknown.forEach((entry, index) => (entry.target = targets[index]!));
}

type Settle = (entry: Open, result: PersonResult | 'look-again') => void;

/** FALSE: the header is TRUE by default on updates too, and a re-score must not change the owner. */
async function update(tools: WriteTools, entries: Open[], settle: Settle): Promise<void> {
  const headers = { ...DUPLICATES_ARE_WARNINGS, 'Sforce-Auto-Assign': 'FALSE' };
  await write(tools, 'PATCH', entries, headers, settle, (entry, error) => {
    // Somebody has written newer content: that is what we wanted there.
    if (isOlderVersion(error)) return 'newer-there';
    if (['ENTITY_IS_DELETED', 'CANNOT_UPDATE_CONVERTED_LEAD', 'INVALID_CROSS_REFERENCE_KEY', 'NOT_FOUND'].includes(error.code)) {
      return lookAgain(entry);
    }
    if (isTakenKey(error)) return lookAgain(entry);
    return null;
  });
}

async function create(tools: WriteTools, entries: Open[], settle: Settle): Promise<void> {
  const headers = { ...DUPLICATES_ARE_WARNINGS, 'Sforce-Auto-Assign': tools.assign ? 'TRUE' : 'FALSE' };
  await write(tools, 'POST', entries, headers, settle, (entry, error) => {
    // Another process has created it at this moment.
    if (isTakenKey(error)) return lookAgain(entry);
    if (error.code !== 'DUPLICATES_DETECTED') return null;
    const target = duplicateOf(error, tools.match);
    if (!target) return null;
    entry.target = target;
    return 'look-again';
  });
}

/** One call; `resolve` says what an error means where it means more than a failure. */
async function write(
  tools: WriteTools,
  method: 'POST' | 'PATCH',
  entries: Open[],
  headers: Record<string, string>,
  settle: Settle,
  resolve: (entry: Open, error: ApiError) => 'newer-there' | 'look-again' | null,
): Promise<void> {
  if (entries.length === 0) return;
  const records: FieldValues[] = [];
  const cuts: string[][] = [];
  let answers: RecordResult[];
  try {
    for (const { sync, target } of entries) {
      const fields = leadFieldsOf(tools.map, sync.projection, target ? 'update' : 'create');
      cuts.push(await tools.schema.cut(fields));
      records.push(target ? { Id: target.id, ...fields } : fields);
    }
    answers = await writeRecords(tools.client, method, 'Lead', records, headers);
  } catch (error) {
    for (const entry of entries) settle(entry, AppError.from(error));
    return;
  }
  entries.forEach((entry, index) => {
    const answer = answers[index]!;
    const fields = auditFields(records[index]!);
    if ('id' in answer) {
      const written = { answer: entry.target ? ('updated' as const) : ('created' as const), fields };
      return settle(entry, { target: { object: 'Lead', id: answer.id }, written, cut: cuts[index]! });
    }
    entry.lastError = recordError(answer.error, records[index]!);
    const means = resolve(entry, answer.error);
    if (means !== 'newer-there') return settle(entry, means ?? entry.lastError);
    settle(entry, { target: entry.target!, written: { answer: means, fields }, cut: [] });
  });
}

function lookAgain(entry: Open): 'look-again' {
  entry.target = undefined;
  return 'look-again';
}

function isOlderVersion({ code, message, fields }: ApiError): boolean {
  return code === 'FIELD_CUSTOM_VALIDATION_EXCEPTION' && (message.includes(OLDER_VERSION) || fields.includes(VERSION_FIELD));
}

function isTakenKey({ code, message, fields }: ApiError): boolean {
  return (
    code === 'DUPLICATE_VALUE' && (fields.includes(PERSON_KEY_FIELD) || message.includes(PERSON_KEY_FIELD) || fields.length === 0)
  );
}

/** The org's duplicate rule knows the person under another address. Ids tell their object: 00Q Lead, 003 Contact. */
function duplicateOf({ duplicates }: ApiError, match: MatchScope): Target | null {
  const lead = duplicates.find((id) => id.startsWith('00Q'));
  if (lead) return { object: 'Lead', id: lead };
  const contact = duplicates.find((id) => id.startsWith('003'));
  return contact && match === 'leads-and-contacts' ? { object: 'Contact', id: contact } : null;
}
