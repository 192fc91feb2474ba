// Compiles src/ to dist/ and copies the other files of src/ beside the result. `npm run check` checks the types: here
// a start would wait for that. swc compiles where it is installed. Where it is not (the image leaves optional
// packages out) tsc does.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = join(ROOT, 'src');
const OUTPUT = join(ROOT, 'dist');
/** Exists once a compilation is complete. Its time is when that began, so a file changed meanwhile is newer. */
export const STAMP = join(OUTPUT, '.built');

/** @returns false where the sources cannot be compiled; the reason is on stderr, and dist/ is as it was. */
export async function compile() {
  const began = new Date();
  // Made beside its place: an interrupted compilation leaves the last one, and files of deleted modules do not survive.
  const partial = `${OUTPUT}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const sources = readdirSync(SOURCE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.spec\.tsx?$/.test(entry.name))
    .map((entry) => relative(SOURCE, join(entry.parentPath, entry.name)));
  const modules = sources.filter((file) => /\.tsx?$/.test(file));
  for (const file of sources) mkdirSync(join(partial, dirname(file)), { recursive: true });
  for (const file of sources) if (!/\.tsx?$/.test(file)) cpSync(join(SOURCE, file), join(partial, file));

  const swc = await import('@swc/core').catch(() => null);
  if (!(swc ? await compileWithSwc(swc, modules, partial) : compileWithTsc(partial))) return false;
  const stamp = join(partial, basename(STAMP));
  writeFileSync(stamp, '');
  utimesSync(stamp, began, began);
  rmSync(OUTPUT, { recursive: true, force: true });
  renameSync(partial, OUTPUT);
  return true;
}

async function compileWithSwc(swc, modules, folder) {
  const options = swcOptions(JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')).compilerOptions);
  const results = await Promise.allSettled(
    modules.map(async (file) => {
      const output = join(folder, file.replace(/\.tsx?$/, '.js'));
      const { code, map } = await swc.transform(readFileSync(join(SOURCE, file), 'utf8'), {
        ...options(file),
        filename: join(SOURCE, file),
        sourceFileName: relative(dirname(join(OUTPUT, file)), join(SOURCE, file)),
      });
      writeFileSync(output, `${code}//# sourceMappingURL=${basename(output)}.map\n`);
      writeFileSync(`${output}.map`, map);
    }),
  );
  // What follows is the compiler's own stack.
  const failures = results.flatMap(({ reason }) => (reason ? [reason.message.split('\n\nCaused by')[0].trimEnd()] : []));
  if (failures.length > 0) console.error(failures.join('\n'));
  return failures.length === 0;
}

/** What tsconfig.json says, in swc's words: https://swc.rs/docs/configuration/compilation */
function swcOptions({ target, experimentalDecorators, emitDecoratorMetadata, jsx, ...settings }) {
  const react =
    jsx === 'react'
      ? {
          runtime: 'classic',
          pragma: settings.jsxFactory ?? 'React.createElement',
          pragmaFrag: settings.jsxFragmentFactory ?? 'React.Fragment',
        }
      : { runtime: 'automatic', importSource: settings.jsxImportSource ?? 'react' };
  return (file) => ({
    swcrc: false,
    configFile: false,
    sourceMaps: true,
    inlineSourcesContent: false,
    module: { type: 'es6' },
    jsc: {
      target,
      parser: { syntax: 'typescript', tsx: file.endsWith('.tsx'), decorators: experimentalDecorators },
      transform: { legacyDecorator: experimentalDecorators, decoratorMetadata: emitDecoratorMetadata, react },
      keepClassNames: true,
      // `with { type: 'json' }`, without which Node loads no JSON module.
      experimental: { keepImportAttributes: true },
    },
  });
}

function compileWithTsc(folder) {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', folder];
  return spawnSync(process.execPath, [compiler, ...args], { stdio: 'inherit', cwd: ROOT }).status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit((await compile()) ? 0 : 1);
