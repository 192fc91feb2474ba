/**
 * Tokens that a sender left as they were typed: Marketo and Handlebars, JavaScript, Salesforce, SFMC and Pardot,
 * Mailchimp, environment variables, ERB. A person does not write these by accident.
 */
const TOKENS = [
  String.raw`\{\{[^{}]{1,200}\}\}`,
  String.raw`[$#@]!?\{[^{}]{1,100}\}`,
  String.raw`\{![^{}]{1,100}\}`,
  String.raw`[{[]%[^{}%[\]]{1,100}%[}\]]`,
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
/** What people and systems call the fields of a person: between signs of templates it is a token. */
const FIELD_NAME = String.raw`(?:(?:merge|lead|contact|company|campaign|account|person|recipient|user|member|customer|subscriber|model|my|your|form|field|data|params?|body|event|trigger|program|utm|text)[\s._:-]*){0,3}(?:(?:first|last|full|sur|given|family|middle|f|l)?[\s._-]*name|e-?mail(?:[\s._-]*address)?|(?:phone|mobile)(?:[\s._-]*number)?|company|(?:job[\s._-]*)?title|(?:campaign|lead|program)(?:[\s._-]*(?:id|key))?|country|city|state|message|industry|organi[sz]ation)`;
/**
 * `[FIRST_NAME]`, `%email%`, `$(email)`, `@@Email Address@@`. What lists and sentences have around a word is no such
 * sign: `• E-mail`, `(Title)` and `#message` may be answers.
 */
const BETWEEN_SIGNS = new RegExp(
  String.raw`^(?:(?=[^\p{L}\p{N}]{0,4}[[{<%$|~^｛［])[^\p{L}\p{N}]{1,5}${FIELD_NAME}[^\p{L}\p{N}]{0,5}|[@#]{1,3}${FIELD_NAME}[@#]{1,3})$`,
  'iu',
);
/** `{{lead.Name` and `lead.Name}}`: cut off; `lead.Full Name`: a token that lost its braces; `{0}`. */
const DAMAGED = new RegExp(
  String.raw`^(?:\{\{[\w .:=-]{1,60}|[\w .:=-]{1,60}\}\}|\{\d{1,2}\}|(?:lead|company|campaign|program|contact|trigger)\.(?:${FIELD_NAME}|id))$`,
  'iu',
);
/** Texts that stand for "no value" in Marketo's editor, in programming languages and in spreadsheets. */
const PLACEHOLDER =
  /^(?:(?:null|undefined)(?:[\s,;./]+(?:null|undefined))*|NULL(?:[\s,;./]+NULL)*|NaN|none|None None|\\N|[([<{](?:null|none|not set|not provided|undefined)[)\]>}]|N\/A|n\/a|\[object \w{1,20}\]|Invalid Date|=?NA\(\)|%[sd]|#(?:N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NULL!|NUM!|SPILL!|CALC!))$/;
const EDIT_ME = /^edit ?me$/i;
/** Quotation marks, brackets and dots around such a text. */
const AROUND = /^[\s"'`([{<*_]+|[\s"'`)\]}>*_.,;:]+$/g;
/** No campaign, company or person is called so. */
const NO_NAME =
  /^(?:n\.a\.?|N\.A\.?|not (?:applicable|available|provided|specified|set|known|given|disclosed)|unknown|tb[ad]|(?:(?:enter|insert|type)\s+)?(?:your\s+)?(?:first|last|full|company|campaign)[\s_]?name(?:\s+here)?|(?:enter|insert|type)\s+(?:your\s+)?(?:name|company|e-?mail)(?:\s+here)?|your\s+(?:name|company)|e-?mail address)$/i;
/** Python's None and the like; but a person may be called None or Nil. */
const NOTHING = /^(?:none|nil|null|undefined|n\/a)$/i;
/** pandas; Nan is a first name. */
const NOT_A_NUMBER = 'nan';
/** R; but a person may be called Na, and NA is a campaign of North America. */
const NO_COMPANY = /^na$/i;
/** How each of these begins, or without a letter. Most values do not, and this runs for each field of a request. */
const MAY_BE_PLACEHOLDER =
  /^[^A-Za-z0-9]*(?:n(?:[aiou./]|\b)|un|in|ed|ob|tb|full|first|last|company|campaign|enter|type|your|e-?mail|[sd]\b|ref!|value!|div\/|spill!|calc!|$)/i;
/** Or an emoji: people and companies do call themselves so. */
const HAS_A_LETTER = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;

/** What a field names, as far as that decides which texts are no value of it. */
type Names = 'campaign' | 'company' | 'person' | null;

const NAMING =
  /(?:^|\.)[-_ ]*(?:(company|account)(?:[-_ ]?name)?|(organi[sz]ation)|(?:(?:full|first|last|given|family)?[-_ ]?name|surname))[-_ ]*$/i;

function namedBy(path: string): Names {
  const found = NAMING.exec(path);
  return found === null ? null : (found[1] ?? found[2]) === undefined ? 'person' : 'company';
}

/** Whether a field has the name of a person or a company. */
export function isName(path: string): boolean {
  return namedBy(path) !== null;
}

export type Placeholder = { kind: 'token' | 'placeholder'; quoted: string };

/** A token of a template, for a field that must not have one at all. */
export function tokenIn(text: string): string | null {
  if (!HAS_SIGN.test(text) && !BEGINS_AS_TOKEN.test(text)) return null;
  TOKEN.lastIndex = 0;
  const trimmed = text.trim();
  const token = MACRO.exec(trimmed)?.[0] ?? TOKEN.exec(text)?.[0] ?? (isWholeToken(trimmed) ? trimmed : undefined);
  return token === undefined ? null : printable(token);
}

function isWholeToken(trimmed: string): boolean {
  return trimmed.length <= 120 && (MACRO.test(trimmed) || BETWEEN_SIGNS.test(trimmed) || DAMAGED.test(trimmed));
}

/**
 * Whether the whole text only says that there is no value. `Null` with one capital is a surname.
 * @param names more texts are no value of a campaign, a company or a person.
 */
export function isPlaceholder(text: string, names: Names = null): boolean {
  if (!MAY_BE_PLACEHOLDER.test(text)) return false;
  const trimmed = text.trim();
  if (trimmed.length > 40) return false;
  const core = trimmed.replaceAll(AROUND, '');
  if ([trimmed, core].some((each) => PLACEHOLDER.test(each) || EDIT_ME.test(each))) return true;
  if (names === null) return false;
  if (!HAS_A_LETTER.test(trimmed) || NO_NAME.test(core) || core === NOT_A_NUMBER) return true;
  return (names !== 'person' && NOTHING.test(core)) || (names === 'company' && NO_COMPANY.test(core));
}

/** `Ann null`, `undefined Lee`: a template that joined two names, one of which was empty. Mr Christopher Null stays. */
export function withoutEmptyNames(name: string): { text: string; removed: string } | null {
  if (!MAY_BE_EMPTY.test(name)) return null;
  const always = EMPTY_NAME.exec(name)?.[0].trim();
  const words = name.split(/\s+/);
  const others = words.filter((word) => !/^null$/i.test(word));
  const isEmpty = (word: string) =>
    (word === 'null' && others.some((other) => /^\p{Lu}/u.test(other))) ||
    (word === 'NULL' && others.some((other) => /\p{Ll}/u.test(other)));
  const removed = always ?? words.find(isEmpty);
  if (removed === undefined) return null;
  const rest = words.filter((word) => !isEmpty(word)).join(' ');
  return { text: rest.replaceAll(EMPTY_NAME, ' ').replaceAll(/\s+/g, ' ').trim(), removed };
}

const MAY_BE_EMPTY = /null|undefined|n\/a|\bnot /i;
const EMPTY_NAME = /(?<=^|\s)(?:undefined|#?[Nn]\/[Aa]|[([<]not (?:provided|set)[)\]>])(?=\s|$)/g;

/** What is left of an optional text without its unresolved tokens, and what was removed; null where nothing was. */
export function withoutPlaceholders(text: string, path: string): { text: string; removed: Placeholder } | null {
  if (MAY_BE_PLACEHOLDER.test(text) && isPlaceholder(text, namedBy(path)))
    return { text: '', removed: { kind: 'placeholder', quoted: printable(text.trim()) } };
  const token = tokenIn(text);
  if (token === null) return null;
  if (isWholeToken(text.trim()) || !HAS_WORDS.test(text.replaceAll(TOKEN, '')))
    return { text: '', removed: { kind: 'token', quoted: token } };
  MARKETO_TOKEN.lastIndex = 0;
  const marketo = MARKETO_TOKEN.exec(text)?.[0];
  if (marketo === undefined) return null;
  const rest = text.replaceAll(MARKETO_TOKEN, '').replaceAll(/ {2,}/g, ' ').trim();
  return { text: rest, removed: { kind: 'token', quoted: printable(marketo) } };
}

/** Each token has one of these signs, or one of these beginnings; most texts have none. */
const HAS_SIGN = /[{}%｛［]|\*\||<[%<]|&#/;
const BEGINS_AS_TOKEN = /^(?:\s*[^A-Za-z0-9]{0,5}[[<$|~^@#_]|\s*(?:lead|company|campaign|program|contact|trigger)\.)/i;
const HAS_WORDS = /[\p{L}\p{N}]/u;

/** A token's own text is the template's, not a person's, so a message may quote it. */
function printable(token: string): string {
  const text = token.toWellFormed().replaceAll(/\p{C}/gu, '');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
