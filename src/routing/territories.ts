import { fieldValue, isAmong, withinBounds, type LeadFacts } from './conditions.js';
import { countryCode } from './country-codes.js';
import { attributeKey, attributeOf, type LeadField } from './lead-fields.js';
import { postalWeight } from './postal-codes.js';
import type { Territory } from './rules.schema.js';

export type TerritoryFit = { fits: true; specificity: number } | { fits: false; missing: string[] };

/** The dimensions whose values are listed, with the attribute or the other field of a lead that is read for them. */
const LISTED: [dimension: 'countries' | 'regions' | 'industries' | 'languages' | 'campaigns' | 'bands', field: string][] = [
  ['countries', 'country'],
  ['regions', 'region'],
  ['industries', 'industry'],
  ['languages', 'language'],
  ['campaigns', 'campaignId'],
  ['bands', 'band'],
];

/** How specific the fit of one dimension is; 0: none. Or what the lead does not have and would decide. */
type Weight = number | { missing: string[] };

/** Whether a lead is of a territory: of each dimension that it names. More dimensions are more specific. */
export function fitOf(territory: Territory, lead: LeadFacts): TerritoryFit {
  const missing: string[] = [];
  let specificity = 0;
  for (const weight of weightsOf(territory, lead)) {
    if (weight === 0) return { fits: false, missing: [] };
    if (typeof weight === 'number') specificity += weight;
    else missing.push(...weight.missing);
  }
  return missing.length > 0 ? { fits: false, missing } : { fits: true, specificity };
}

function* weightsOf(territory: Territory, lead: LeadFacts): Generator<Weight> {
  const { postalCodes, employees } = territory;
  for (const [dimension, field] of LISTED) {
    const wanted = territory[dimension];
    if (!wanted) continue;
    const is = isAmong(lead, placeOf(lead, field), wanted);
    yield is === null ? { missing: [`attributes.${field}`] } : is ? 1 : 0;
  }
  if (postalCodes) yield postalWeightOf(lead, postalCodes);
  if (employees) {
    const verdict = withinBounds(lead, placeOf(lead, 'employees'), employees);
    yield 'missing' in verdict ? verdict : verdict.is ? 1 : 0;
  }
}

function postalWeightOf({ attributes }: LeadFacts, postalCodes: string[]): Weight {
  const code = attributeOf(attributes, 'postalCode');
  if (code === undefined) return { missing: ['attributes.postal_code'] };
  return postalWeight(code, postalCodes, countryCode(attributeOf(attributes, 'country') ?? ''));
}

/** Where the lead has a field. */
function placeOf(lead: LeadFacts, field: string): string {
  if (field === 'campaignId' || field === 'band') return field;
  const key = attributeKey(lead.attributes, field as LeadField);
  if (key !== undefined) return `attributes.${key}`;
  return field === 'industry' && fieldValue(lead, 'account.industry') !== null ? 'account.industry' : `attributes.${field}`;
}
