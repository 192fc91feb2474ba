import { domainToASCII } from 'node:url';
import { describeCharacter, positionOf } from './describe-character.js';

/**
 * One address as it is used: `email` makes the keys, `emailRaw` keeps the sender's capitals and is otherwise as clean.
 */
export interface EmailAddress {
  email: string;
  emailRaw: string;
}

/** Why a text is not one address. The reason quotes at most one character, never the address. */
export interface NotAnAddress {
  reason: string;
}

/**
 * The canonical form of an e-mail address: trimmed, NFC, lower-cased, the domain in ASCII (IDNA). Plus tags and dots
 * stay, since they name different mailboxes at most providers. What people paste around an address is removed (see
 * `readEmail`). A value that is not one address comes back trimmed, NFC and lower-cased only; `isEmail` is false for
 * it.
 */
export function normaliseEmail(raw: string): string {
  const address = readEmail(raw);
  return 'email' in address ? address.email : canonical(raw);
}

/**
 * Reads what people paste into an e-mail field: invisible characters, `mailto:`, a display name, quotes, brackets,
 * full-width signs and trailing punctuation are removed where one address is left. A text that was an address before
 * any of this is never changed, because the keys of the leads that exist are made of it.
 */
export function readEmail(raw: string): EmailAddress | NotAnAddress {
  const asSent = canonical(raw);
  if (isEmail(asSent)) return { email: asSent, emailRaw: withoutInvisible(raw).trim() };
  if (raw.length > MAX_TEXT) return { reason: `is longer than ${MAX_TEXT} characters` };
  const text = unwrap(raw.normalize('NFC'));
  const email = canonical(text);
  if (isEmail(email)) return { email, emailRaw: text };
  const trimmed = text.replace(UNPAIRED_BEFORE, '').replace(UNPAIRED_AFTER, '');
  if (isEmail(canonical(trimmed))) return { email: canonical(trimmed), emailRaw: trimmed };
  const repeated = repeatedAddress(text);
  if (repeated !== null) return { email: canonical(repeated), emailRaw: repeated };
  if (addressesIn(text).size > 1) return { reason: 'contains two addresses; send one lead per address' };
  return { reason: faultOf(text) };
}

/**
 * Whether a normalised address can be delivered to. Non-ASCII local parts and IDN domains can; quoted local parts are
 * refused.
 */
export function isEmail(normalised: string): boolean {
  const at = normalised.lastIndexOf('@');
  const local = normalised.slice(0, at);
  if (at < 1 || normalised.length > 254 || local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false;
  return LOCAL_PART.test(local) && DOMAIN.test(normalised.slice(at + 1));
}

/** An address with a display name and brackets is far shorter; a longer text costs time and cannot be one. */
const MAX_TEXT = 1000;
const LOCAL_PART = /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}$/u;
const NOT_IN_A_LOCAL_PART = /[\s@"(),:;<>[\\\]\p{C}]/u;
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;
/** An ASCII character that no host name has; `domainToASCII` would decode or cut some of them instead of refusing. */
const NOT_IN_A_DOMAIN = /[^a-z0-9.\-\u{80}-\u{10ffff}]/u;
const NOT_IN_A_TYPED_DOMAIN = /[^a-zA-Z0-9.\-\u{80}-\u{10ffff}]/u;
/** Beyond ASCII; for the message only, since IDNA decides what a domain may have. */
const NO_LETTER = /(?![\0-\x7f])[^\p{L}\p{M}\p{N}]/u;

function canonical(raw: string): string {
  const email = raw.normalize('NFC').trim().toLowerCase().normalize('NFC');
  const at = email.lastIndexOf('@');
  if (at < 0) return email;
  return `${email.slice(0, at)}@${asciiDomain(email.slice(at + 1))}`;
}

function asciiDomain(domain: string): string {
  return NOT_IN_A_DOMAIN.test(domain) ? domain : domainToASCII(domain) || domain;
}

/**
 * Zero-width, bidirectional, byte-order and variation marks, soft hyphens: they show as nothing, so a reader cannot see
 * them.
 */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;

function withoutInvisible(text: string): string {
  return text.replaceAll(INVISIBLE, '');
}

const ENTITIES: [RegExp, string][] = [
  [/&(?:nbsp|#160|#xa0);?/gi, ' '],
  [/&(?:commat|#64|#x40);/gi, '@'],
  [/&(?:period|#46|#x2e);/gi, '.'],
  [/&(?:lt|#60);/gi, '<'],
  [/&(?:gt|#62);/gi, '>'],
  [/&(?:quot|#34|#x22);/gi, '"'],
  [/&(?:apos|#0?39|#x27);/gi, "'"],
  [/&(?:plus|#43|#x2b);/gi, '+'],
  [/&(?:lowbar|#95|#x5f);/gi, '_'],
  [/&(?:hyphen|dash|#45|#x2d);/gi, '-'],
  [/&(?:amp|#38|#x26);/gi, '&'],
];
/** Markup without an address in it, around text that was copied out of a page or a mail. */
const MARKUP = /<\/?(?:br|p|b|i|u|em|strong|span|div|font|td|li)\b[^<>@]*>/gi;

/** Of text that was copied out of a page's source. */
function withoutEntities(text: string): string {
  return text.includes('&') ? ENTITIES.reduce((decoded, [entity, sign]) => decoded.replaceAll(entity, sign), text) : text;
}

const FULL_WIDTH_AT = /[＠﹫]/;
const SPACE_AROUND = /^\s+|\s+$/g;
const LABEL = /^(?:mailto|smtp|to|from|mail|e|e-?mail(?:[ -]?(?:address|adresse))?)\s*:\s*/i;
const MAILTO = /^mailto:/i;
const AFTER_THE_END = /[.,;:!?|，；、：。\s]+$/;
const BEFORE_THE_START = /^[,;:|\s]+/;
/** What is left of a pair, of an escape or of a link: only where an address remains. */
const UNPAIRED_BEFORE = /^[<([{"“„«\ufffc]+/;
const UNPAIRED_AFTER = /(?:[>)\]}"'”’»/\ufffc\s*#\\]|%20|%0[ad]|\\[nrt])+$/i;
const ANGLE = /^([^<>]*)<([^<>]*)>([^<>@]*)$/;
const COMMENT = /^([^()\s]+@[^()\s]+)\s*\(([^()@]*)\)$/;
const COMMENT_BEFORE = /^\([^()@]*\)\s*([^()\s]+@[^()\s]+)$/;
/** What `mailto:` links carry behind the address. */
const HEADERS = /(?<=@[^?@]*)\?(?:subject|body|cc|bcc)=.*$/is;
const ANCHOR = /^<a\b[^>]*\bhref\s*=\s*["']?mailto:([^"'>]*)["']?[^>]*>([^<]*)<\/a>$/i;
const MARKDOWN = /^\[([^[\]]*)\]\(([^()]*)\)$/;
const PAIRS = ['""', "''", '``', '“”', '„“', '‘’', '«»', '()', '[]', '<>', '{}', '（）', '＜＞'].map(
  (pair) => [...pair] as [string, string],
);

/** Removes one wrapping after the other until the text stays the same. */
function unwrap(raw: string): string {
  let text = withoutEntities(withoutInvisible(raw)).replaceAll(MARKUP, ' ');
  // A full-width sign comes from a keyboard that is set to full width as a whole.
  if (FULL_WIDTH_AT.test(text)) text = text.normalize('NFKC');
  for (let before = ''; before !== text;) {
    before = text;
    text = unwrapOnce(text.replaceAll(SPACE_AROUND, ''));
  }
  return text;
}

function unwrapOnce(text: string): string {
  if (MAILTO.test(text)) return decodedMailto(text);
  if (LABEL.test(text)) return text.replace(LABEL, '');
  for (const [open, close] of PAIRS) {
    const inner = text.slice(open.length, -close.length);
    if (text.length > 2 && text.startsWith(open) && text.endsWith(close) && !inner.includes(open) && !inner.includes(close))
      return inner;
  }
  const link = MARKDOWN.exec(text);
  if (link && sameAddress(link[1]!, link[2]!)) return link[2]!;
  const anchor = ANCHOR.exec(text);
  if (anchor && sameAddress(anchor[2]!, decodedMailto(anchor[1]!))) return decodedMailto(anchor[1]!);
  const angle = ANGLE.exec(text);
  if (angle && sameAddress(angle[1]!, angle[2]!)) return angle[2]!;
  const comment = COMMENT.exec(text);
  if (comment) return comment[1]!;
  const before = COMMENT_BEFORE.exec(text);
  if (before) return before[1]!;
  return text.replace(HEADERS, '').replace(BEFORE_THE_START, '').replace(AFTER_THE_END, '');
}

/** `mailto:ann%2Bx@acme.com?subject=Hi` as a mail program reads it (RFC 6068). */
function decodedMailto(text: string): string {
  const address = text.replace(MAILTO, '').split('?')[0]!;
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

/** Whether the text beside an address names no other one. */
function sameAddress(beside: string, address: string): boolean {
  const found = addressesIn(beside);
  if (found.size === 0) return !beside.includes('@');
  return found.size === 1 && found.has(canonical(unwrap(address)));
}

/** `ann@acme.com, Ann@acme.com`: one address, which a form with two fields sends twice. */
function repeatedAddress(text: string): string | null {
  const parts = text.split(/[\s,;|/]+/).filter((part) => part !== '');
  const [first = ''] = parts;
  if (parts.length < 2 || !isEmail(canonical(first))) return null;
  return parts.every((part) => canonical(part) === canonical(first)) ? first : null;
}

function addressesIn(text: string): Set<string> {
  const parts = text.split(/[\s,;<>()[\]"|/]+/).map((part) => canonical(part.replace(MAILTO, '').replace(AFTER_THE_END, '')));
  return new Set(parts.filter(isEmail));
}

/** The first thing that is wrong, for the person who corrects it. */
function faultOf(text: string): string {
  const at = text.lastIndexOf('@');
  if (at < 0) return /%40/.test(text) ? 'has %40 instead of @: it was encoded twice, or as a form inside of JSON' : 'has no @';
  const local = text.slice(0, at);
  const domain = text.slice(at + 1);
  const inLocal = NOT_IN_A_LOCAL_PART.exec(local);
  if (inLocal) return withPlace(text, inLocal.index) + plusHint(text[inLocal.index]!);
  const inDomain = NOT_IN_A_TYPED_DOMAIN.exec(domain) ?? NO_LETTER.exec(domain);
  if (inDomain) return withPlace(text, at + 1 + inDomain.index);
  if (local === '') return 'has nothing before the @';
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) return 'has a dot too many before the @';
  if (domain === '') return 'has nothing after the @';
  if (!domain.includes('.')) return 'has no dot after the @';
  if (local.length > 64 || text.length > 254) return 'is too long';
  return 'has a domain that cannot exist';
}

function withPlace(text: string, index: number): string {
  const character = String.fromCodePoint(text.codePointAt(index)!);
  return `has ${describeCharacter(character)} at position ${positionOf(text, index)}`;
}

function plusHint(character: string): string {
  return character === ' '
    ? '. In a form, a + that is not sent as %2B arrives as a space: choose Form/Url as the Request Token Encoding'
    : '';
}
