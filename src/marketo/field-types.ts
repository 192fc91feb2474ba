import type { MarketoField } from './client/marketo-api.js';
import type { FieldRule } from './field-map.js';

/** Sources whose values are texts for every person, unless the map changes them; those of a webhook may be anything. */
const TEXT =
  /^(?:leadId|owner|owner\..+|outcome|enrichment\.(?:intent|reasoning|scoreSource|provider|model|scorerVersion|evidence|flags))$/;
const TIME = /^(?:scoredAt|outcome\.at)$/;
const NUMBERS = ['integer', 'score', 'float', 'currency', 'percent', 'boolean'];
const NEVER_TEXT = new Set([...NUMBERS, 'date', 'datetime']);
const NEVER_TIME = new Set(NUMBERS);

/**
 * Whether Marketo would refuse the value of every person: the field has a type in which none fits.
 * https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/field-types
 */
export function isUnsuited({ from = '', transform, values }: FieldRule, { dataType }: Pick<MarketoField, 'dataType'>): boolean {
  if (values !== undefined || transform === 'number' || transform === 'boolean') return false;
  return (TEXT.test(from) && NEVER_TEXT.has(dataType)) || (TIME.test(from) && NEVER_TIME.has(dataType));
}
