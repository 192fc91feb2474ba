/** Values of a person's fields by Marketo's names; null clears a field. */
export type MarketoValues = Record<string, string | number | boolean | null>;
