import { equal, fieldValue, type LeadFacts } from './conditions.js';
import type { Territory } from './rules.schema.js';

export type TerritoryFit = { fits: true; specificity: number } | { fits: false; missing: string[] };

/** The dimensions, with the fields of a lead that are read for them. */
const FIELDS = {
  countries: ['attributes.country'],
  regions: ['attributes.state', 'attributes.region'],
  industries: ['attributes.industry', 'account.industry'],
  languages: ['attributes.language'],
  campaigns: ['campaignId'],
  bands: ['band'],
} as const;
const POSTAL_CODE = ['attributes.postal_code', 'attributes.postalCode', 'attributes.zip'];
const EMPLOYEES = ['attributes.employees', 'attributes.company_size', 'attributes.number_of_employees'];

/** Whether a lead is of a territory: of each dimension that it names. More dimensions are more specific. */
export function fitOf(territory: Territory, lead: LeadFacts): TerritoryFit {
  const missing: string[] = [];
  let specificity = 0;
  const need = (fields: readonly string[], test: (value: string | number | boolean, field: string) => number): boolean => {
    const field = fields.find((each) => fieldValue(lead, each) !== null);
    if (field === undefined) {
      missing.push(fields[0]!);
      return true;
    }
    const weight = test(fieldValue(lead, field)!, field);
    specificity += weight;
    return weight > 0;
  };
  for (const [dimension, fields] of Object.entries(FIELDS)) {
    const wanted = territory[dimension as keyof typeof FIELDS];
    if (wanted && !need(fields, (value, field) => (wanted.some((each) => equal(field, value, each)) ? 1 : 0)))
      return { fits: false, missing: [] };
  }
  const { postalCodes, employees } = territory;
  if (postalCodes && !need(POSTAL_CODE, (value) => postalWeight(String(value), postalCodes))) return { fits: false, missing: [] };
  if (employees && !need(EMPLOYEES, (value) => (isWithin(Number(value), employees) ? 1 : 0))) return { fits: false, missing: [] };
  return missing.length > 0 ? { fits: false, missing } : { fits: true, specificity };
}

/** A longer beginning of the code is more specific: 1 and a hundredth per character. */
function postalWeight(code: string, beginnings: string[]): number {
  const compact = (text: string) => text.replaceAll(/[\s-]/gu, '').toUpperCase();
  const lengths = beginnings.map(compact).filter((each) => compact(code).startsWith(each));
  return lengths.length === 0 ? 0 : 1 + Math.max(...lengths.map((each) => each.length)) / 100;
}

function isWithin(value: number, { min = 0, max = Infinity }: NonNullable<Territory['employees']>): boolean {
  return value >= min && value <= max;
}
