import { z } from 'zod';
import { API_EXAMPLES, API_SCHEMAS } from '../../platform/http/api-operation.js';

type Json = Record<string, unknown>;

export const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** The name of a schema of API_SCHEMAS. */
export function nameOf(schema: z.ZodType): string {
  const named = API_SCHEMAS.get(schema);
  if (!named) throw new Error('A schema of an operation has no name: wrap it in apiSchema().');
  return named.id;
}

/** All named schemas, as JSON schemas that refer to each other where the zod schemas do. */
export function components(): Record<string, Json> {
  // Input mode: a default makes a field optional, and an answer may gain fields without a new version.
  const { schemas } = z.toJSONSchema(API_SCHEMAS, { io: 'input', uri: (id) => refTo(id).$ref, override: withoutNoise });
  return Object.fromEntries(
    Object.entries(schemas)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => [name, { ...asComponent(schema as Json), examples: API_EXAMPLES.get(name) }]),
  );
}

export function schemaOf(schema: z.ZodType): Json {
  return asComponent(z.toJSONSchema(schema, { io: 'input', override: withoutNoise }) as Json);
}

function asComponent({ $schema: _$schema, $id: _$id, '~standard': _standard, ...schema }: Json): Json {
  return schema;
}

/** Removes a pattern that repeats the format in 300 characters, and the safe-integer bounds of every integer. */
function withoutNoise({
  jsonSchema,
}: {
  jsonSchema: { format?: string; pattern?: string; minimum?: number; maximum?: number };
}): void {
  if (jsonSchema.format) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
