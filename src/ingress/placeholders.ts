/**
 * Tokens that a sender left as they were typed: Marketo and Handlebars, JavaScript, Salesforce, SFMC and Pardot,
 * Mailchimp, environment variables, ERB. A person does not write these by accident.
 */
const TOKEN =
  /\{\{[^{}]{1,200}\}\}|\$\{[^{}]{1,100}\}|\{![^{}]{1,100}\}|%%[\w.:-]{1,100}%%|\*\|[A-Z0-9_:]{1,100}\|\*|<%=?[^<>%]{1,100}%>|%[A-Z][A-Z0-9_]{2,60}%/g;
/** Inside of other text only Marketo's own are certain: a message may be about templates. */
const MARKETO_TOKEN = /\{\{\s*(?:lead|my|company|campaign|program|system|trigger|member|sales|owner)\.[^{}]{1,200}\}\}/gi;
/** Texts that stand for "no value" in Marketo's editor, in programming languages and in spreadsheets. */
const PLACEHOLDER =
  /^(?:edit ?me|null|NULL|undefined|NaN|[([<]null[)\]>]|N\/A|n\/a|\[object Object\]|#(?:N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NULL!|NUM!))$/;
const EDIT_ME = /^edit ?me$/i;

export type Placeholder = { kind: 'token' | 'placeholder'; quoted: string };

/** A token of a template, for a field that must not have one at all. */
export function tokenIn(text: string): string | null {
  TOKEN.lastIndex = 0;
  const token = TOKEN.exec(text)?.[0];
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
  if (!HAS_WORDS.test(text.replaceAll(TOKEN, ''))) return { text: '', removed: { kind: 'token', quoted: token } };
  MARKETO_TOKEN.lastIndex = 0;
  const marketo = MARKETO_TOKEN.exec(text)?.[0];
  if (marketo === undefined) return null;
  const rest = text.replaceAll(MARKETO_TOKEN, '').replaceAll(/ {2,}/g, ' ').trim();
  return { text: rest, removed: { kind: 'token', quoted: printable(marketo) } };
}

const MAY_HAVE_TOKEN = /\{[{!]|\$\{|%|\*\||<%/;
const HAS_WORDS = /[\p{L}\p{N}]/u;

/** A token's own text is the template's, not a person's, so a message may quote it. */
function printable(token: string): string {
  const text = token.toWellFormed().replaceAll(/\p{C}/gu, '');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
