import { Injectable, StandardSchemaValidationPipe, type ArgumentMetadata, type Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import { z } from 'zod';
import { AppError, type FieldProblem } from '../../domain/app-error.js';
import { closestName } from './closest-name.js';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;
/** Replaces zod's generic type `StandardSchemaV1`: every schema of this service is a zod schema. */
type Schema = Parameters<StandardSchemaValidationPipe['validate']>[1];

/**
 * The framework's pipe for `@Body({ schema })` and `@Query({ schema })`, with plain messages and one problem per field.
 * A missing body counts as one without fields.
 */
@Injectable()
export class SchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => badRequest(issues as Issue[]) });
  }

  override transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    return super.transform((metadata.type === 'body' ? (value ?? {}) : value) as T, metadata);
  }

  protected override validate<T>(value: unknown, schema: Schema) {
    if (!(schema instanceof z.ZodType)) return super.validate<T>(value, schema);
    const parsed = schema.safeParse(value, { error: plainWords });
    return parsed.success ? { value: parsed.data as T } : { issues: parsed.error.issues };
  }
}

/** The value as the schema reads it. @throws AppError BAD_REQUEST, with the words of the pipe. */
export function parsedBy<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { error: plainWords });
  if (!parsed.success) throw badRequest(parsed.error.issues);
  return parsed.data;
}

function badRequest(issues: Issue[]): AppError {
  const problems = issues.flatMap(problemsOf);
  // A number that is both too small and fractional is reported once.
  const distinct = [...new Map(problems.map((problem) => [`${problem.path} ${problem.message}`, problem])).values()];
  const sentences = distinct.map(({ path, message }) => (path === '' ? `${message}.` : `${path} ${message}.`));
  return new AppError('BAD_REQUEST', `The request is not valid; nothing was changed. ${sentences.join(' ')}`.slice(0, 2000), {
    problems: distinct.slice(0, 50),
  });
}

function problemsOf(issue: Issue): FieldProblem[] {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const lines = issue.message.split('\n');
  return issue.keys.map((key, index) => ({ path: [...issue.path, key].join('.').slice(0, 100), message: lines[index]! }));
}

/** Completes the sentence that starts with the field's name. Each unknown name has its own line. */
function plainWords(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownName(key, namesOf(issue['schema']))).join('\n');
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be ${listOf(issue.values.map(String))}`;
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return issue.expected === 'number' || issue.expected === 'int'
        ? numberWords(issue['schema'])
        : `must be ${nounOf(issue.expected)}`;
    case 'too_small':
    case 'too_big':
      return sizeWords(issue);
    case 'invalid_format':
      return issue.format === 'datetime' ? 'must be a time such as 2026-11-24T09:00:00Z' : `is not a valid ${issue.format}`;
    default:
      return undefined;
  }
}

function unknownName(key: string, known: string[]): string {
  if (known.length === 0) return 'is not known here: this call takes none';
  const closest = closestName(key, known);
  return `is not known here${closest ? ` (did you mean ${closest}?)` : ''}; known are ${known.join(', ')}`;
}

function namesOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function sizeWords(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig> | z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string {
  if (issue.origin === 'number' || issue.origin === 'int') return numberWords(issue['schema']);
  const unit = issue.origin === 'string' ? 'characters' : 'items';
  if (issue.code === 'too_big') return `must have at most ${issue.maximum} ${unit}`;
  return issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} ${unit}`;
}

/** All requirements of a number, whichever of them failed. */
function numberWords(schema: unknown): string {
  if (!(schema instanceof z.ZodNumber)) return 'must be a number';
  const { type, minimum, maximum, exclusiveMinimum } = z.toJSONSchema(schema, { io: 'input' });
  const noun = type === 'integer' ? 'a whole number' : 'a number';
  const bounds: string[] = [];
  if (exclusiveMinimum !== undefined) bounds.push(`above ${exclusiveMinimum}`);
  else if (minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER) bounds.push(`from ${minimum}`);
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER)
    bounds.push(bounds.length > 0 ? `to ${maximum}` : `up to ${maximum}`);
  return ['must be', noun, ...bounds].join(' ');
}

function nounOf(expected: string): string {
  const nouns: Record<string, string> = {
    string: 'a string',
    boolean: 'true or false',
    object: 'an object',
    record: 'an object',
    array: 'an array',
  };
  return nouns[expected] ?? `a ${expected}`;
}

function listOf(values: string[]): string {
  return values.length === 1 ? values[0]! : `one of ${values.join(', ')}`;
}

export interface RouteSchemas {
  body?: z.ZodType;
  query?: z.ZodType;
}

/** The schemas of a handler's `@Body({ schema })` and `@Query({ schema })`. */
export function routeSchemas(controller: Type, handler: string): RouteSchemas {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handler) ?? {}) as Record<string, { schema?: z.ZodType }>;
  const schemas: RouteSchemas = {};
  for (const [key, { schema }] of Object.entries(args)) {
    if (!schema) continue;
    if (key.startsWith(`${RouteParamtypes.BODY}:`)) schemas.body = schema;
    if (key.startsWith(`${RouteParamtypes.QUERY}:`)) schemas.query = schema;
  }
  return schemas;
}
