/**
 * Tokens that a sender left as they were typed: Marketo and Handlebars, JavaScript, Salesforce, SFMC and Pardot,
 * Mailchimp, environment variables, ERB. A person does not write these by accident.
 */
const TOKENS = [
  String.raw`\{\{[^{}]{1,200}\}\}`,
  String.raw`[$#@]\{[^{}]{1,100}\}`,
  String.raw`\{![^{}]{1,100}\}`,
  String.raw`\{%[^{}%]{1,100}%\}`,
  String.raw`%%=?[\w.:\-()@' ]{1,100}=?%%`,
  String.raw`\*\|[A-Z0-9_:]{1,100}\|\*`,
  String.raw`<%=?[^<>%]{1,100}%>`,
  String.raw`<<[A-Za-z][\w .:-]{0,100}>>`,
  String.raw`%\(\w{1,60}\)s`,
  String.raw`%[A-Z][A-Z0-9_]{2,60}%`,
  // The same as a sender encodes them that encodes the template and not the value.
  String.raw`%7[Bb]%7[Bb].{1,200}?%7[Dd]%7[Dd]`,
  String.raw`&#123;&#123;.{1,200}?&#125;&#125;`,
];
const TOKEN = new RegExp(TOKENS.join('|'), 'g');
/** Macros of ad platforms: `{campaignid}`, `__CAMPAIGN_ID__`. Only as the whole text; a GUID in braces is an id. */
const MACRO = /^(?:\{(?![0-9a-f]{8}-)[A-Za-z][\w.:-]{1,60}\}|__[A-Z][A-Z0-9_]{1,60}__|\[\[[A-Za-z][\w .:-]{1,60}\]\])$/;
/** Inside of other text only Marketo's own are certain: a message may be about templates. */
const MARKETO_TOKEN = /\{\{\s*(?:lead|my|company|campaign|program|system|trigger|member|sales|owner)\.[^{}]{1,200}\}\}/gi;
/** Texts that stand for "no value" in Marketo's editor, in programming languages and in spreadsheets. */
const PLACEHOLDER =
  /^(?:edit ?me|(?:null|undefined)(?: (?:null|undefined))*|NULL|NaN|none|None None|\\N|[([<{](?:null|none|not set|not provided|undefined)[)\]>}]|N\/A|n\/a|\[object (?:Object|Undefined|Null)\]|#(?:N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NULL!|NUM!|SPILL!|CALC!))$/;
const EDIT_ME = /^edit ?me$/i;

export type Placeholder = { kind: 'token' | 'placeholder'; quoted: string };

/** A token of a template, for a field that must not have one at all. */
export function tokenIn(text: string): string | null {
  TOKEN.lastIndex = 0;
  const token = MACRO.exec(text.trim())?.[0] ?? TOKEN.exec(text)?.[0];
  return token === undefined ? null : printable(token);
}

/** Whether the whole text only says that there is no value. `Null` with one capital is a surname. */
export function isPlaceholder(text: string): boolean {
  const trimmed = text.trim();
  return trimmed.length < 20 && (PLACEHOLDER.test(trimmed) || EDIT_ME.test(trimmed));
}

/** What is left of an optional text without its unresolved tokens, and what was removed; null where nothing was. */
export function withoutPlaceholders(text: string): { text: string; removed: Placeholder } | null {
  if (isPlaceholder(text)) return { text: '', removed: { kind: 'placeholder', quoted: printable(text.trim()) } };
  if (!MAY_HAVE_TOKEN.test(text)) return null;
  const token = tokenIn(text);
  if (token === null) return null;
  if (MACRO.test(text.trim()) || !HAS_WORDS.test(text.replaceAll(TOKEN, '')))
    return { text: '', removed: { kind: 'token', quoted: token } };
  MARKETO_TOKEN.lastIndex = 0;
  const marketo = MARKETO_TOKEN.exec(text)?.[0];
  if (marketo === undefined) return null;
  const rest = text.replaceAll(MARKETO_TOKEN, '').replaceAll(/ {2,}/g, ' ').trim();
  return { text: rest, removed: { kind: 'token', quoted: printable(marketo) } };
}

const MAY_HAVE_TOKEN = /\{|%|\*\||<[%<]|&#123;|^\s*(?:__|\[\[)/;
const HAS_WORDS = /[\p{L}\p{N}]/u;

/** A token's own text is the template's, not a person's, so a message may quote it. */
function printable(token: string): string {
  const text = token.toWellFormed().replaceAll(/\p{C}/gu, '');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
