import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asStored, fieldsOf, needsTextarea } from './form-fields.js';

/** What a browser sends of a value that was not changed. */
const sentOf = (value: string) =>
  needsTextarea(value) ? value.replaceAll(/\r\n?/g, '\n').replace(/^\n/, '').replaceAll('\n', '\r\n') : value;

describe('the form of a correction', () => {
  it('changes no value that was left as it was, whatever line breaks it has', () => {
    const value = fc.string({ unit: fc.constantFrom('a', '\n', '\r', ' ', 'é') });
    fc.assert(
      fc.property(value, (message) => {
        expect(asStored({ message: sentOf(message) }, { message })).toEqual({ message });
      }),
    );
  });

  it('keeps what was typed', () => {
    expect(asStored({ message: 'one\r\ntwo', title: 'CEO' }, { message: 'one' })).toEqual({ message: 'one\ntwo', title: 'CEO' });
  });

  it('takes the fields of the lead and not those of the form', () => {
    expect(fieldsOf({ 'field.email': 'a@b.example', formToken: 'x' })).toEqual({ email: 'a@b.example' });
  });
});
