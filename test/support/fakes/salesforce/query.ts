import { RequestRefused } from './errors.js';
import { isId, KEY_PREFIX, to18, type ObjectName } from './ids.js';
import type { Org } from './org.js';
import type { FieldSpec } from './schema.js';
import { parseSoql, type Condition, type Literal, type Select } from './soql.js';
import type { StoredRecord } from './store.js';

interface Column {
  spec: FieldSpec;
  /** The field of this record that holds the parent's id, for `Campaign.Name`. */
  through: FieldSpec | null;
}

type Row = Record<string, unknown>;

function columnOf(org: Org, object: ObjectName, path: string): Column {
  const [first, second, more] = path.split('.');
  const missing = (on: string, name: string) =>
    new RequestRefused(
      400,
      'INVALID_FIELD',
      `\n${path}\n^\nERROR at Row:1:Column:1\nNo such column '${name}' on entity '${on}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
    );
  if (second === undefined) {
    const spec = org.fieldOf(object, first!);
    if (!spec) throw missing(object, first!);
    return { spec, through: null };
  }
  const through = org.fieldsOf(object).find((each) => each.relationshipName?.toLowerCase() === first!.toLowerCase());
  const parent = through?.referenceTo[0] as ObjectName | undefined;
  const spec = parent && parent in KEY_PREFIX && more === undefined ? org.fieldOf(parent, second) : undefined;
  if (!through || !spec) throw missing(object, path);
  return { spec, through };
}

function valueOf(org: Org, { spec, through }: Column, record: StoredRecord): unknown {
  if (!through) return record[spec.name] ?? null;
  const parent = record[through.name] ? org.store.get(String(record[through.name])) : undefined;
  return parent?.[spec.name] ?? null;
}

/** Comparison ignores case, but for unique case-sensitive fields; ids compare by their 18 characters. */
function comparable({ spec }: Column, value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (spec.type === 'datetime') return Date.parse(String(value));
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (spec.type === 'id' || spec.type === 'reference') return isId(value) ? to18(value) : String(value);
  return spec.caseSensitive ? String(value) : String(value).toLowerCase();
}

function operand(column: Column, value: Literal): string | number | boolean | null {
  const { name, type } = column.spec;
  if (value !== null && typeof value === 'object') return type === 'date' ? value.dateTime : Date.parse(value.dateTime);
  const quoted = typeof value === 'string';
  const bare = ['double', 'int', 'boolean', 'datetime', 'date'].includes(type);
  if (value !== null && quoted === bare)
    throw new RequestRefused(
      400,
      'INVALID_FIELD',
      `value of filter criterion for field '${name}' must be of type ${type} and should ${bare ? 'not ' : ''}be enclosed in quotes`,
    );
  if (quoted && (type === 'id' || type === 'reference') && !isId(value))
    throw new RequestRefused(400, 'INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${value}`);
  return comparable(column, quoted ? value.replace(/\\([_%])/g, '$1') : value);
}

function like(pattern: string): RegExp {
  const source = pattern.replace(/\\([_%])|[.*+?^${}()|[\]\\]|%|_/g, (found, escaped: string | undefined) => {
    if (escaped) return escaped;
    return found === '%' ? '.*' : found === '_' ? '.' : `\\${found}`;
  });
  return new RegExp(`^${source}$`, 'is');
}

type Test = (record: StoredRecord) => boolean;

function compile(org: Org, object: ObjectName, condition: Condition): Test {
  if (condition.kind === 'not') {
    const inner = compile(org, object, condition.condition);
    return (record) => !inner(record);
  }
  if ('of' in condition) {
    const tests = condition.of.map((each) => compile(org, object, each));
    return condition.kind === 'all'
      ? (record) => tests.every((test) => test(record))
      : (record) => tests.some((test) => test(record));
  }
  const column = columnOf(org, object, condition.field);
  if (!column.spec.filterable)
    throw new RequestRefused(400, 'INVALID_FIELD', `field '${column.spec.name}' can not be filtered in a query call`);
  const actual = (record: StoredRecord) => comparable(column, valueOf(org, column, record));
  if (condition.kind === 'in') {
    const wanted = new Set(condition.values.map((value) => operand(column, value)));
    return (record) => wanted.has(actual(record)) !== condition.negated;
  }
  if (condition.operator === 'LIKE') {
    const pattern = like(String(condition.value));
    return (record) => pattern.test(String(valueOf(org, column, record) ?? ''));
  }
  const value = operand(column, condition.value);
  switch (condition.operator) {
    case '=':
      return (record) => actual(record) === value;
    case '!=':
    case '<>':
      return (record) => actual(record) !== value;
    default:
      return (record) => ordered(actual(record), condition.operator, value);
  }
}

function ordered(left: string | number | boolean | null, operator: string, right: typeof left): boolean {
  if (left === null || right === null) return false;
  if (operator === '<') return left < right;
  if (operator === '>') return left > right;
  return operator === '<=' ? left <= right : left >= right;
}

export const urlOf = (version: number, object: ObjectName, id: string): string =>
  `/services/data/v${version}.0/sobjects/${object}/${id}`;

/** A record as a query or a GET shows it. */
export function present(org: Org, object: ObjectName, record: StoredRecord, paths: string[], version: number): Row {
  const row: Row = { attributes: { type: object, url: urlOf(version, object, record.Id) } };
  for (const path of paths) {
    const column = columnOf(org, object, path);
    if (!column.through) {
      row[column.spec.name] = valueOf(org, column, record);
      continue;
    }
    const [parent, id] = [column.through.referenceTo[0] as ObjectName, record[column.through.name]];
    const relation = column.through.relationshipName!;
    if (!id) row[relation] = null;
    else
      row[relation] = {
        attributes: { type: parent, url: urlOf(version, parent, String(id)) },
        ...(row[relation] as Row | undefined),
        [column.spec.name]: valueOf(org, column, record),
      };
  }
  return row;
}

/** What a query and its further pages answer. */
export class QueryEngine {
  private readonly cursors = new Map<string, { rows: Row[]; pageSize: number }>();
  private next = 1;

  constructor(private readonly org: Org) {}

  run(soql: string, options: { all: boolean; version: number; pageSize: number }): Row {
    const select = parseSoql(soql);
    const object = (Object.keys(KEY_PREFIX) as ObjectName[]).find((name) => name.toLowerCase() === select.object.toLowerCase());
    if (!object || this.org.accessTo(object) === 'none')
      throw new RequestRefused(400, 'INVALID_TYPE', `sObject type '${select.object}' is not supported.`);
    const found = this.find(object, select, options.all);
    if (select.count) return { totalSize: found.length, done: true, records: [] };
    for (const path of select.fields) columnOf(this.org, object, path);
    const rows = found.map((record) => present(this.org, object, record, select.fields, options.version));
    const locator = `01g5e00000${String(this.next++).padStart(8, '0')}`;
    if (rows.length > options.pageSize) this.cursors.set(locator, { rows, pageSize: options.pageSize });
    return page(rows, 0, options.pageSize, options.version, locator);
  }

  more(locator: string, version: number): Row {
    const [id, from] = locator.split('-');
    const cursor = this.cursors.get(id ?? '');
    if (!cursor) throw new RequestRefused(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
    return page(cursor.rows, Number(from), cursor.pageSize, version, id!);
  }

  private find(object: ObjectName, select: Select, all: boolean): StoredRecord[] {
    const test = select.where ? compile(this.org, object, select.where) : () => true;
    const found = (all ? this.org.store.all(object) : this.org.store.live(object)).filter(test);
    for (const { field, descending } of select.orderBy.toReversed()) {
      const column = columnOf(this.org, object, field);
      const key = (record: StoredRecord) => comparable(column, valueOf(this.org, column, record)) ?? '';
      found.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (descending ? -1 : 1));
    }
    return found.slice(select.offset, select.limit === null ? undefined : select.offset + select.limit);
  }
}

function page(rows: Row[], from: number, size: number, version: number, locator: string): Row {
  const done = from + size >= rows.length;
  return {
    totalSize: rows.length,
    done,
    ...(done ? {} : { nextRecordsUrl: `/services/data/v${version}.0/query/${locator}-${from + size}` }),
    records: rows.slice(from, from + size),
  };
}
