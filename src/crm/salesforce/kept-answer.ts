import type { LeadContent } from '../../domain/lead.js';
import type { ApiError } from './api-error.js';
import { escapePattern } from './escape-pattern.js';

const ANSWER_AT_MOST = 300;

/** An id of 18 characters has long runs of digits too, and names the record that is to be corrected. */
const ID_OR_PHONE = /\b[0-9A-Za-z]{15}[A-Z0-5]{3}\b|\+?\(?\d[\d ()./-]{6,}\d/g;
const RECORD_ID = /^(?=.*[A-Za-z])[0-9A-Za-z]{18}$/;
/** A shorter text would be found inside of other words. */
const INSIDE_OF_WORDS_FROM = 5;
const SHORTEST = 2;

/**
 * What is kept of an error. Salesforce quotes values in its messages; the texts of the record and of the person are
 * taken out, and whatever looks like an address or a number of a phone.
 * @param record what was sent. @param personal more texts of the person, such as those that only an older write had.
 */
export function keptAnswer(error: ApiError, record: Record<string, unknown>, personal: readonly string[] = []): string {
  const sent = Object.entries(record).flatMap(([name, value]) => (name !== 'Id' && typeof value === 'string' ? [value] : []));
  let message = plain(error.message);
  const texts = [...new Set([...sent, ...personal].map((text) => plain(text).trim()))];
  for (const text of texts.sort((a, b) => b.length - a.length)) message = without(message, text);
  message = message
    .replace(/[^\s"'<>:]+@[^\s"'<>]+/g, '…')
    .replace(ID_OR_PHONE, (found) => (RECORD_ID.test(found) ? found : '…'));
  const duplicates = error.duplicates.length > 0 ? ` (${error.duplicates.slice(0, 5).join(', ')})` : '';
  return `${error.code}${fieldsOf(error)} ${message}`.slice(0, ANSWER_AT_MOST - duplicates.length) + duplicates;
}

/** An attribute may be a word like "yes" or "web", without which a message means nothing. */
const ATTRIBUTE_FROM = 5;

/** The texts of a lead that an error may quote from a record which has them from an earlier write. */
export function personalTextsOf({ name, attributes }: Pick<LeadContent, 'name' | 'attributes'>): string[] {
  const words = name === null ? [] : [name, ...name.split(/\s+/u)];
  return [...words, ...Object.values(attributes).filter((text) => text.length >= ATTRIBUTE_FROM)];
}

export function fieldsOf(error: ApiError): string {
  return error.fields.length > 0 ? `: ${error.fields.join(', ')}` : '';
}

/** Triggers quote values in other capitals too. */
function without(message: string, text: string): string {
  if (text.length < SHORTEST || !message.toLowerCase().includes(text.toLowerCase())) return message;
  const escaped = escapePattern(text);
  const pattern = text.length < INSIDE_OF_WORDS_FROM ? `(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])` : escaped;
  return message.replace(new RegExp(pattern, 'giu'), '…');
}

const ENTITIES: Record<string, string> = { '&#39;': "'", '&apos;': "'", '&quot;': '"', '&lt;': '<', '&gt;': '>', '&amp;': '&' };

/** Salesforce encodes the quotes and signs of a value for HTML. */
function plain(text: string): string {
  return text.replaceAll(/&(?:#39|apos|quot|lt|gt|amp);/g, (entity) => ENTITIES[entity]!);
}
