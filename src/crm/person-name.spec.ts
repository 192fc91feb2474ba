import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { companyOf, NOT_PROVIDED, personNameOf, splitName } from './person-name.js';

describe('a full name', () => {
  it.each([
    ['Ann Lee', 'Ann', 'Lee', null],
    ['Hal Daume III', 'Hal', 'Daume', 'III'],
    ['John Henry Johnson Jr.', 'John Henry', 'Johnson', 'Jr.'],
    ['Sammy Davis, Jr.', 'Sammy', 'Davis', 'Jr.'],
    ['Ann Lee, PhD', 'Ann', 'Lee', 'PhD'],
    ['Ann Lee PhD', 'Ann', 'Lee', 'PhD'],
    ['Ann Lee, Ph.D., MBA', 'Ann', 'Lee', 'Ph.D. MBA'],
    ['Jack Lee, MA', 'Jack', 'Lee', 'MA'],
    ['Jack Ma', 'Jack', 'Ma', null],
    ['LEE, Ann', 'Ann', 'LEE', null],
    ['LEE, MA', 'MA', 'LEE', null],
    ['Smith, John Jr.', 'John', 'Smith', 'Jr.'],
    ['van der Berg, Vera', 'Vera', 'van der Berg', null],
    ['Dr. Vera van der Berg', 'Vera', 'van der Berg', null],
    ['Ludwig Von Beethoven', 'Ludwig', 'Von Beethoven', null],
    ['Van Morrison', 'Van', 'Morrison', null],
    ['van Gogh', null, 'van Gogh', null],
    ['Prof. Dr. Hans Meier', 'Hans', 'Meier', null],
    ['Herr Meier', null, 'Meier', null],
    ['María José García López', 'María José', 'García López', null],
    ['Juan de la Cruz García', 'Juan', 'de la Cruz García', null],
    ['José Ortega y Gasset', 'José', 'Ortega y Gasset', null],
    ['João Silva Neto', 'João', 'Silva Neto', null],
    ['Omar al-Rashid', 'Omar', 'al-Rashid', null],
    ['Al Pacino', 'Al', 'Pacino', null],
    ['Ann Lee (she/her)', 'Ann', 'Lee', null],
    ['Christopher Null', 'Christopher', 'Null', null],
    ['Madonna', null, 'Madonna', null],
    ['山田太郎', null, '山田太郎', null],
    ['김철수', null, '김철수', null],
    ['  Ann   Lee ', 'Ann', 'Lee', null],
    ['=HYPERLINK("http://x.example","hi")', null, '=HYPERLINK("http://x.example","hi")', null],
    ['PhD', null, 'PhD', null],
    ['Dr.', null, 'Dr.', null],
    [',', null, ',', null],
    ['', null, NOT_PROVIDED, null],
    ['Beethoven, Ludwig van', 'Ludwig', 'van Beethoven', null],
    ['Berg, Jan van der', 'Jan', 'van der Berg', null],
    ['Smith Jr., John', 'John', 'Smith', 'Jr.'],
    ['Tiptree, James, Jr.', 'James', 'Tiptree', 'Jr.'],
    ['Smith, John, MD', 'John', 'Smith', 'MD'],
    ['John Smith MD', 'John', 'Smith', 'MD'],
    ['Jane Ann Doe RN', 'Jane Ann', 'Doe', 'RN'],
    ['Amadou Hampâté BA', 'Amadou Hampâté', 'BA', null],
    ['JOHN SMITH MD', 'JOHN SMITH', 'MD', null],
    ['Ma, Andrew', 'Andrew', 'Ma', null],
    ['Royce, Ed', 'Ed', 'Royce', null],
    ['Flávio Juvenal da Silva Junior', 'Flávio Juvenal', 'da Silva Junior', null],
    ['Dr. Van Johnson', 'Van', 'Johnson', null],
    ['Dr. Bob Van Barker Jr.', 'Bob', 'Van Barker', 'Jr.'],
    ['Caroline van den Brul', 'Caroline', 'van den Brul', null],
    ['Van Maximilian Carlson', 'Van Maximilian', 'Carlson', null],
    ['Prof. Dr. med. Hans Müller', 'Hans', 'Müller', null],
    ['Dr. rer. nat. Uta Kern', 'Uta', 'Kern', null],
    ['Dr.-Ing. Uwe Kern', 'Uwe', 'Kern', null],
    ['Robert "Bob" Smith', 'Robert "Bob"', 'Smith', null],
    ['Nguyen Thi Vi', 'Nguyen Thi', 'Vi', null],
    ['Henry VI', null, 'Henry', 'VI'],
    ['Ann Lee, CEO', 'Ann', 'Lee', 'CEO'],
    ['Ann Lee, VP of Sales', 'Ann', 'Lee', 'VP of Sales'],
    ['Ann Lee, Acme Inc.', 'Ann', 'Lee', 'Acme Inc.'],
    ['García López, María José', 'María José', 'García López', null],
    ['Ann Lee - Acme', null, 'Ann Lee - Acme', null],
    ['Ann Lee 🚀', 'Ann', 'Lee', null],
    ['\u202eAnn\u200b Lee', 'Ann', 'Lee', null],
    ['🚀', null, '🚀', null],
    ['Anna Maria von und zu Gutenberg', 'Anna Maria', 'von und zu Gutenberg', null],
    ['Mr. & Mrs. Lee', null, 'Lee', null],
    ['Lee，Ann', 'Ann', 'Lee', null],
    ['Seán O′Brien', 'Seán', 'O′Brien', null],
    ['Ann Lee <ann@acme.example>', 'Ann', 'Lee', null],
    ['"Ann Lee"', 'Ann', 'Lee', null],
    ['(Ann Lee)', 'Ann', 'Lee', null],
    ['Ann Lee, she/her', 'Ann', 'Lee', null],
    ['Ann Lee (they/them)', 'Ann', 'Lee', null],
    ['Ann Lee III, Esq.', 'Ann', 'Lee', 'III Esq.'],
    ['Ann Lee;', 'Ann', 'Lee', null],
    ['Ann -', null, 'Ann', null],
    ['Ann Lee 2', 'Ann', 'Lee', null],
    ['Visitor 7', 'Visitor', '7', null],
    ['Capt. Jack Sparrow', 'Jack', 'Sparrow', null],
    ['Lt. Gen. Ann Lee', 'Ann', 'Lee', null],
    ['Major Tom', 'Major', 'Tom', null],
    ['Familie Müller', null, 'Müller', null],
    ['Dipl. Ing. (FH) Ann Lee', 'Ann', 'Lee', null],
    ['DUPONT Jean', 'Jean', 'DUPONT', null],
    ['Jean DUPONT MARTIN', 'Jean', 'DUPONT MARTIN', null],
    ['ANN lee', 'ANN', 'lee', null],
    ['JP Morgan', 'JP', 'Morgan', null],
    ['Иванов Иван Иванович', 'Иван Иванович', 'Иванов', null],
    ['Иван Иванович Иванов', 'Иван Иванович', 'Иванов', null],
    ['Mohammed bin Salman Al Saud', 'Mohammed bin Salman', 'Al Saud', null],
    ['Al Gore', 'Al', 'Gore', null],
    ['李小龙', null, '李小龙', null],
    ['ann@acme.example', null, 'ann@acme.example', null],
    ['Ann Lee +49 30 1234567', null, 'Ann Lee +49 30 1234567', null],
  ])('%s', (name, firstName, lastName, suffix) => {
    expect(splitName(name)).toMatchObject({ firstName, lastName, suffix });
  });

  it('loses no letter of a name, and always has a last name', () => {
    const word = fc.constantFrom('Ann', 'Lee', 'van', 'de', 'García', 'Jr.', 'PhD', 'Dr.', 'O’Hara', '山', 'y', ',', 'III', 'Ma');
    const letters = (text: string) => [...text.replaceAll(/[\s,]/gu, '')].sort().join('');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 7 }), (words) => {
        const name = words.join(' ');
        const split = splitName(name);
        expect(split.lastName).not.toBe('');
        if (split.lastName !== NOT_PROVIDED)
          expect(letters([split.salutation, split.firstName, split.lastName, split.suffix].join(''))).toBe(letters(name));
      }),
    );
  });
});

describe('a name in attributes', () => {
  it.each([
    'first_name,last_name',
    'firstName,lastName',
    'FirstName,LastName',
    'First Name,Last Name',
    'lead.First Name,lead.Last Name',
  ])('is used where it is spelled %s', (keys) => {
    const [first, last] = keys.split(',') as [string, string];
    const attributes = { [first]: 'María José', [last]: 'de la Cruz' };
    for (const name of [null, 'Another Name'])
      expect(personNameOf({ name, attributes })).toMatchObject({ firstName: 'María José', lastName: 'de la Cruz' });
  });

  it('is completed by the full name', () => {
    expect(personNameOf({ name: 'Ann Lee', attributes: { last_name: 'Lee' } })).toMatchObject({
      firstName: 'Ann',
      lastName: 'Lee',
    });
    expect(personNameOf({ name: 'Ann Lee', attributes: { first_name: 'Annie' } })).toMatchObject({
      firstName: 'Annie',
      lastName: 'Lee',
    });
    expect(personNameOf({ name: null, attributes: { first_name: 'Ann' } })).toMatchObject({
      firstName: 'Ann',
      lastName: NOT_PROVIDED,
    });
  });
});

describe('the company', () => {
  it.each([
    ['ann@acme.com', {}, 'acme.com'],
    ['ann@gmail.com', {}, NOT_PROVIDED],
    ['ann@yahoo.co.uk', {}, NOT_PROVIDED],
    ['ann@gmail.com', { Company: 'Acme' }, 'Acme'],
    ['ann@acme.com', { company: ' ' }, 'acme.com'],
  ])('of %s with %j is %s', (email, attributes, company) => {
    expect(companyOf({ email, attributes })).toBe(company);
  });
});
