import { withoutHiddenText } from '../heuristic/prompt-injection/detect.js';

const EMAIL = /[^\s@<>()[\]",;:]{1,64}@[^\s@<>()[\]",;:]{1,255}/gu;
const SPELT_EMAIL =
  /[\p{L}\p{N}._+-]{1,64}\s{0,3}[([{]\s*(?:at|arobase|chiocciola|arroba|ät)\s*[)\]}]\s*[\p{L}\p{N}.-]{1,64}(?:\s?[([{]\s?\p{L}{1,10}\s?[)\]}]\s?\p{L}{1,20})?/giu;
const LINK = /\b(?:https?:\/\/|www\.)\S+|\b(?:linkedin|facebook|instagram|xing|twitter|x)\.com\/\S+/giu;
const HANDLE = /(?<![\p{L}\p{N}])@[\p{L}\p{N}._-]{2,}/gu;
/** Seven digits or more, with any separators. A budget in the millions is removed too, rather than keep a number. */
const PHONE = /[+(]?\p{Nd}(?:[\s().\-/\u2010-\u2015\u00A0]{0,3}\p{Nd}){6,}/gu;
/** After these a person gives a name that no field told us. */
const INTRODUCTION =
  /(?<=(?:\bmy name is|\bthis is|\bmein name ist|\bich heiße|\bje m['’]appelle|\bje suis|\bmi nombre es|\bme llamo|\bmi chiamo|\bsono)\s)\p{Lu}[\p{L}'’-]+(?:\s+(?:(?:van|von|de|der|la|di|da|del|bin|al)\s+)*\p{Lu}[\p{L}'’-]+)*/gu;
/** A closing formula; what follows it on the same or the next line, if it is short, is a signature. */
const SIGNATURE =
  /((?:^|[\n.!?,]\s*)(?:kind |best |warm )?(?:regards|wishes|cheers|sincerely|yours(?: truly| sincerely)?|mfg|viele grüße|(?:mit )?freundlichen? grüßen?|beste grüße|lg|cordialement|bien à vous|saludos(?: cordiales)?|un saludo|cordiali saluti|distinti saluti|thanks and regards|br)\s*[,.!]?\s*)\n*\s*([^\n]{1,60})\s*$/iu;

/** Names that are words too: as a name they begin with a capital letter, as a word mostly not. */
const WORD_NAMES = new Set(
  'will may mark bill grace rich sue art june april august rose ivy joy hope faith frank grant chase max drew rob pat don guy jack ray dean penny sunny summer autumn page case long young white black brown green king price cook hall hill wood field rice bush day law love fox wolf best good wise may little small short sharp strong winter weber demo test lead team sales'.split(
    ' ',
  ),
);
/** What is a mailbox rather than a person; to cut it out of a message would cut the message. */
const ROLE_WORDS = new Set(
  'info sales office contact hello admin support marketing team mail enquiries inquiries kontakt buero noreply reply postmaster webmaster abuse demo test service help hr jobs press billing accounts the and com www'.split(
    ' ',
  ),
);
const NAME_KEYS =
  /(?:^|[._ ])(?:first|last|full|middle|given|family|sur|nick|display|contact|person|lead)?[._ -]?(?:name|nachname|vorname|prenom|prénom|nom|nombre|apellidos?|cognome|nome|salutation)$/i;
const NOT_PERSON_KEYS = /company|organi[sz]ation|account|campaign|program|form|event|product|page|file|firma/i;
const MIN_NAME = 2;

export interface PersonalWords {
  names: readonly string[];
  locals: readonly string[];
}

/** The words that would name the person: from the name, from name-like attributes and from the e-mail's local part. */
export function personalWordsOf(lead: {
  email: string;
  emailRaw?: string;
  name: string | null;
  attributes: Record<string, string>;
}): PersonalWords {
  const names = new Set<string>();
  const add = (text: string) => {
    for (const word of text.normalize('NFC').split(/[^\p{L}\p{M}\p{N}'’]+/u)) {
      const plain = word.replace(/^['’]+|['’]+$/g, '');
      if ([...plain].length >= MIN_NAME || /\p{Script=Han}|\p{Script=Hangul}/u.test(plain)) names.add(plain);
    }
    // Chinese, Japanese and Korean names are written without a space, and often addressed by a part.
    const whole = text.normalize('NFC').trim();
    if (/[\p{Script=Han}\p{Script=Hangul}]/u.test(whole) && whole.length <= 8) names.add(whole);
  };
  if (lead.name) add(lead.name);
  for (const [key, value] of Object.entries(lead.attributes)) {
    const last = key.split('.').at(-1)!;
    if (NAME_KEYS.test(last.replaceAll(/([a-z])([A-Z])/g, '$1_$2')) && !NOT_PERSON_KEYS.test(key) && value.length <= 80)
      add(value);
  }
  const locals = new Set<string>();
  for (const email of [lead.email, lead.emailRaw ?? '']) {
    const local = email.slice(0, Math.max(email.lastIndexOf('@'), 0)).normalize('NFC');
    for (const part of [local, local.split('+', 1)[0]!, ...local.split(/[^\p{L}\p{M}]+/u)]) {
      if ([...part].length >= 3 && !ROLE_WORDS.has(part.toLowerCase())) locals.add(part);
    }
  }
  return { names: [...names], locals: [...locals] };
}

/** A text without e-mail addresses, phone numbers, links, and the words that name the person. */
export function redact(raw: string, person: PersonalWords): string {
  // White space in a row would make the patterns below slow, and means nothing to the model.
  let text = withoutHiddenText(raw.normalize('NFC'))
    .toWellFormed()
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/ ?\n[ \n]*/g, '\n');
  text = text.replace(LINK, '[link]').replace(EMAIL, '[e-mail]').replace(SPELT_EMAIL, '[e-mail]').replace(HANDLE, '[handle]');
  text = text.replace(PHONE, '[number]').replace(SIGNATURE, '$1[name]').replace(INTRODUCTION, '[name]');
  for (const word of byLength(person.locals)) text = cut(text, word, '[mailbox]');
  for (const word of byLength(person.names)) text = cut(text, word, '[name]');
  return text;
}

function byLength(words: readonly string[]): string[] {
  return [...words].sort((a, b) => b.length - a.length);
}

/** Letters that a pattern without regard to case takes for the same are the same here. */
const folded = (text: string) => text.toLowerCase().toUpperCase();

function cut(text: string, word: string, by: string): string {
  // Most texts do not name the person, and compiling the pattern of a word costs more than all other steps.
  if (!folded(text).includes(folded(word))) return text;
  const escaped = word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  if (/[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(word)) {
    return text.replaceAll(word, by);
  }
  const edge = { before: '(?<![\\p{L}\\p{M}\\p{N}])', after: "(?:['’]s)?(?![\\p{L}\\p{M}\\p{N}])" };
  const lower = word.toLowerCase();
  if (!WORD_NAMES.has(lower)) return text.replace(new RegExp(`${edge.before}${escaped}${edge.after}`, 'giu'), by);
  const capital = lower[0]!.toUpperCase() + lower.slice(1);
  return text.replace(new RegExp(`${edge.before}(?:${capital}|${lower.toUpperCase()})${edge.after}`, 'gu'), by);
}
