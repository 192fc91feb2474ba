import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { correctedFields, readCorrections } from './corrected-fields.js';

const letter = { emailRaw: 'Ann@acme.com', campaignId: 'c1', name: 'Ann', attributes: { title: 'VP', fb_lead_id: '12' } };

describe('corrections of a lead', () => {
  it('replace its fields, add usual ones, and call the campaign as answers do', () => {
    expect(correctedFields(letter, { name: 'Bo', fb_lead_id: '13', company: 'Acme', campaignId: 'c2', title: null })).toEqual({
      email: 'Ann@acme.com',
      campaign_id: 'c2',
      name: 'Bo',
      title: null,
      company: 'Acme',
      fb_lead_id: '13',
    });
    expect(readCorrections({ campaignId: 'x' }, ['campaignId'])).toEqual({ campaignId: 'x' });
  });

  it.each([
    ['emial', 'email'],
    ['e-mail', 'email'],
    ['E_Mail', 'email'],
    ['campain_id', 'campaign_id'],
    ['campaign', 'campaign_id'],
    ['Name', 'name'],
    ['comapny', 'company'],
    ['fb_leadid', 'fb_lead_id'],
    ['titel', 'title'],
  ])('refuse %s, and name %s', (name, meant) => {
    expect(() => correctedFields(letter, { [name]: 'x' })).toThrow(`${name}: the lead has no such field; did you mean ${meant}?`);
  });

  it('refuse every other name too, and take it where it is meant', () => {
    expect(() => correctedFields(letter, { favourite_colour: 'red' })).toThrow(
      /favourite_colour: the lead has no such field; A new/,
    );
    expect(correctedFields(letter, { attributes: { favourite_colour: 'red' } })).toMatchObject({ favourite_colour: 'red' });
    expect(() => correctedFields(letter, { attributes: 'x' })).toThrow(AppError);
    expect(readCorrections({ attributes: 'x' }, ['attributes'])).toEqual({ attributes: 'x' });
  });
});
