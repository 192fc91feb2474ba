import type { IncomingHttpHeaders } from 'node:http';
import { collections } from './collections.js';
import { composite } from './composite.js';
import { describeObject } from './describe.js';
import { notFound, recordError, RequestRefused, singleBody, statusOf, type RecordError } from './errors.js';
import { isId, KEY_PREFIX, objectOf, to18, type ObjectName } from './ids.js';
import type { Org } from './org.js';
import { present, QueryEngine, urlOf } from './query.js';
import { matchesOf, write, type WriteContext, type WriteOperation } from './transaction.js';

/** An authenticated call. Its path is split below /services/data/vXX.0/ and percent-decoded. */
export interface ApiCall {
  method: string;
  version: number;
  path: string[];
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  lockOf(index: number): 'plain' | 'wrapped' | null;
}

/** `body: undefined` is an answer without a body (204). */
export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** What the resources need from the org besides its records. */
export interface Instance {
  org: Org;
  queries: QueryEngine;
  misspellDuplicateResult: boolean;
  duplicateDetailsInCollections: boolean;
  limits(): { max: number; remaining: number };
}

export function objectNamed(org: Org, name: string | undefined): ObjectName {
  const found = (Object.keys(KEY_PREFIX) as ObjectName[]).find((each) => each.toLowerCase() === name?.toLowerCase());
  if (!found || org.accessTo(found) === 'none') throw notFound();
  return found;
}

/** @throws RequestRefused JSON_PARSER_ERROR */
export function bodyOf(call: ApiCall): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(call.body);
    if (body !== null && typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Answered below.
  }
  throw new RequestRefused(
    400,
    'JSON_PARSER_ERROR',
    'The HTTP entity body is required, but this request has no usable JSON in it.',
  );
}

/** Sforce-Auto-Assign is TRUE by default; allowSave exists since version 52. */
export function contextOf(call: ApiCall, allOrNone = false): WriteContext {
  const duplicate = String(call.headers['sforce-duplicate-rule-header'] ?? '').toLowerCase();
  return {
    autoAssign: String(call.headers['sforce-auto-assign'] ?? 'true').toLowerCase() !== 'false',
    allowSave: call.version >= 52 && /allowsave\s*=\s*true/.test(duplicate),
    includeRecordDetails: /includerecorddetails\s*=\s*true/.test(duplicate),
    version: call.version,
    allOrNone,
    lockOf: call.lockOf,
  };
}

export async function answer(instance: Instance, call: ApiCall): Promise<ApiAnswer> {
  const [first, ...rest] = call.path;
  switch (first) {
    case 'limits':
      return only(call, 'GET', () => limits(instance));
    case 'query':
    case 'queryAll':
      return only(call, 'GET', () => query(instance, call, first === 'queryAll', rest[0]));
    case 'composite':
      if (rest[0] === undefined) return composite(instance, call);
      if (rest[0] !== 'sobjects') throw notFound();
      return collections(instance, call, rest.slice(1));
    case 'sobjects':
      return sobjects(instance, call, rest);
    default:
      throw notFound();
  }
}

export function notAllowed(method: string, allowed: string): RequestRefused {
  return new RequestRefused(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed. Allowed are ${allowed}`);
}

function only(call: ApiCall, allowed: string, act: () => ApiAnswer): ApiAnswer {
  if (call.method !== allowed) throw notAllowed(call.method, allowed);
  return act();
}

function limits({ limits }: Instance): ApiAnswer {
  const { max, remaining } = limits();
  return { status: 200, body: { DailyApiRequests: { Max: max, Remaining: remaining } } };
}

function query({ queries }: Instance, call: ApiCall, all: boolean, locator: string | undefined): ApiAnswer {
  if (locator !== undefined) return { status: 200, body: queries.more(locator, call.version) };
  const soql = call.query.get('q');
  if (!soql) throw new RequestRefused(400, 'MALFORMED_QUERY', 'SOQL statement cannot be empty');
  const asked = Number(/batchSize=(\d+)/.exec(String(call.headers['sforce-query-options'] ?? ''))?.[1] ?? 2000);
  const pageSize = Math.min(Math.max(asked, 200), 2000);
  return { status: 200, body: queries.run(soql, { all, version: call.version, pageSize }) };
}

async function sobjects(instance: Instance, call: ApiCall, [name, second, third]: string[]): Promise<ApiAnswer> {
  const { org } = instance;
  const object = objectNamed(org, name);
  const access = org.accessTo(object) === 'edit';
  if (second === 'describe')
    return only(call, 'GET', () => ({
      status: 200,
      body: describeObject(object, org.fieldsOf(object), { create: access, edit: access, delete: access }),
    }));
  if (second === undefined) {
    if (call.method !== 'POST') throw notAllowed(call.method, 'GET,HEAD,POST');
    return single(instance, call, { act: 'create', object, fields: withoutAttributes(bodyOf(call)) });
  }
  if (third !== undefined) return byExternalId(instance, call, object, second, third);
  return byId(instance, call, object, second);
}

function withoutAttributes(record: Record<string, unknown>): Record<string, unknown> {
  const { attributes: _, ...fields } = record;
  return fields;
}

async function byId(instance: Instance, call: ApiCall, object: ObjectName, id: string): Promise<ApiAnswer> {
  const { org } = instance;
  const record = isId(id) && objectOf(id) === object ? org.store.get(to18(id)) : undefined;
  if (!record)
    throw new RequestRefused(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${id}`);
  if (record['IsDeleted'] === true) throw new RequestRefused(404, 'ENTITY_IS_DELETED', 'entity is deleted', []);
  switch (call.method) {
    case 'GET': {
      const asked = call.query.get('fields')?.split(',') ?? org.fieldsOf(object).map((spec) => spec.name);
      return { status: 200, body: present(org, object, record, asked, call.version) };
    }
    case 'PATCH': {
      const fields = withoutAttributes(bodyOf(call));
      if ('Id' in fields) throw mayNotHold('Id');
      requireUnmodified(call, String(record['LastModifiedDate']));
      return single(instance, call, { act: 'update', object, id, fields });
    }
    case 'DELETE':
      return single(instance, call, { act: 'delete', object, id, fields: {} });
    default:
      throw notAllowed(call.method, 'DELETE,GET,HEAD,PATCH');
  }
}

/** If-Unmodified-Since has whole seconds, as the times of records. */
function requireUnmodified({ headers }: ApiCall, lastModified: string): void {
  const since = headers['if-unmodified-since'];
  if (since === undefined) return;
  const at = Date.parse(since);
  if (Number.isNaN(at)) throw new RequestRefused(400, 'MALFORMED_QUERY', `Invalid If-Unmodified-Since: ${since}`);
  if (Date.parse(lastModified.replace('+0000', 'Z')) <= at) return;
  const message = 'record has been modified since the specified date';
  throw new RequestRefused(412, 'ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE_CHECK', message, []);
}

const mayNotHold = (field: string) =>
  new RequestRefused(400, 'INVALID_FIELD', `The ${field} field should not be specified in the sobject data.`, [field]);

async function byExternalId(
  instance: Instance,
  call: ApiCall,
  object: ObjectName,
  field: string,
  value: string,
): Promise<ApiAnswer> {
  const { org } = instance;
  const ids = matchesOf(org, object, field, value);
  if (ids.length > 1) return { status: 300, body: ids.map((id) => urlOf(call.version, object, id)) };
  switch (call.method) {
    case 'GET':
    case 'DELETE':
      if (ids.length === 0) throw notFound();
      return byId(instance, call, object, ids[0]!);
    case 'PATCH': {
      const fields = withoutAttributes(bodyOf(call));
      if (field in fields) throw mayNotHold(field);
      return single(instance, call, {
        act: 'upsert',
        object,
        external: { field: org.fieldOf(object, field)!.name, value },
        fields,
      });
    }
    default:
      throw notAllowed(call.method, 'DELETE,GET,HEAD,PATCH');
  }
}

/**
 * 201 for a new record; 204 for an update by id or a delete; an upsert that updates answers 200 with the id since
 * version 46.
 */
async function single(instance: Instance, call: ApiCall, operation: WriteOperation): Promise<ApiAnswer> {
  const [outcome] = await write(instance.org, [operation], contextOf(call));
  if (!outcome!.success) return refused(outcome!.errors, instance.misspellDuplicateResult);
  const { id, created } = outcome!;
  if (created) return { status: 201, body: { id, success: true, errors: [], ...(operation.external ? { created } : {}) } };
  if (!operation.external || call.version < 46) return { status: 204, body: undefined };
  return { status: 200, body: { id, success: true, errors: [], created } };
}

function refused(errors: RecordError[], misspelt: boolean): ApiAnswer {
  const first = errors[0] ?? recordError('UNKNOWN_EXCEPTION', 'An unexpected error occurred.');
  return { status: statusOf(first), body: singleBody(errors, misspelt) };
}
