import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const report = readFileSync(join(root, 'docs/reports/real-world-cases.md'), 'utf8');
const named = [...report.matchAll(/\| `([^`]+\.ts)` "([^|]+)" \|$/gm)].map(([, file, title]) => ({ file: file!, title: title! }));

describe('the report of situations', () => {
  it('names a test in each row', () => {
    const rows = report.split('\n').filter((line) => line.startsWith('|') && !/^\|(?:---| (?:#|situation) \|)/.test(line));
    expect(rows.length).toBeGreaterThan(40);
    expect(named).toHaveLength(rows.length);
  });

  it('names tests that exist', () => {
    const missing = named.filter(({ file, title }) => !readFileSync(join(root, file), 'utf8').includes(title));
    expect(missing).toEqual([]);
  });
});
