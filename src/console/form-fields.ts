import { z } from 'zod';

const PREFIX = 'field.';

export const formSchema = z.record(z.string().max(400), z.string().max(64 * 1024));

/** The fields of a form that corrects a lead: those named `field.…`, without the prefix. */
export function fieldsOf(form: Record<string, string>): Record<string, string> {
  const fields = Object.entries(form).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(fields.map(([name, value]) => [name.slice(PREFIX.length), value]));
}
