import { z } from 'zod';

const PREFIX = 'field.';

export const formSchema = z.record(z.string().max(400), z.string().max(64 * 1024));

/** The fields of a form that corrects a lead: those named `field.…`, without the prefix. */
export function fieldsOf(form: Record<string, string>): Record<string, string> {
  const fields = Object.entries(form).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(fields.map(([name, value]) => [name.slice(PREFIX.length), value]));
}

/** Longer values, and those with line breaks, need more than one line: an `input` would lose the breaks. */
export function needsTextarea(value: string): boolean {
  return value.length > 80 || /[\r\n]/.test(value);
}

/**
 * The fields as they are to be stored. A browser sends line breaks as CR LF and drops one at the start, so a value that
 * differs from the stored one in nothing else is the stored one.
 */
export function asStored(typed: Record<string, string>, stored: Record<string, string>): Record<string, string> {
  const plain = (value: string) => value.replaceAll(/\r\n?/g, '\n');
  const same = (value: string, before: string) => [plain(before), plain(before).replace(/^\n/, '')].includes(plain(value));
  return Object.fromEntries(
    Object.entries(typed).map(([name, value]) => {
      const before = Object.hasOwn(stored, name) ? stored[name]! : null;
      return [name, before !== null && same(value, before) ? before : value.replaceAll('\r\n', '\n')];
    }),
  );
}
