import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const SOURCE = dirname(import.meta.dirname);
const IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\bfrom\s+)?'([^']+)'/gm;

/** What Node loads before a command runs: the modules of src/ and, of each package, the module that imports it. */
function loadedAtStart() {
  const modules = new Set<string>();
  const packages = new Map<string, string>();
  const visit = (file: string) => {
    if (modules.has(file)) return;
    modules.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      if (target!.startsWith('.')) visit(join(dirname(file), target!.replace(/\.js$/, '.ts')));
      else if (!isBuiltin(target!)) packages.set(target!, relative(SOURCE, file));
    }
  };
  visit(join(SOURCE, 'cli/main.ts'));
  return { modules: [...modules].map((file) => relative(SOURCE, file)), packages };
}

/** They print tables and CSV and read options. Frameworks, schemas and metrics make each command start slowly. */
const LIGHT = new Set(['cli-table3', 'commander', 'csv-stringify/sync', 'string-width']);

it('starts without the packages of the service', () => {
  const { modules, packages } = loadedAtStart();
  expect(modules).toContain('domain/error-catalog.ts');
  expect([...packages].filter(([name]) => !LIGHT.has(name))).toEqual([]);
});
