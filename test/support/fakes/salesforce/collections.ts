import { collectionErrors, RequestRefused } from './errors.js';
import { objectOf, to18, type ObjectName } from './ids.js';
import { present } from './query.js';
import { bodyOf, contextOf, notAllowed, objectNamed, type ApiAnswer, type ApiCall, type Instance } from './resources.js';
import { matchesOf, write, type WriteOperation, type WriteOutcome } from './transaction.js';

const MOST = 200;

/**
 * /composite/sobjects: at most 200 records per call, one result per record in request order, 200 even where records
 * fail.
 */
export async function collections(instance: Instance, call: ApiCall, [name, external]: string[]): Promise<ApiAnswer> {
  const { org } = instance;
  if (name === undefined)
    switch (call.method) {
      case 'POST':
        return writeAll(
          instance,
          call,
          'create',
          records(call).map((record) => asCreate(instance, record)),
        );
      case 'PATCH':
        return writeAll(
          instance,
          call,
          'update',
          records(call).map((record) => asUpdate(instance, record)),
        );
      case 'DELETE':
        return remove(instance, call);
      default:
        throw notAllowed(call.method, 'DELETE,HEAD,PATCH,POST');
    }
  const object = objectNamed(org, name);
  if (external === undefined) return retrieve(instance, call, object);
  if (call.method !== 'PATCH') throw notAllowed(call.method, 'PATCH');
  matchesOf(org, object, external, '');
  const field = org.fieldOf(object, external)!.name;
  const operations = records(call).map((record): WriteOperation => {
    if (typeOf(instance, record) !== object)
      throw new RequestRefused(400, 'INVALID_INPUT', `All records must be of the type ${object}.`);
    const { attributes: _, [field]: value, ...fields } = record;
    return { act: 'upsert', object, external: { field, value: value ?? null }, fields };
  });
  return writeAll(instance, call, 'upsert', operations);
}

function records(call: ApiCall): Record<string, unknown>[] {
  const { records } = bodyOf(call);
  if (!Array.isArray(records)) throw new RequestRefused(400, 'JSON_PARSER_ERROR', 'The records of the request are not a list.');
  if (records.length > MOST) throw tooMany();
  return records as Record<string, unknown>[];
}

const tooMany = () =>
  new RequestRefused(400, 'EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${MOST} records into this call`);

function typeOf({ org }: Instance, record: Record<string, unknown>): ObjectName {
  const type = (record?.['attributes'] as { type?: string } | undefined)?.type;
  if (type === undefined)
    throw new RequestRefused(400, 'INVALID_INPUT', 'The sObject type of a record is missing: attributes.type is required.');
  return objectNamed(org, type);
}

function asCreate(instance: Instance, record: Record<string, unknown>): WriteOperation {
  const { attributes: _, ...fields } = record;
  return { act: 'create', object: typeOf(instance, record), fields };
}

function asUpdate(instance: Instance, record: Record<string, unknown>): WriteOperation {
  const { attributes: _, Id, id, ...fields } = record;
  const given = Id ?? id;
  return { act: 'update', object: typeOf(instance, record), ...(typeof given === 'string' ? { id: given } : {}), fields };
}

async function writeAll(
  instance: Instance,
  call: ApiCall,
  act: 'create' | 'update' | 'upsert',
  operations: WriteOperation[],
): Promise<ApiAnswer> {
  const outcomes = await write(instance.org, operations, contextOf(call, bodyOf(call)['allOrNone'] === true));
  return { status: 200, body: outcomes.map((outcome) => result(instance, outcome, act === 'upsert')) };
}

function result(instance: Instance, outcome: WriteOutcome, upserted: boolean): Record<string, unknown> {
  if (outcome.success) return { id: outcome.id, success: true, errors: [], ...(upserted ? { created: outcome.created } : {}) };
  const errors = instance.duplicateDetailsInCollections
    ? outcome.errors
    : outcome.errors.map(({ code, message, fields }) => ({ code, message, fields }));
  return {
    ...(outcome.id ? { id: outcome.id } : {}),
    success: false,
    errors: collectionErrors(errors, instance.misspellDuplicateResult),
  };
}

async function remove(instance: Instance, call: ApiCall): Promise<ApiAnswer> {
  const ids = (call.query.get('ids') ?? '').split(',').filter(Boolean);
  if (ids.length > MOST) throw tooMany();
  const operations = ids.map((id): WriteOperation => ({ act: 'delete', object: objectOf(id) ?? 'Lead', id, fields: {} }));
  const outcomes = await write(instance.org, operations, contextOf(call, call.query.get('allOrNone') === 'true'));
  return { status: 200, body: outcomes.map((outcome) => result(instance, outcome, false)) };
}

/** Records by id, in the requested order; null for a missing one. POST accepts lists that do not fit a URL. */
function retrieve({ org }: Instance, call: ApiCall, object: ObjectName): ApiAnswer {
  if (call.method !== 'GET' && call.method !== 'POST') throw notAllowed(call.method, 'GET,HEAD,POST');
  const asked =
    call.method === 'POST'
      ? (bodyOf(call) as { ids: string[]; fields: string[] })
      : { ids: call.query.get('ids')?.split(',') ?? [], fields: call.query.get('fields')?.split(',') ?? [] };
  if (asked.ids.length > 2000)
    throw new RequestRefused(400, 'EXCEEDED_ID_LIMIT', 'record limit reached. cannot submit more than 2000 ids');
  const found = asked.ids.map((id) => {
    const record = org.store.get(to18(id));
    if (!record || record['IsDeleted'] === true || objectOf(id) !== object) return null;
    return present(org, object, record, ['Id', ...asked.fields], call.version);
  });
  return { status: 200, body: found };
}
