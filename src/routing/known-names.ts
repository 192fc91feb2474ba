import { z } from 'zod';
import type { FieldProblem } from '../domain/app-error.js';
import { closestName } from '../platform/http/closest-name.js';

/** A part of a JSON Schema, as far as it says which names an object may have. */
interface Node {
  $ref?: string;
  anyOf?: Node[];
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
}

/** Adds the name that was probably meant to each problem that says that one is not known. */
export function withMeantNames(problems: FieldProblem[], schema: z.ZodType): FieldProblem[] {
  if (!problems.some(isUnknown)) return problems;
  const root = z.toJSONSchema(schema, { io: 'input' }) as Node & { $defs?: Record<string, Node> };
  return problems.map((problem) => {
    if (!isUnknown(problem)) return problem;
    const parts = problem.path.split(/[.[\]]+/u).filter((part) => part !== '');
    const meant = closestName(parts.at(-1) ?? '', namesAt(root, parts.slice(0, -1)));
    return meant === undefined ? problem : { ...problem, message: `${problem.message}; did you mean ${meant}?` };
  });
}

const isUnknown = ({ message }: FieldProblem) => message === 'is not known here';

function namesAt(root: Node & { $defs?: Record<string, Node> }, parts: string[]): string[] {
  const resolved = (node: Node): Node[] => {
    if (node.$ref === '#') return [root];
    if (node.$ref !== undefined) return [root.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {}].flatMap(resolved);
    return [node, ...(node.anyOf ?? []).flatMap(resolved)];
  };
  let nodes = resolved(root);
  for (const part of parts) {
    const next = nodes.flatMap(({ items, properties, additionalProperties: others }) => {
      if (/^\d+$/u.test(part) && items) return items;
      return properties?.[part] ?? (typeof others === 'object' ? others : []);
    });
    nodes = next.flatMap(resolved);
  }
  return nodes.flatMap(({ properties = {} }) => Object.keys(properties));
}
