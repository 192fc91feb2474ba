import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTHERS_KEY } from '../../src/crm/salesforce/refusals.js';
import {
  FAKE_CLIENT_ID,
  FAKE_CLIENT_SECRET,
  startSalesforceFake,
  type SalesforceFake,
} from '../support/fakes/salesforce/index.js';
import { KEY_RULE_MESSAGE, VERSION_RULE_MESSAGE } from '../support/fakes/salesforce/rules.js';
import { CUSTOM_FIELDS, type FieldSpec } from '../support/fakes/salesforce/schema.js';
import { childrenOf, parseXml, textOf, type XmlElement } from '../support/xml.js';

const ROOT = 'salesforce/force-app/main/default';

const read = (path: string): XmlElement => parseXml(readFileSync(path, 'utf8'));
const filesUnder = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

/** A field of the fake in the form of the metadata. */
function asMetadata(spec: FieldSpec): Record<string, unknown> {
  const base = { fullName: spec.name, label: spec.label };
  switch (spec.type) {
    case 'string':
      return {
        ...base,
        type: 'Text',
        length: String(spec.length),
        externalId: String(spec.externalId),
        unique: String(spec.unique),
        ...(spec.unique ? { caseSensitive: String(spec.caseSensitive) } : {}),
      };
    case 'double':
      return { ...base, type: 'Number', precision: String(spec.precision), scale: String(spec.scale) };
    case 'textarea':
      return { ...base, type: 'LongTextArea', length: String(spec.length) };
    case 'picklist':
      return { ...base, type: 'Picklist', values: spec.picklist, restricted: String(spec.restrictedPicklist) };
    default:
      return { ...base, type: 'DateTime' };
  }
}

function fieldIn(path: string): Record<string, unknown> {
  const root = read(path);
  const valueSet = childrenOf(root, 'valueSet')[0];
  const definition = valueSet && childrenOf(valueSet, 'valueSetDefinition')[0];
  return {
    ...Object.fromEntries(root.children.map((child) => [child.name, child.text])),
    ...(valueSet && definition
      ? {
          restricted: textOf(valueSet, 'restricted'),
          values: childrenOf(definition, 'value').map((each) => textOf(each, 'fullName')),
        }
      : {}),
  };
}

describe('the Salesforce metadata', () => {
  it('is well-formed, and each file is named after what it holds', () => {
    const files = filesUnder(ROOT, '-meta.xml');
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) {
      const root = read(file);
      const [name, kind] = basename(file).split('.');
      expect(root.name.toLowerCase(), file).toBe(
        (kind === 'field-meta' ? 'CustomField' : kind!.replace('-meta', '')).toLowerCase(),
      );
      expect(textOf(root, 'fullName') ?? name, file).toBe(name);
    }
  });

  it.each(
    Object.entries(CUSTOM_FIELDS).flatMap(([object, specs]) =>
      specs.map((spec) => [`${object}.${spec.name}`, object, spec] as const),
    ),
  )('has %s as the fake describes it', (_, object, spec) => {
    const shipped = fieldIn(`${ROOT}/objects/${object}/fields/${spec.name}.field-meta.xml`);
    expect(shipped).toMatchObject(asMetadata(spec));
    expect(shipped['description']).toBeTruthy();
    expect(String(shipped['inlineHelpText']).length).toBeGreaterThan(10);
    expect(String(shipped['inlineHelpText']).length).toBeLessThanOrEqual(510);
  });

  it('ships no field that the fake does not know', () => {
    const shipped = filesUnder(`${ROOT}/objects`, '.field-meta.xml').map((file) => basename(file).split('.')[0]);
    const known = Object.values(CUSTOM_FIELDS).flatMap((specs) => specs.map((spec) => spec.name));
    expect(shipped.toSorted()).toEqual(known.toSorted());
  });

  it('has every field that the service writes', () => {
    const known = new Set(Object.values(CUSTOM_FIELDS).flatMap((specs) => specs.map((spec) => spec.name)));
    const sources = filesUnder('src/crm', '.ts').map((file) => readFileSync(file, 'utf8'));
    const used = new Set(sources.flatMap((source) => source.match(/\bRF_\w+__c\b/g) ?? []));
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
  });

  it('refuses an older version in the words of the fake, and lets a repeat and a bypass through', () => {
    const rule = read(`${ROOT}/objects/Lead/validationRules/RF_Newer_Version_Stands.validationRule-meta.xml`);
    expect(textOf(rule, 'active')).toBe('true');
    expect(textOf(rule, 'errorMessage')).toBe(VERSION_RULE_MESSAGE);
    expect(VERSION_RULE_MESSAGE.length).toBeLessThanOrEqual(255);
    const formula = textOf(rule, 'errorConditionFormula')!.replace(/\s+/g, '');
    expect(formula).toBe(
      'AND(NOT(ISNEW()),NOT($Permission.RF_Bypass_Version_Rule),NOT(ISBLANK(PRIORVALUE(RF_Version__c))),' +
        'OR(ISBLANK(RF_Version__c),RF_Version__c<PRIORVALUE(RF_Version__c)))',
    );
    expect(existsSync(`${ROOT}/customPermissions/RF_Bypass_Version_Rule.customPermission-meta.xml`)).toBe(true);
  });

  it('keeps a key with its person in the words of the fake and of the service', () => {
    const rule = read(`${ROOT}/objects/Lead/validationRules/RF_Key_Stays_With_Person.validationRule-meta.xml`);
    expect(textOf(rule, 'active')).toBe('true');
    expect(textOf(rule, 'errorMessage')).toBe(KEY_RULE_MESSAGE);
    expect(KEY_RULE_MESSAGE).toContain(OTHERS_KEY);
    expect(textOf(rule, 'errorConditionFormula')!.replace(/\s+/g, '')).toBe(
      'AND(NOT(ISNEW()),NOT($Permission.RF_Bypass_Version_Rule),NOT(ISBLANK(RF_Person_Key__c)),' +
        'LOWER(RF_Person_Key__c)<>LOWER(PRIORVALUE(RF_Person_Key__c)),' +
        'OR(NOT(ISBLANK(PRIORVALUE(RF_Person_Key__c))),LOWER(Email)<>LOWER(PRIORVALUE(Email))))',
    );
  });

  it('lets the integration user edit each field, and sales only see it', () => {
    const known = Object.entries(CUSTOM_FIELDS).flatMap(([object, specs]) => specs.map((spec) => `${object}.${spec.name}`));
    for (const [name, editable] of [
      ['RevenueFlow_Integration', 'true'],
      ['RevenueFlow_Admin', 'true'],
      ['RevenueFlow_Sales', 'false'],
    ] as const) {
      const set = read(`${ROOT}/permissionsets/${name}.permissionset-meta.xml`);
      const granted = childrenOf(set, 'fieldPermissions').filter((each) => textOf(each, 'editable') === editable);
      expect(granted.map((each) => textOf(each, 'field'))).toEqual(expect.arrayContaining(known));
    }
  });

  it('gives the integration user neither a delete nor the bypass', () => {
    const set = read(`${ROOT}/permissionsets/RevenueFlow_Integration.permissionset-meta.xml`);
    const objects = childrenOf(set, 'objectPermissions');
    expect(objects.map((each) => textOf(each, 'object'))).toEqual(['Account', 'Campaign', 'Contact', 'Lead']);
    expect(objects.map((each) => textOf(each, 'allowDelete'))).toEqual(['false', 'false', 'false', 'false']);
    expect(childrenOf(set, 'customPermissions')).toEqual([]);
  });

  it('shows in the list view and the report fields that exist', () => {
    const known = new Set(CUSTOM_FIELDS.Lead!.map((spec) => spec.name));
    for (const file of [...filesUnder(ROOT, '.listView-meta.xml'), ...filesUnder(ROOT, '.report-meta.xml')]) {
      const shown = readFileSync(file, 'utf8').match(/RF_\w+__c/g)!;
      expect(shown).toContain('RF_Fit_Score__c');
      expect(shown.filter((name) => !known.has(name))).toEqual([]);
    }
  });
});

describe('the parser of these tests', () => {
  const declared = (body: string) => parseXml(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);

  it('reads entities and refuses what is not well-formed', () => {
    expect(textOf(declared('<a><b>x &lt; y &amp; z</b><!-- why --><c/></a>'), 'b')).toBe('x < y & z');
    for (const broken of ['<a><b></a></b>', '<a>', '<a/><b/>', '<a>x & y</a>', '<a>1 < 2</a>', '<a></a>tail', '<a b=c/>'])
      expect(() => declared(broken), broken).toThrow('not well-formed');
    expect(() => parseXml('<a/>')).toThrow('no XML declaration');
  });
});

describe('the fake, described over the wire', () => {
  let fake: SalesforceFake;
  beforeAll(async () => {
    fake = await startSalesforceFake();
  });
  afterAll(() => fake.close());

  it('has the same lengths and keys', async () => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: FAKE_CLIENT_ID,
      client_secret: FAKE_CLIENT_SECRET,
    });
    const token = (await (await fetch(`${fake.url}/services/oauth2/token`, { method: 'POST', body: form })).json()) as {
      access_token: string;
    };
    const answer = await fetch(`${fake.url}/services/data/v62.0/sobjects/Lead/describe`, {
      headers: { authorization: `Bearer ${token.access_token}` },
    });
    const { fields } = (await answer.json()) as { fields: Record<string, unknown>[] };
    const key = fields.find((field) => field['name'] === 'RF_Person_Key__c');
    expect(key).toMatchObject({ type: 'string', length: 64, externalId: true, unique: true, caseSensitive: false, custom: true });
    for (const spec of CUSTOM_FIELDS.Lead!)
      expect(fields.find((field) => field['name'] === spec.name)).toMatchObject({ type: spec.type, length: spec.length });
  });
});
