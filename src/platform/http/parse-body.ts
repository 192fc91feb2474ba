import { AppError } from '../../domain/app-error.js';

const HINT = 'Compare the template with docs/marketo.md.';

/** Bytes to text; what is not UTF-8 is refused, since a replaced character would change the lead's key. */
function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new AppError('INVALID_BODY', `The body is not UTF-8 text. Set the webhook's request encoding to UTF-8. ${HINT}`);
  }
}

/** @throws AppError INVALID_BODY; a broken Marketo template is recognised, and the message names the empty token. */
export function parseJsonBody(body: Buffer): unknown {
  const text = textOf(body);
  if (text.trim() === '') throw new AppError('INVALID_BODY', `The body is empty. ${HINT}`);
  try {
    return JSON.parse(text);
  } catch {
    throw brokenJson(text);
  }
}

/** A form; of a repeated key the last value counts. @throws AppError INVALID_BODY */
export function parseFormBody(body: Buffer): Record<string, string> {
  const text = textOf(body);
  if (text.trim() === '') throw new AppError('INVALID_BODY', `The form is empty. ${HINT}`);
  try {
    // URLSearchParams replaces broken escapes silently; decodeURIComponent refuses them.
    decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new AppError('INVALID_BODY', `The form has a broken percent escape. Choose form encoding for its tokens. ${HINT}`);
  }
  return Object.fromEntries(new URLSearchParams(text));
}

/** A key whose value is missing: what Marketo sends for a token without a value and without a default. */
const EMPTY_VALUE = /"((?:[^"\\]|\\.){1,100})"\s*:\s*(?=[,}])/g;

function brokenJson(text: string): AppError {
  const empty = [...new Set([...text.matchAll(EMPTY_VALUE)].map((match) => match[1]!))].slice(0, 10);
  if (empty.length === 0) {
    return new AppError(
      'INVALID_BODY',
      `The body is not valid JSON. Marketo quotes JSON-encoded tokens itself: do not add quotes. ${HINT}`,
    );
  }
  const names = empty.map((name) => `"${name}"`).join(', ');
  return new AppError(
    'INVALID_BODY',
    `The template is broken: no value for ${names}. The token was empty. Give it a default, e.g. {{lead.Full Name:default=edit me}}, ` +
      `or choose JSON as the webhook's token encoding. ${HINT}`,
    { problems: empty.map((path) => ({ path, message: 'the token was empty; give it a default in the template' })) },
  );
}
