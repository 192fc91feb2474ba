import { usageError } from './exit-codes.js';

/** `title=VP company=Acme` as an object; a value may contain further equals signs. @throws CommandError */
export function fieldsOf(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw usageError(`"${pair}" is not field=value.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/**
 * What an edit or a replay sends. New attributes are apart, so that a misspelt field is refused. @throws CommandError
 */
export function correctionsOf(set: string[] = [], attribute: string[] = []): Record<string, unknown> {
  return { ...fieldsOf(set), ...(attribute.length > 0 ? { attributes: fieldsOf(attribute) } : {}) };
}
