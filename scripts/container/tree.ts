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
  const packagesOf = (file: string) =>
    (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { dev?: true; optional?: true; devOptional?: true }> })
      .packages;
  const known = packagesOf(join(project, 'package-lock.json'));
  // What a dependency needs as well as we do for our tests has no such mark, and belongs.
  const strangers = Object.keys(packagesOf(join(tree, 'node_modules/.package-lock.json')))
    .filter((path) => known[path]?.dev || known[path]?.optional || known[path]?.devOptional)
    .map((path) => path.replace(/^.*node_modules\//, ''));
  return [...strangers, ...readdirSync(tree).filter((name) => ['src', 'test', '.env', '.git', '.data'].includes(name))];
}
