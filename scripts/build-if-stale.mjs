// Compiles src/ to dist/ unless dist/ is newer than everything it is made of. `npm start` and the tests run this first, so
// nobody has to remember a build step, and a start with nothing changed costs no compilation.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'dist/.built');

const newest = Math.max(
  ...['tsconfig.json', 'tsconfig.build.json', 'package.json'].map((name) => statSync(join(root, name)).mtimeMs),
  ...readdirSync(join(root, 'src'), { recursive: true }).map((name) => statSync(join(root, 'src', String(name))).mtimeMs),
);
if (existsSync(stamp) && statSync(stamp).mtimeMs > newest) process.exit(0);

let compiler;
try {
  compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
} catch {
  if (existsSync(stamp)) process.exit(0); // an installation without the development tools runs what was built for it
  console.error('There is no build in dist/, and no compiler to make one. Run `npm ci` (without --omit=dev) first.');
  process.exit(1);
}
// Files of modules that no longer exist must not survive in the build.
rmSync(join(root, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
  cwd: root,
});
if (status !== 0) process.exit(status ?? 1);
writeFileSync(stamp, '');
