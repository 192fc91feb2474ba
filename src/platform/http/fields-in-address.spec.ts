import { expect, it } from 'vitest';
import { fieldsInAddress } from './fields-in-address.js';

it.each([
  ['/leads?email=a%40b.co&campaign_id=7', 'email=a%40b.co&campaign_id=7'],
  ['/leads?secret=x&Email=a@b.co&apiKey=y&&name=Ann#top', 'Email=a@b.co&name=Ann'],
  ['/leads?emailAddress=a@b.co', 'emailAddress=a@b.co'],
  ['/leads?email=&campaign_id=7', null],
  ['/leads?x=1', null],
  ['/leads', null],
])('the fields in %s are %j', (url, fields) => {
  expect(fieldsInAddress(url)).toBe(fields);
});
