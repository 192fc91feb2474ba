import { AppError } from '../../domain/app-error.js';

const NAME = /;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i;
const IS_FILE = /;\s*filename\*?\s*=/i;
/** A part has a few short headers; a longer head is another format. */
const MAX_HEAD = 2000;

export function isMultipart(type: string): boolean {
  return type === 'multipart/form-data';
}

/**
 * Reads the text fields of a multipart form (RFC 7578) whose boundary is the first line of the body, since the header
 * may be lost. Of a repeated field the last value counts.
 * @param text with its bytes decoded.
 * @throws AppError UNSUPPORTED_MEDIA_TYPE where it has a file, INVALID_BODY where it is cut off or no multipart form.
 */
export function parseMultipart(text: string): Record<string, string> {
  const boundary = /^(?:\r?\n)*(--[^\r\n]{1,200}?)[ \t]*\r?\n/.exec(text)?.[1];
  if (boundary === undefined) throw invalid('it does not begin with a boundary');
  const parts = text
    .replaceAll(`\r\n${boundary}`, `\n${boundary}`)
    .replace(/^(?:\r?\n)*/, '\n')
    .split(`\n${boundary}`);
  const end = parts.pop();
  if (end === undefined || !end.startsWith('--')) throw invalid('its last boundary is missing, so it was cut off');
  const fields = new Map<string, string>();
  for (const part of parts.slice(1)) {
    const head = /^[ \t]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n/.exec(part);
    const disposition = /^content-disposition\s*:(.*)$/im.exec(head?.[1]?.slice(0, MAX_HEAD) ?? '')?.[1] ?? '';
    const name = NAME.exec(disposition);
    if (!head || !name) throw invalid('a part has no name');
    if (IS_FILE.test(disposition)) {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'The multipart form has a file. No lead was stored. Send the fields alone.');
    }
    const key = (name[1] ?? name[2]!).replaceAll(/\\(.)/g, '$1');
    fields.set(key, part.slice(head[0].length));
  }
  return Object.fromEntries(fields);
}

function invalid(why: string): AppError {
  return new AppError('INVALID_BODY', `The body is not a multipart form: ${why}.`);
}
