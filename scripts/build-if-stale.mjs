// Compiles src/ to dist/ unless dist/ is newer than everything it is made of. `npm start` and the tests run this
// first, so that no build step can be forgotten, and a start with nothing changed costs no compilation.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STAMP, compile } from './compile.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folders count too: their time changes when a file in them is deleted. */
const newest = Math.max(
  ...['tsconfig.json', 'tsconfig.build.json', 'package.json', 'scripts/compile.mjs'].map(
    (name) => statSync(join(root, name)).mtimeMs,
  ),
  ...readdirSync(join(root, 'src'), { recursive: true }).map((name) => statSync(join(root, 'src', String(name))).mtimeMs),
);
if (existsSync(STAMP) && statSync(STAMP).mtimeMs > newest) process.exit(0);

try {
  createRequire(import.meta.url).resolve('typescript/bin/tsc');
} catch {
  if (existsSync(STAMP)) process.exit(0); // an installation without the development tools runs what was built for it
  console.error('There is no build in dist/, and no compiler to make one. Run `npm ci` (without --omit=dev) first.');
  process.exit(1);
}
console.log('Compiling src/ to dist/ …');
if (!(await compile())) process.exit(1);
