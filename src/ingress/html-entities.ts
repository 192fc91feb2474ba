import { decodeBytes } from '../platform/http/decode-text.js';
import { firstBroken } from './clean-text.js';

/** Names of the characters from U+00A0 on, as PHP's htmlentities() and form builders write them. */
const LATIN_1 = (
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot ' +
  'cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml ' +
  'Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig ' +
  'agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ' +
  'ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'
).split(' ');
const ENTITIES = new Map<string, string>([
  ...LATIN_1.map((name, index): [string, string] => [name, String.fromCharCode(0xa0 + index)]),
  ['nbsp', ' '],
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['ndash', '–'],
  ['mdash', '—'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['hellip', '…'],
  ['trade', '™'],
  ['euro', '€'],
  ['OElig', 'Œ'],
  ['oelig', 'œ'],
  ['Scaron', 'Š'],
  ['scaron', 'š'],
  ['Zcaron', 'Ž'],
  ['zcaron', 'ž'],
]);
const ENTITY = /&(?:([A-Za-z][A-Za-z0-9]{1,7})|#(\d{2,7})|#x([0-9a-f]{2,6}));/gi;
/** `&amp;#39;`: a page encoded what another one had encoded. */
const LAYERS = 3;

/** Signs that a program escapes, and that no person writes so: an apostrophe, a quotation mark, a number. */
const OF_A_PROGRAM = /&(?:apos|quot|[lr]squo|[lr]dquo|#\d{2,7}|#x[0-9a-f]{2,6});/i;
/** What an escaped text has none of. A text about HTML has both. */
const NOT_ESCAPED = /[<>"]|&(?![A-Za-z][A-Za-z0-9]{1,7};|#\d{2,7};|#x[0-9a-f]{2,6};)/i;

/** Whether a program escaped the whole text, as Mautic does with the answers of its forms. */
export function isEscapedText(text: string): boolean {
  return text.includes('&') && OF_A_PROGRAM.test(text) && !NOT_ESCAPED.test(text);
}

/** A text of a page as a browser shows it. What is no entity, or one of a character that cannot be kept, stays. */
export function withoutEntities(text: string): string {
  let decoded = text;
  for (let layer = 0; layer < LAYERS && decoded.includes('&'); layer++) {
    const before = decoded;
    decoded = before.replaceAll(ENTITY, (entity: string, name?: string, decimal?: string, hex?: string) => {
      const character = name ? (ENTITIES.get(name) ?? ENTITIES.get(name.toLowerCase())) : characterOf(decimal, hex);
      return character === undefined || firstBroken(character) !== null ? entity : character;
    });
    if (decoded === before) break;
  }
  return decoded;
}

/** From 128 to 159 they are those of windows-1252, as in browsers. */
function characterOf(decimal: string | undefined, hex: string | undefined): string | undefined {
  const code = Number.parseInt(decimal ?? hex!, decimal ? 10 : 16);
  if (code >= 0x80 && code <= 0x9f) return decodeBytes(Buffer.from([code]), 'windows-1252');
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
