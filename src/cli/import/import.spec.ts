import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceError, type ServiceClient } from '../http-client.js';
import { importDirectory } from '../routing-import.js';
import { csvRecords } from './csv-records.js';
import { openImportFile } from './import-file.js';
import { importRows, type ImportRow } from './import-rows.js';
import { postRows } from './post-rows.js';

const FOLDER = join(import.meta.dirname, '../../../test/fixtures/imports');

interface Options {
  encoding?: string;
  map?: Record<string, string>;
  campaign?: string;
}

async function read(name: string, { encoding, map = {}, campaign }: Options = {}): Promise<ImportRow[]> {
  const rows: ImportRow[] = [];
  for await (const row of await importRows(await openImportFile(resolve(FOLDER, name), encoding), { map, campaign }))
    rows.push(row);
  return rows;
}

type Fields = Record<string, unknown>;
const ann = (fields: Fields = {}) => ({ email: 'ann@acme.example', campaign_id: 'c1', ...fields });
const bo = (fields: Fields = {}) => ({ email: 'bo@acme.example', campaign_id: 'c1', ...fields });

/** Of each file the rows by their line: the fields that are posted, or why the row is refused. */
const READ: [string, Options, [number, Fields | RegExp][]][] = [
  [
    'comma-in-company.csv',
    {},
    [
      [2, /5 values for 4 columns/],
      [3, /campaign_id is missing/],
      [4, { email: 'cy.poe@acme.example', company: 'Acme GmbH', name: 'Cy Poe', campaign_id: '987' }],
      [5, { email: 'di.fox@acme.example', company: 'Acme GmbH', name: 'Di Fox', campaign_id: '987' }],
    ],
  ],
  ['marketo.csv', {}, [[2, ann({ name: 'Ann Lee', company: 'Acme', title: 'VP Sales', phone: '+49 30 1', campaign_id: '987' })]]],
  ['salesforce.csv', {}, [[2, ann({ first_name: 'Ann', last_name: 'Lee', company: 'Acme', campaign_id: '7015e000000AbCdAAK' })]]],
  ['hubspot.csv', { campaign: 'c1' }, [[2, ann({ 'Record ID': '101', first_name: 'Ann', last_name: 'Lee', company: 'Acme' })]]],
  [
    'semicolons.csv',
    {},
    [
      [2, ann({ name: 'Lee; Ann' })],
      [3, bo({ name: 'Bo' })],
    ],
  ],
  ['excel-sep.csv', {}, [[3, ann({ name: 'Ann' })]]],
  ['tabs.tsv', {}, [[2, ann({ name: 'Ann "AJ" Lee' })]]],
  ['pipes.txt', {}, [[2, ann({ name: 'Ann' })]]],
  ['spaces-in-header.csv', {}, [[2, ann({ name: 'Ann' })]]],
  ['bom.csv', {}, [[2, ann()]]],
  [
    'merged.csv',
    {},
    [
      [2, ann({ name: 'Ann' })],
      [3, /the header is here again/],
      [4, bo({ name: 'Bo' })],
    ],
  ],
  [
    'merged-other-columns.csv',
    {},
    [
      [2, ann({ name: 'Ann' })],
      [3, /second header with other columns/],
      [4, /second header with other columns/],
    ],
  ],
  ['shift-jis.csv', { encoding: 'shift_jis' }, [[2, ann({ name: '山田マリー' })]]],
  // Each byte of it is valid in Shift JIS too.
  [
    'french-1252.csv',
    { encoding: 'windows-1252' },
    [
      [2, ann({ name: 'Hélène Frédéric' })],
      [3, bo({ name: 'Thérèse O’Reilly' })],
    ],
  ],
  ['french.csv', {}, [[2, ann({ first_name: 'Ann', last_name: 'Lee', company: 'Acme' })]]],
  ['japanese.csv', {}, [[2, ann({ name: '山田太郎', company: 'Acme' })]]],
  ['gbk.csv', { encoding: 'gbk' }, [[2, ann({ name: '张三', company: '北京科技' })]]],
  ['cyrillic-1251.csv', { encoding: 'windows-1251' }, [[2, ann({ name: 'Иванов' })]]],
  [
    'spanish.csv',
    {},
    [[2, ann({ first_name: 'Ann', last_name: 'Lee', company: 'Acme', title: 'CEO', phone: '+34 1', country: 'ES' })]],
  ],
  [
    'german-name.csv',
    {},
    [[2, ann({ first_name: 'Ann', last_name: 'van der Lee', company: 'Acme', title: 'CEO', country: 'DE' })]],
  ],
  [
    'mapped-over-column.csv',
    { map: { 'Work Email': 'email', email: 'home_email' } },
    [[2, ann({ home_email: 'ann@home.example' })]],
  ],
  [
    'mapped-over-field.jsonl',
    { map: { 'Work Email': 'email' } },
    [
      [1, /--map gives two fields of the row the name email/],
      [2, ann()],
    ],
  ],
  [
    'scientific-campaign.csv',
    {},
    [
      [2, /campaign_id is a number in scientific notation/],
      [3, bo({ campaign_id: '1e5' })],
    ],
  ],
  ['utf16.csv', {}, [[2, ann({ name: 'Jürgen' })]]],
  ['utf16.csv', { encoding: 'windows-1252' }, [[2, ann({ name: 'Jürgen' })]]],
  ['utf16be-unmarked.csv', {}, [[2, ann({ name: 'Jürgen' })]]],
  ['windows-1252.csv', { encoding: 'windows-1252' }, [[2, ann({ name: 'Jürgen – Müller €' })]]],
  ['no-campaign.csv', { campaign: 'c1' }, [[2, ann({ name: 'Ann' })]]],
  [
    'two-kinds-of-email.csv',
    { map: { 'Work Email': 'email' } },
    [[2, ann({ campaign_id: 'c1', 'Email Address': 'ann@home.example' })]],
  ],
  ['own-headers.csv', { map: { 'kontakt-mail': 'email', Aktion: 'campaign_id' } }, [[2, ann({ Wer: 'Ann' })]]],
  ['only-a-header.csv', {}, []],
  [
    'blank-rows.csv',
    {},
    [
      [3, ann({ name: 'Ann' })],
      [6, bo({ name: 'Bo' })],
    ],
  ],
  [
    'stray-quotes.csv',
    {},
    [
      [2, ann({ name: 'Ann "AJ" Lee' })],
      [3, /column 2 has a quotation mark that is not doubled/],
      [4, { email: 'cy@acme.example', name: 'Cy', campaign_id: 'c1' }],
    ],
  ],
  [
    'unclosed-quote.csv',
    {},
    [
      [2, /never closed/],
      [3, bo({ name: 'Bo' })],
      [4, { email: 'cy@acme.example', name: 'Cy', campaign_id: 'c1' }],
    ],
  ],
  [
    'line-break-in-quotes.csv',
    {},
    [
      [2, ann({ message: 'first\nsecond, third' })],
      [4, bo({ message: 'x' })],
    ],
  ],
  [
    'old-mac.csv',
    {},
    [
      [2, ann({ name: 'Ann' })],
      [3, bo({ name: 'Bo' })],
    ],
  ],
  ['line-separator.csv', {}, [[2, ann({ message: 'first\u2028second' })]]],
  [
    'line-separator.jsonl',
    {},
    [
      [1, ann({ message: 'first\u2028second' })],
      [2, bo()],
    ],
  ],
  [
    'array.json',
    {},
    [
      [2, ann({ campaign_id: 7, note: 'a ] and a } in text' })],
      [4, bo({ campaign_id: 7 })],
      [4, /expected an object/],
    ],
  ],
  [
    'objects.json',
    {},
    [
      [1, ann({ campaign_id: 7 })],
      [5, bo({ campaign_id: 7 })],
    ],
  ],
  [
    'array-cut-off.json',
    {},
    [
      [1, ann({ campaign_id: 7 })],
      [2, /not closed/],
    ],
  ],
  [
    'broken-line.jsonl',
    {},
    [
      [1, ann()],
      [2, /not JSON/],
      [4, /below 2\^53/],
      [5, { email: 'cy@acme.example', campaign_id: 'c1', ad: '120212345678901234' }],
    ],
  ],
  [
    'excel-numbers.csv',
    {},
    [
      [2, ann({ zip: '00123' })],
      [3, /rounded by Excel/],
    ],
  ],
  [
    'apostrophes.csv',
    {},
    [
      [2, ann({ zip: '00123', phone: '+49 30 1' })],
      [3, bo({ zip: "it's" })],
    ],
  ],
  ['german.csv', { map: { Kampagne: 'campaign_id' } }, [[2, ann({ first_name: 'Ann', last_name: 'Lee', company: 'Acme' })]]],
  [
    'wrapped.json',
    {},
    [
      [2, ann({ note: 'a ] in text' })],
      [3, bo()],
    ],
  ],
  ['wrapped-empty.json', {}, []],
  [
    'script-numbers.csv',
    {},
    [
      [2, /phone was rounded by Excel/],
      [3, /a number with decimals/],
      [4, { email: 'cy@acme.example', phone: '1E+05', campaign_id: 'c1' }],
    ],
  ],
  [
    'report-footer.csv',
    {},
    [
      [2, ann({ name: 'Ann' })],
      [3, /the header is here again/],
      [4, /campaign_id is missing/],
    ],
  ],
  [
    'pasted-addresses.csv',
    {},
    [
      [2, ann({ email: 'mailto:ann@acme.example' })],
      [3, bo({ email: 'Bo Ray <bo@acme.example>' })],
      [4, /two addresses/],
      [5, { email: '\u200bdi@acme.example.', campaign_id: 'c1' }],
    ],
  ],
  ['title-above.csv', {}, [[5, ann({ name: 'Ann' })]]],
  ['header-over-lines.csv', {}, [[4, ann({ name: 'Ann' })]]],
  [
    'lead-ads.csv',
    {},
    [
      [
        2,
        ann({
          id: '12',
          created_time: '2026-01-01T00:00:00+00:00',
          ad_id: '120212345678901234',
          form_id: '7',
          campaign_id: '120212345678901235',
          name: 'Ann',
          phone: '+4930123',
        }),
      ],
    ],
  ],
  [
    'excel-display.csv',
    {},
    [
      [2, /separators of thousands/],
      [3, /too narrow/],
      [4, { email: 'cy@acme.example', campaign_id: 'c 1' }],
    ],
  ],
  ['marketo-answer.json', {}, [[1, ann({ id: 7 })]]],
  [
    'unnamed-column.csv',
    {},
    [
      [2, ann()],
      [3, /column 2 has a value and no name/],
    ],
  ],
];

/** Files that are wrong as a whole: one sentence, and nothing is posted. */
const REFUSED: [string, Options, RegExp][] = [
  ['typographic-quotes.csv', {}, /in “ instead of the quotation mark of CSV/],
  ['array-of-arrays.json', {}, /no list of JSON objects/],
  ['nul-in-a-row.csv', {}, /line 2 has a NUL character/],
  ['windows-1252.csv', {}, /not utf-8 from about line 1 on.*--encoding windows-1252/],
  ['windows-1252.csv', { encoding: 'klingon' }, /--encoding klingon/],
  ['no-campaign.csv', {}, /no column campaign_id\. Found: "email", "name"\..*--campaign/],
  ['no-email.csv', {}, /no column email\. Found: "Contact", "Company", "Campaign ID"/],
  ['no-header.csv', {}, /first line looks like data/],
  ['two-emails.csv', {}, /Two columns are called "email"/],
  ['two-kinds-of-email.csv', {}, /"Work Email" and "Email Address" may both be the e-mail.*--map/],
  ['own-headers.csv', {}, /no column email and no column campaign_id/],
  ['own-headers.csv', { map: { Nope: 'email' } }, /no column is called "Nope"/],
  ['no-email.jsonl', {}, /No row has a field email/],
  ['quoted-lines.csv', {}, /The whole line is one value/],
  ['rich-text.csv', {}, /rich-text/],
  ['/dev/null', {}, /a pipe or a device/],
  ['empty.csv', {}, /empty/],
  ['workbook.xlsx', {}, /Excel workbook.*CSV UTF-8/],
  ['old-workbook.xls', {}, /old Excel workbook/],
  ['page.csv', {}, /HTML/],
  ['binary.csv', {}, /not a text file/],
  ['image.csv', {}, /this is an image/],
  ['shift-jis.csv', {}, /shift_jis in Japan/],
  ['shift-jis.csv', { encoding: 'windows-1252' }, /not windows-1252/],
  ['shift-jis-all-western.csv', { encoding: 'windows-1252' }, /not windows-1252, in which its words.*It may be shift_jis or/],
  ['gbk.csv', { encoding: 'windows-1252' }, /not windows-1252, in which its words mean nothing\. It may be .*gbk: name it/],
  ['cyrillic-1251.csv', { encoding: 'iso-8859-1' }, /not iso-8859-1.*windows-1251 or koi8-r \(Cyrillic\)/],
  ['japanese.csv', { encoding: 'windows-1252' }, /the text is UTF-8, and not windows-1252/],
  [
    'mapped-over-column.csv',
    { map: { 'Work Email': 'email' } },
    /"Work Email" and "email" are both email.*--map "email=other_email"/,
  ],
  ['same-header-in-capitals.csv', {}, /"Company" and "company" are both company/],
  ['packed.csv.gz', {}, /gzip/],
  ['missing.csv', {}, /no such file/],
  ['.', {}, /folder/],
];

describe('the awkward files', () => {
  it('have each an expected outcome', () => {
    const named = new Set([...READ, ...REFUSED].map(([name]) => name));
    expect(readdirSync(FOLDER).filter((name) => !named.has(name))).toEqual([]);
    expect(named.size).toBeGreaterThan(25);
  });

  it.each(READ)('%s with %j: row by row', async (name, options, expected) => {
    const rows = await read(name, options);
    expect(rows.map(({ line }) => line)).toEqual(expected.map(([line]) => line));
    for (const [index, [, outcome]] of expected.entries()) {
      const row = rows[index]!;
      if (outcome instanceof RegExp) expect('problem' in row && row.problem).toMatch(outcome);
      else expect('fields' in row && JSON.parse(JSON.stringify(row.fields))).toEqual(outcome);
    }
  });

  it.each(REFUSED)('%s with %j: refused as a whole', async (name, options, reason) => {
    await expect(read(name, options)).rejects.toThrow(reason);
  });
});

describe('a file that a script wrote', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'revenueflow-import-'))));
  afterAll(() => rm(folder, { recursive: true }));
  const written = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  it('is read as one array in one line, whatever its length', async () => {
    const rows = Array.from({ length: 10 }, () => ann({ note: `} "] ${'x'.repeat(900_000)}` }));
    expect(await read(await written('one-line.json', JSON.stringify(rows)))).toEqual(rows.map((fields) => ({ line: 1, fields })));
  });

  it.each([
    ['accountId,ownerId,domains,name\na1,005,acme.com,Acme, Inc.\n', /line 2: 5 values for 4 columns/],
    ['userId,active\n005,perhaps\n', /line 2: active must be true or false/],
    ['userId,active\n005,inactive\n006,TRUE\n', null],
  ])('stores no user or account of %j by a guess', async (text, problem) => {
    const posted: unknown[] = [];
    const service = { post: async (_: string, body: unknown) => (posted.push(body), { users: 2, accounts: 0 }) };
    const stored = importDirectory(service as unknown as ServiceClient, await written('directory.csv', text));
    if (problem) await expect(stored).rejects.toThrow(problem);
    else await stored;
    expect(posted).toEqual(
      problem
        ? []
        : [
            {
              users: [
                { userId: '005', active: false },
                { userId: '006', active: true },
              ],
            },
          ],
    );
  });
});

describe('csvRecords', () => {
  async function records(text: string) {
    const all = [];
    for await (const record of csvRecords(
      (async function* lines() {
        yield* text.split('\n');
      })(),
      ',',
    ))
      all.push(record);
    return all;
  }

  it('reads what a CSV writer writes, and reports every other text without losing a later row', async () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\u2028', ';'), maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(value, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), value, async (rows, junk) => {
        const csv = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
        const kept = rows.filter((row) => row.some((text) => text !== ''));
        expect((await records(csv.join('\n'))).map(({ values }) => values)).toEqual(kept);
        const last = (await records(`${junk}\nx,y`)).at(-1)!;
        if (!junk.includes('"')) expect(last.values).toEqual(['x', 'y']);
      }),
    );
  });
});

describe('postRows', () => {
  const rows = async function* some() {
    for (let line = 2; line < 40; line++) yield { line, fields: { email: `p${line}@acme.example`, campaign_id: '1' } };
  };
  const options = { dryRun: false, fromLine: 1, waitSeconds: 0, progress: () => {}, signal: new AbortController().signal };
  const clientOf = (answer: (email: string) => string) =>
    ({ post: async (_path: string, { email }: { email: string }) => ({ status: answer(email) }) }) as unknown as ServiceClient;

  it('reports where it stopped when the service does not answer any more, and resumes there', async () => {
    const down = clientOf((email) => {
      if (Number(/\d+/.exec(email)![0]) >= 10) throw new ServiceError(0, 'No service answers.');
      return 'accepted';
    });
    const report = await postRows(down, rows(), options);
    expect(report).toMatchObject({ accepted: 8, stopped: { reason: 'No service answers.', line: 10 } });
    const rest = await postRows(
      clientOf(() => 'accepted'),
      rows(),
      { ...options, fromLine: 10 },
    );
    expect(report.accepted + rest.accepted).toBe(38);
  });

  it('finishes the rows under way when it is interrupted, and posts nothing in a dry run', async () => {
    const interruption = new AbortController();
    let posted = 0;
    const client = clientOf(() => {
      if (++posted === 5) interruption.abort();
      return 'accepted';
    });
    const report = await postRows(client, rows(), { ...options, signal: interruption.signal });
    expect(report.stopped!.reason).toBe('interrupted');
    expect(report.accepted).toBe(posted);
    const dry = await postRows(
      clientOf(() => 'accepted'),
      rows(),
      { ...options, dryRun: true },
    );
    expect(dry).toMatchObject({ rows: 38, valid: 38, accepted: 0 });
  });

  it('reports where it stopped when the file cannot be read any more', async () => {
    const cut = (async function* some() {
      yield* rows();
      throw new Error('EIO: i/o error, read');
    })();
    const report = await postRows(
      clientOf(() => 'accepted'),
      cut,
      options,
    );
    expect(report).toMatchObject({ accepted: 38, stopped: { reason: expect.stringContaining('EIO'), line: 40 } });
  });

  it('counts all bad rows and lists the first', async () => {
    const many = (async function* bad() {
      for (let line = 2; line < 3002; line++) yield { line, problem: 'email is missing' };
    })();
    const { badRows, bad } = await postRows(
      clientOf(() => 'accepted'),
      many,
      options,
    );
    expect([badRows, bad.length]).toEqual([3000, 1000]);
  });
});
