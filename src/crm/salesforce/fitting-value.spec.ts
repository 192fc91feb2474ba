import { expect, it } from 'vitest';
import { fittingValue } from './fitting-value.js';

it.each([
  ['int', '1,234', 1234],
  ['int', '1.234', 1234],
  ['int', '2.000', null],
  ['int', '12.0', 12],
  ['int', '12.5', null],
  ['int', 12.5, null],
  ['int', '99999999999', null],
  ['currency', '1,234', null],
  ['currency', '1.234,50 €', 1234.5],
  ['double', '0x10', null],
  ['double', '120212345678901234', null],
  ['percent', '50%', 50],
  ['boolean', 1, true],
  ['boolean', 'perhaps', null],
  ['time', '9:30', '09:30:00.000Z'],
  ['time', '10:30:05.5Z', '10:30:05.500Z'],
  ['time', '25:00', null],
  ['string', 85, '85'],
  ['string', 'x'.repeat(40), 'x'.repeat(30)],
  ['encryptedstring', 'x'.repeat(40), null],
  ['picklist', 'web ', 'Web'],
  ['picklist', 'Other', 'Other'],
  // The org's values are codes; forms send what people see. A deactivated value is another spelling of one.
  ['picklist', 'financial services', 'FIN'],
  ['picklist', 'WEB', 'Web'],
  ['multipicklist', 'financial services;web', 'FIN;Web'],
  ['richtext', 'a < b\nc & d', 'a &lt; b<br>c &amp; d'],
  ['richtext', '&'.repeat(30), '&amp;'.repeat(6)],
  ['multipicklist', '["Red","light blue"]', 'Red;Light Blue'],
  ['multipicklist', 'red; Light Blue;', 'Red;Light Blue'],
  ['multipicklist', 'Red, Light Blue', 'Red;Light Blue'],
  ['multipicklist', 'Red, or none', 'Red, or none'],
  ['multipicklist', 'Gas, Water', 'Gas, Water'],
])('a field of the type %s holds %j as %j', (type, value, held) => {
  const picklistValues = [
    ...['Web', 'Red', 'Light Blue', 'Gas, Water', 'Gas', 'Water'].map((each) => ({ value: each })),
    { value: 'WEB', active: false },
    { value: 'FIN', label: 'Financial Services' },
  ];
  const kind = type === 'richtext' ? { type: 'textarea', extraTypeInfo: 'richtextarea' } : { type };
  expect(fittingValue(value, { ...kind, length: 30, picklistValues })).toBe(held);
});
