import { KEY_PREFIX, type ObjectName } from './ids.js';
import { isLookup, type FieldSpec } from './schema.js';

function describeField(spec: FieldSpec): Record<string, unknown> {
  return {
    name: spec.name,
    label: spec.label,
    type: spec.type,
    length: spec.length,
    byteLength: spec.length * 3,
    precision: spec.precision,
    scale: spec.scale,
    nillable: spec.nillable,
    createable: spec.createable,
    updateable: spec.updateable,
    defaultedOnCreate: spec.defaultedOnCreate,
    filterable: spec.filterable,
    sortable: spec.filterable,
    externalId: spec.externalId,
    idLookup: isLookup(spec) || spec.type === 'id',
    unique: spec.unique,
    caseSensitive: spec.caseSensitive,
    custom: spec.custom,
    calculated: false,
    restrictedPicklist: spec.restrictedPicklist,
    picklistValues: spec.picklist.map((value) => ({ active: true, defaultValue: false, label: value, validFor: null, value })),
    referenceTo: spec.referenceTo,
    relationshipName: spec.relationshipName,
  };
}

/** GET …/sobjects/{X}/describe as the integration user sees it: without fields that it may not read. */
export function describeObject(
  object: ObjectName,
  fields: FieldSpec[],
  may: { create: boolean; edit: boolean; delete: boolean },
) {
  return {
    name: object,
    label: object.replace(/([a-z])([A-Z])/g, '$1 $2'),
    keyPrefix: KEY_PREFIX[object],
    createable: may.create,
    updateable: may.edit,
    deletable: may.delete,
    undeletable: may.delete,
    queryable: true,
    retrieveable: true,
    custom: false,
    fields: fields.map(describeField),
  };
}
