/** What forms and CRMs call the same field: the last part of the name, without case and separators. */
const NAMES = {
  country: ['country', 'countrycode', 'countryname'],
  region: ['state', 'region', 'province', 'stateprovince', 'statecode'],
  postalCode: ['postalcode', 'postcode', 'zip', 'zipcode', 'plz'],
  industry: ['industry'],
  language: ['language', 'lang', 'locale', 'preferredlanguage'],
  employees: ['employees', 'numberofemployees', 'numemployees', 'employeecount', 'companysize', 'headcount', 'teamsize'],
} as const;

export type LeadField = keyof typeof NAMES;

const FIELD_OF_NAME = new Map<string, LeadField>(
  Object.entries(NAMES).flatMap(([field, names]) => names.map((name) => [name, field as LeadField])),
);

type Attributes = Readonly<Record<string, string>>;

/** Keys by their plain names: territories ask for the same few of each lead. */
const keysOf = new WeakMap<Attributes, Map<string, string>>();

/** What a field is by its name: `attributes.lead.CountryCode` is a country; undefined where it is none of these. */
export function fieldNamed(name: string): LeadField | undefined {
  return FIELD_OF_NAME.get(plainName(name));
}

/** The attribute of a lead that is this field; undefined where it has none. */
export function attributeKey(attributes: Attributes, field: LeadField): string | undefined {
  let keys = keysOf.get(attributes);
  if (!keys) {
    keys = new Map();
    // `country` of the lead itself rather than `company.country`.
    for (const key of Object.keys(attributes).toSorted((a, b) => Number(a.includes('.')) - Number(b.includes('.'))))
      if (!keys.has(plainName(key))) keys.set(plainName(key), key);
    keysOf.set(attributes, keys);
  }
  for (const name of NAMES[field]) if (keys.has(name)) return keys.get(name);
  return undefined;
}

export function attributeOf(attributes: Attributes, field: LeadField): string | undefined {
  const key = attributeKey(attributes, field);
  return key === undefined ? undefined : attributes[key];
}

function plainName(name: string): string {
  return name
    .slice(name.lastIndexOf('.') + 1)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/gu, '');
}
