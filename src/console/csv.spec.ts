import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvOf } from './csv.js';

describe('CSV', () => {
  it('reads back as it was, whatever the cells', () => {
    const cells = fc.string({ unit: 'grapheme' }).filter((text) => !/^[=+\-@\t\r＝＋－＠]/.test(text));
    fc.assert(
      fc.property(fc.array(fc.tuple(cells, cells), { minLength: 1 }), (rows) => {
        expect(parse(csvOf(['a', 'b'], rows), { record_delimiter: '\r\n', from_line: 2 })).toEqual(rows);
      }),
    );
  });

  it.each(['=HYPERLINK("x")', '+1', '-1', '@SUM(A1)', '\t=1', '＝1'])('disarms the formula %j', (text) => {
    expect(parse(csvOf(['a'], [[text]]))[1]).toEqual([`'${text}`]);
  });
});
