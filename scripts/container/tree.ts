import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function makeReadOnly(folder: string): void {
  execFileSync('chmod', ['-R', 'a-w,a+rX', folder]);
}

export function makeWritable(folder: string): void {
  execFileSync('chmod', ['-R', 'u+w', folder]);
}

/** What the image's own layers would weigh in a registry: they are stored as gzipped tar files. */
export function compressedBytes(folder: string): number {
  const bytes = execFileSync('/bin/sh', ['-c', 'tar -c . | gzip -6 | wc -c'], { cwd: folder, encoding: 'utf8' });
  return Number(bytes.trim());
}

/** Development and optional packages of package.json that are in the tree, and sources that are. */
export function packagesThatDoNotBelong(project: string, tree: string): string[] {
  const { devDependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(project, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  const installed = (JSON.parse(readFileSync(join(tree, 'node_modules/.package-lock.json'), 'utf8')) as { packages: object })
    .packages;
  const strangers = Object.keys({ ...devDependencies, ...optionalDependencies }).filter(
    (name) => `node_modules/${name}` in installed,
  );
  return [...strangers, ...readdirSync(tree).filter((name) => ['src', 'test', '.env', '.git', '.data'].includes(name))];
}
