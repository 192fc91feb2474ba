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
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => refTo(id).$ref, override: leaveToFormat });
  return Object.fromEntries(
    [...components.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, examples }) => [name, { ...asComponent(schemas[name] as Json), examples }]),
  );
}

export function schemaOf(schema: z.ZodType): Json {
  return asComponent(z.toJSONSchema(schema, { io: 'input', override: leaveToFormat }) as Json);
}

function usedBy({ body, answers }: Operation): Component[] {
  return [body?.component, ...Object.values(answers).map((answer) => answer.body)].filter(
    (part): part is Component => part !== undefined && 'schema' in part,
  );
}

function asComponent({ $schema: _$schema, $id: _$id, '~standard': _standard, ...schema }: Json): Json {
  return schema;
}

/** Where a format says what a string is, zod's pattern for it says it again, in 300 characters. */
function leaveToFormat({ jsonSchema }: { jsonSchema: { format?: string; pattern?: string } }): void {
  if (jsonSchema.format) delete jsonSchema.pattern;
}
