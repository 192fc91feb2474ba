import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { csvHead, csvLines } from './format-csv.js';
import { CSV_ONLY, tableOf, type Column } from './format-table.js';

type Row = Record<string, string>;

const ID = '8c8e8984-75cc-84a0-acee-f768d9698e21';
const columns: Column<Row>[] = [
  { head: 'lead', field: 'id', value: ({ id }) => id, min: 8, rank: 9, isId: true },
  { head: 'name', field: 'name', value: ({ name }) => name, min: 6, rank: 5 },
  { head: 'code', field: 'code', value: ({ code }) => code, rank: 7 },
  { head: 'why', field: 'why', value: ({ why }) => why, min: 4, rank: 1 },
  { head: 'exact', field: 'exact', value: () => 'exact', rank: CSV_ONLY },
];
const cell = fc.string({ unit: 'grapheme', maxLength: 80 });
const rows = fc.array(fc.record({ id: fc.constant(ID), name: cell, code: cell, why: cell }), { minLength: 1, maxLength: 5 });

describe('a table', () => {
  it('is never wider than the terminal, and has one line per row', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 5, max: 200 }), (items, width) => {
        const lines = tableOf(columns, items, width).split('\n');
        expect(lines).toHaveLength(items.length + 4);
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('cuts ids to what the commands accept, then long cells, then leaves out the least important column', () => {
    const item = { id: ID, name: 'Ann Lee of Acme', code: 'DEAD', why: 'a long reason' };
    const headsAt = (width: number) => tableOf(columns, [item], width).split('\n')[1];
    const rowAt = (width: number) => tableOf(columns, [item], width).split('\n')[3];
    expect(rowAt(Infinity)).toContain(`${ID} │ Ann Lee of Acme │ DEAD │ a long reason`);
    expect(rowAt(60)).toContain('│ 8c8e8984 │ Ann Lee of Acme │ DEAD │ a long reason');
    expect(rowAt(45)).toMatch(/│ 8c8e8984 │ Ann .*… │ DEAD │ a .*… │/);
    expect(headsAt(32)).toMatch(/lead.*name.*code/);
    expect(headsAt(32)).not.toContain('why');
  });

  it('shows no control characters', () => {
    const text = tableOf(columns, [{ id: ID, name: 'a\u001b[2J\nb', code: '', why: '' }], Infinity);
    expect(text).toContain('a�[2J b');
  });
});

describe('CSV', () => {
  it('has every column with its exact value under the name of the field', () => {
    expect(csvHead(columns)).toBe('id,name,code,why,exact\n');
    expect(csvLines(columns, [{ id: ID, name: 'Lee, "Ann"\nB', code: 'DEAD' }])).toBe(`${ID},"Lee, ""Ann""\nB",DEAD,,exact\n`);
  });

  it.each(['=1+1', '+49 30', '-2', '@SUM(A1)', '\t=1', '\r=1', '＝1'])('never gives a spreadsheet the formula %j', (name) => {
    const [line] = csvLines(columns, [{ id: ID, name }])
      .split(`${ID},`)
      .slice(1);
    expect(line!.replace('"', '')).toMatch(/^'/);
  });
});
