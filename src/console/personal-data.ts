import type { FastifyRequest } from 'fastify';

/** Whether the reader gets no personal data before asking for it. */
export function isMasked({ operator }: FastifyRequest): boolean {
  return operator?.role !== 'operator';
}

/** Attributes that say nothing about who the person is. */
const SHOWN =
  /^(?:company|companyname|title|jobtitle|industry|country|source|leadsource|utm_.*|campaign.*|employees|companysize)$/;

/** "a…@acme.example": the domain tells which company it is. */
export function maskedEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 1 ? '…' : `${[...email][0]}…${email.slice(at)}`;
}

/** "A… B…". */
export function maskedName(name: string | null): string | null {
  if (name === null) return null;
  return name
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => `${[...word][0]}…`)
    .join(' ');
}

/** Attributes with the values hidden that may name the person. */
export function maskedAttributes(attributes: Record<string, string>): [string, string][] {
  return Object.entries(attributes).map(([name, value]) => [name, SHOWN.test(plain(name)) ? withoutAddresses(value) : '…']);
}

function plain(name: string): string {
  return name.split('.').at(-1)!.toLowerCase().replaceAll(/[\s-]/g, '');
}

const ADDRESS = /[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+/gu;
/** Attributes that are part of a name, such as `lead.first_name`. */
const NAME = /name$/i;

/** Free text with the local part of each e-mail address hidden. */
export function withoutAddresses(text: string): string {
  return text.replaceAll(ADDRESS, maskedEmail);
}

interface Person {
  name: string | null;
  attributes: Record<string, string>;
}

/**
 * Hides in free text what a model or a CRM may have repeated of the person: e-mail addresses, the words of the name,
 * and hidden attributes with digits, such as a phone number. A word of the name is hidden as it is written, capitalised
 * and in capitals, so that `will` stays where the person is called Will.
 */
export function personHider({ name, attributes }: Person): (text: string) => string {
  const hidden = Object.entries(attributes).filter(([attribute]) => !SHOWN.test(plain(attribute)));
  const names = [name ?? '', ...hidden.filter(([attribute]) => NAME.test(attribute)).map(([, value]) => value)];
  const words = names.flatMap((each) => each.split(/[\s,]+/)).filter((word) => [...word].length > 1);
  const spellings = words.flatMap((word) => [word, word.toUpperCase(), capitalised(word)]);
  const numbers = hidden.map(([, value]) => value).filter((value) => /\d/.test(value) && value.length > 4 && value.length <= 100);
  const patterns = [...new Set([...numbers, ...spellings])]
    .toSorted((one, other) => other.length - one.length)
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  if (patterns.length === 0) return withoutAddresses;
  const person = new RegExp(String.raw`(?<![\p{L}\p{N}])(?:${patterns.join('|')})(?![\p{L}\p{N}])`, 'gu');
  return (text) => withoutAddresses(text).replaceAll(person, (found) => `${[...found][0]}…`);
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}
