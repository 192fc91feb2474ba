import { z } from 'zod';
import type { Component, Operation } from './operation.js';
import { ERROR_CODE, PROBLEM } from './webhook.schemas.js';

type Json = Record<string, unknown>;

export const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** The components that the operations use, by name, as JSON schemas that refer to each other where the zod schemas do. */
export function componentsOf(operations: Operation[], further: Component[]): Record<string, Json> {
  const components = new Map<string, Component>();
  for (const component of [ERROR_CODE, PROBLEM, ...further, ...operations.flatMap(usedBy)]) {
    const known = components.get(component.name);
    if (known && known !== component) throw new Error(`Two schemas are called ${component.name}.`);
    components.set(component.name, component);
  }
  const registry = z.registry<{ id: string }>();
  for (const { name, schema } of components.values()) registry.add(schema, { id: name });
  // As input: a default makes a field optional, and an answer may gain fields without a new version.
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => refTo(id).$ref, override: withoutNoise });
  return Object.fromEntries(
    [...components.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, examples }) => [name, { ...asComponent(schemas[name] as Json), examples }]),
  );
}

export function schemaOf(schema: z.ZodType): Json {
  return asComponent(z.toJSONSchema(schema, { io: 'input', override: withoutNoise }) as Json);
}

function usedBy({ body, answers }: Operation): Component[] {
  return [body?.component, ...Object.values(answers).map((answer) => answer.body)].filter(
    (part): part is Component => part !== undefined && 'schema' in part,
  );
}

function asComponent({ $schema: _$schema, $id: _$id, '~standard': _standard, ...schema }: Json): Json {
  return schema;
}

/** Where a format says what a string is, zod's pattern says it again in 300 characters; and of every integer that it is safe. */
function withoutNoise({
  jsonSchema,
}: {
  jsonSchema: { format?: string; pattern?: string; minimum?: number; maximum?: number };
}): void {
  if (jsonSchema.format) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
