import type { FieldValue, FieldValues } from './field-map.js';
import { NUMBER_TYPES } from './fitting-value.js';
import type { OrgField } from './org-schema.js';

export type Fields = Map<string, OrgField>;

/** Set by the org itself or by rules; the API does not fill them. */
const FILLED_BY_THE_ORG = new Set(['ownerid', 'status', 'isconverted', 'isunreadbyowner']);

/** Why the org would refuse these values, or cut them; empty where it would take them as they are. */
export function problemsOf(values: FieldValues, fields: Fields, act: 'create' | 'update'): string[] {
  const problems = Object.entries(values).flatMap(([name, value]) => {
    const field = fields.get(name.toLowerCase());
    const problem = field
      ? problemOf(value, field, act)
      : 'the org has no such field, or does not show it to the integration user';
    return problem ? [`${name}: ${problem}`] : [];
  });
  return act === 'create' ? [...problems, ...unfilled(values, fields)] : problems;
}

export function problemOf(value: FieldValue, field: OrgField, act: 'create' | 'update'): string | null {
  if (act === 'create' ? !field.createable : !field.updateable) return `the integration user may not ${act} it`;
  if (NUMBER_TYPES.has(field.type) && typeof value !== 'number') return `is a number (${field.type}) in the org`;
  if (field.type === 'boolean' && typeof value !== 'boolean') return 'is a checkbox in the org: use the transform "boolean"';
  if ((field.type === 'date' || field.type === 'datetime') && Number.isNaN(Date.parse(String(value))))
    return `is no ${field.type}`;
  if (field.restrictedPicklist && !field.picklistValues.some((choice) => choice.active && choice.value === String(value))) {
    return `is not one of the values of the restricted picklist`;
  }
  if (typeof value === 'string' && field.length > 0 && value.length > field.length) {
    return `is longer than the ${field.length} characters of the field${field.type === 'email' ? '' : ', and will be cut'}`;
  }
  return null;
}

export function unfilled(values: FieldValues, fields: Fields): string[] {
  const filled = new Set(Object.keys(values).map((name) => name.toLowerCase()));
  return [...fields.values()]
    .filter((field) => field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== 'boolean')
    .filter(({ name }) => !filled.has(name.toLowerCase()) && !FILLED_BY_THE_ORG.has(name.toLowerCase()))
    .map(({ name }) => `${name}: the org requires it, and nothing fills it`);
}
