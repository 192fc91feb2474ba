import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The only module whose SQL names what is in the schema. Alerts have tables of their own in the schema `flow`. */
const OWNERS: [name: RegExp, owner: RegExp][] = [
  [/\bflow\.alert\w*/g, /^src\/alerts\//],
  [/\bflow\.(?!alert)\w+/g, /^src\/flow-control\//],
  [/\bledger\.\w+/g, /^src\/ledger\//],
  [/\bmock_crm\.\w+/g, /^src\/crm\/postgres\//],
  [/\bfeedback\.\w+/g, /^src\/outcomes\//],
  [/\btrials\.\w+/g, /^src\/trials\//],
  [/\brouting\.\w+/g, /^src\/routing\//],
  [/\bfirst_touch\.\w+/g, /^src\/first-touch\//],
];

/** Words of other meanings that look alike: ids of tracing steps, and properties of objects in TypeScript. */
const SQL_BEFORE = /\b(?:FROM|JOIN|INTO|UPDATE|TABLE|SELECT|USING|ONLY|,)\s+$/i;

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => ({ path: `src/${file}`, text: readFileSync(join(root, 'src', file), 'utf8') }));

/** Views and functions that a migration created for other modules. */
const INTERFACES = [
  '0010_schema_interfaces.sql',
  '0020_outcomes.sql',
  '0024_routing.sql',
  '0025_first_touch.sql',
  '0026_trials.sql',
  '0028_owner_changes.sql',
  '0032_marketo_facts.sql',
];
const interfaces = INTERFACES.map((file) => readFileSync(join(root, 'migrations', file), 'utf8')).join('\n');
const published = new Set(
  [...interfaces.matchAll(/CREATE (?:OR REPLACE )?(?:VIEW|FUNCTION) (\w+\.\w+)\b(?!\(\) RETURNS trigger)/g)].map(
    ([, name]) => name!,
  ),
);

/** What a file's SQL names of the schemas of other modules. */
function foreignNames({ path, text }: { path: string; text: string }): string[] {
  return OWNERS.filter(([, owner]) => !owner.test(path)).flatMap(([names]) =>
    [...text.matchAll(names)]
      .filter(({ 0: name, index }) => SQL_BEFORE.test(text.slice(Math.max(0, index - 30), index)) && !published.has(name))
      .map(([name]) => `${path}: ${name}`),
  );
}

describe('a schema', () => {
  it('is named in the SQL of its owner only, but for the published views and functions', () => {
    expect(files.flatMap(foreignNames)).toEqual([]);
  });

  it.each([
    ['src/alerts/x.ts', 'SELECT 1 FROM ledger.leads', ['src/alerts/x.ts: ledger.leads']],
    ['src/ledger/x.ts', 'DELETE FROM flow.workers WHERE true', ['src/ledger/x.ts: flow.workers']],
    ['src/flow-control/x.ts', 'INSERT INTO flow.alerts (key)', ['src/flow-control/x.ts: flow.alerts']],
    ['src/ledger/x.ts', 'SELECT 1 FROM mock_crm.leads', ['src/ledger/x.ts: mock_crm.leads']],
    ['src/alerts/x.ts', 'SELECT 1 FROM ledger.scorings', []],
    ['src/ledger/x.ts', 'UPDATE ledger.leads l SET state', []],
    ['src/pipeline/x.ts', 'tools.ledger.release(claim)', []],
  ])('is found in %s: %s', (path, text, found) => {
    expect(foreignNames({ path, text })).toEqual(found);
  });

  it('publishes only what another module uses', () => {
    const used = [...published].filter((name) =>
      files.some(
        ({ path, text }) => text.includes(name) && !OWNERS.some(([names, owner]) => name.match(names) && owner.test(path)),
      ),
    );
    expect(used.toSorted()).toEqual([...published].toSorted());
  });
});
