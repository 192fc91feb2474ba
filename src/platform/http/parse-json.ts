import { AppError } from '../../domain/app-error.js';
import { describeCharacter } from '../../domain/describe-character.js';
import { parseExactJson } from './exact-json.js';
import { scanJson, type JsonFault } from './json-faults.js';
import { withStraightQuotes } from './json-frame.js';

const GUIDE = 'Compare the template with docs/marketo.md.';
const ENCODING = 'Choose JSON as the Request Token Encoding of the webhook, and put no quotes around its tokens.';

/** @throws AppError INVALID_BODY with line, column and cause. */
export function parseJson(text: string): unknown {
  try {
    return parseExactJson(text.replace(/^\ufeff+/, ''));
  } catch {
    throw brokenJson(text);
  }
}

/**
 * Parses a stored body and corrects faults that have exactly one correction. The caller validates the lead as for a
 * webhook.
 * @throws AppError INVALID_BODY
 */
export function parseJsonRepaired(text: string): { value: unknown; repaired: boolean } {
  try {
    return { value: parseExactJson(text), repaired: false };
  } catch {
    const straight = withStraightQuotes(text);
    const { repaired } = scanJson(text);
    if (repaired !== null) return { value: parseExactJson(repaired), repaired: true };
    if (straight === null) throw brokenJson(text);
    try {
      return { value: parseExactJson(straight), repaired: true };
    } catch {
      throw brokenJson(text);
    }
  }
}

function brokenJson(text: string): AppError {
  const { faults } = scanJson(text);
  const empty = [...new Set(faults.filter(({ kind }) => kind === 'empty-value').map(({ key }) => shortKey(key)))].slice(0, 10);
  if (empty.length > 0) {
    const names = empty.map((name) => `"${name}"`).join(', ');
    return new AppError(
      'INVALID_BODY',
      `The template is broken: no value for ${names}. The token was empty. Choose JSON as the Request Token Encoding of the ` +
        `webhook, so that it arrives as null, or give the token a default. ${GUIDE}`,
      { problems: empty.map((path) => ({ path, message: 'the token was empty' })) },
    );
  }
  const fault = faults[0] ?? { kind: 'unexpected' as const, at: 0, key: '' };
  return new AppError(
    'INVALID_BODY',
    `The body is not valid JSON: ${placeOf(text, fault.at)}, ${causeOf(text, fault)} ${GUIDE}`,
    {
      problems: fault.key === '' ? [] : [{ path: shortKey(fault.key), message: `is broken at ${placeOf(text, fault.at)}` }],
    },
  );
}

const NOT_JSON_WORD = /^(?:NaN|[+-]?Infinity|undefined|None|True|False|nil)(?=[\s,}\]])/;
const LINE_BREAKS = new Set(['\n', '\r']);

function causeOf(text: string, { kind, at, key }: JsonFault): string {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0x20);
  const field = key === '' ? 'a text' : `the text of "${shortKey(key)}"`;
  switch (kind) {
    case 'raw-control': {
      const name = LINE_BREAKS.has(character) ? 'a line break' : character === '\t' ? 'a tab' : 'a control character';
      const typed = LINE_BREAKS.has(character) ? ' If it was typed in the template as \\n, type \\\\n.' : '';
      return `${name} (${describeCharacter(character)}) stands inside ${field}. JSON needs an escape for it.${typed} ${ENCODING}`;
    }
    case 'inner-quote':
      return `a quotation mark stands inside ${field} without an escape. ${ENCODING}`;
    case 'doubled-quotes':
      return `two quotation marks begin ${field}. Marketo quotes JSON-encoded tokens itself: do not add quotes.`;
    case 'no-quotes': {
      const word = NOT_JSON_WORD.exec(text.slice(at, at + 20))?.[0];
      if (word !== undefined) return `the value of "${shortKey(key)}" is ${word}, which JSON does not have. Send null or a text.`;
      return `the value of "${shortKey(key)}" has no quotation marks. ${ENCODING}`;
    }
    case 'bad-escape':
      return `a backslash stands inside ${field} without an escape. ${ENCODING}`;
    case 'trailing-comma':
      return 'a comma follows the last field. Remove it from the template.';
    case 'extra-comma':
      return 'there is a comma too many. Remove it from the template.';
    case 'odd-space':
      return `${describeCharacter(character)} stands between the fields, where JSON has plain spaces only. Type it again as a space.`;
    case 'comment':
      return 'a comment begins, which JSON does not have. Remove it from the template.';
    case 'missing-comma':
      return 'a comma is missing before the next field. Add it to the template.';
    case 'bare-key':
      return `the field name ${shortKey(key)} has no quotation marks. Put straight ones around it.`;
    case 'bad-key':
      return `a field name must begin with a straight quotation mark, not with ${describeCharacter(character)}.`;
    case 'cut-off':
      return 'the text ends before the object is complete.';
    case 'text-after-end':
      return 'there is text after the end of the object. Send one object per request.';
    default:
      if (character === '<' && text.trimStart().startsWith('<')) return 'the body is XML or HTML. Send JSON or a form.';
      return `${describeCharacter(character)} was not expected.`;
  }
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split(/\r\n|\r|\n/);
  return `line ${before.length}, column ${[...before.at(-1)!].length + 1}`;
}

/** The template's name for a field, shortened: in a damaged text anything may stand between two quotes. */
function shortKey(key: string): string {
  return key.toWellFormed().replaceAll(/\p{C}/gu, '').slice(0, 60);
}
