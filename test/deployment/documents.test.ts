import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CATALOG } from '../../src/domain/error-catalog.js';
import { VARIABLES } from '../../src/platform/config/variables.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const inFolder = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'salesforce/README.md',
  ...inFolder('docs'),
  ...inFolder('docs/adr'),
  ...inFolder('docs/reports'),
];

/** Every file of the repository, without what is installed or built. */
const FILES = readdirSync(ROOT, { withFileTypes: true })
  .filter(({ name }) => !['node_modules', 'dist', '.git', '.data'].includes(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(ROOT, entry.name), { recursive: true, encoding: 'utf8' }).map((name) => join(entry.name, name))
      : [entry.name],
  )
  .filter((path) => !path.includes('node_modules'));
const BASENAMES = new Set(FILES.map((path) => path.split('/').at(-1)));
const SOURCES = FILES.filter((path) =>
  /^(src|test|bench|simulate|eval|samples|scripts|infra\/(src|bin|lambda))\/.*\.(ts|mjs)$/.test(path),
)
  .map(read)
  .join('\n');

/** Names that belong to other programs, or that a document only speaks of. */
const OTHERS = new Set([
  'PGPASSWORD',
  'NODE_EXTRA_CA_CERTS',
  'DEBIAN_FRONTEND',
  'LISTEN',
  'NOTIFY',
  'WAITAOF',
  'WAIT',
  'FLUSHALL',
  'READONLY',
  'KEYS',
]);
/** Of the workflows: variables of an environment at GitHub. */
const AT_GITHUB = new Set(read('.github/workflows/deploy-stage.yml').match(/(?<=vars\.)\w+/g));

const codeIn = (text: string) => [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
const headingsOf = (text: string) =>
  [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  it('links only to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].map(([, target]) => target!);
    const broken = links.filter((link) => {
      const [path, heading] = link.split('#') as [string, string | undefined];
      const target = path === '' ? document : join(dirname(document), path);
      return !existsSync(join(ROOT, target)) || (heading !== undefined && !headingsOf(read(target)).includes(heading));
    });
    expect(broken).toEqual([]);
  });

  it('names only files that are there', () => {
    const named = codeIn(text).filter(
      (code) =>
        /^[\w.@-]+(\/[\w.@*-]+)*\/?$/.test(code) &&
        (/\.(ts|mjs|js|json|jsonl|ya?ml|md|sql|csv|svg)$/.test(code) || isFolder(code)),
    );
    const missing = named.filter((name) => {
      if (name.includes('*')) return false;
      if (!name.includes('/')) return !BASENAMES.has(name);
      return !['', 'src', dirname(document)].some((base) => existsSync(join(ROOT, base, name)));
    });
    expect(missing.filter((name) => !MADE_BY_RUNNING.test(name))).toEqual([]);
  });

  it('gives only npm commands that there are', () => {
    const asked = [...text.matchAll(/npm (--prefix infra )?(?:run ([\w:-]+)|(test|start)\b)/g)];
    const missing = asked
      .filter(([, infra, script, short]) => !scriptsOf(infra ? 'infra' : '').has((script ?? short)!))
      .map(([command]) => command);
    expect(missing).toEqual([]);
  });

  it('gives only operator’s commands that there are', () => {
    const commands = new Set([...SOURCES.matchAll(/(?:\.command|new Command)\('([\w-]+)/g)].map(([, name]) => name));
    const asked = [...text.matchAll(/npx revenueflow ([a-z][\w-]*)/g)].map(([, name]) => name!);
    expect(asked.filter((name) => !commands.has(name))).toEqual([]);
  });

  it('names only settings and codes that there are', () => {
    const inCode = codeIn(text).flatMap(
      (code) => /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=|$)/.exec(code)?.[1] ?? /^([A-Z]{3,})=/.exec(code)?.[1] ?? [],
    );
    const inShell = [...text.matchAll(/(?:^|\s|\$ )([A-Z][A-Z0-9_]{2,})=\S* (?:npm|npx|docker|node)/gm)].map(([, name]) => name!);
    const unknown = [...inCode, ...inShell].filter(
      (name) =>
        !(name in VARIABLES) && !(name in ERROR_CATALOG) && !OTHERS.has(name) && !AT_GITHUB.has(name) && !SOURCES.includes(name),
    );
    expect(unknown).toEqual([]);
  });
});

/** What running the service or the tools leaves behind, and what other projects have. */
const MADE_BY_RUNNING = /^(\.data|dist|cdk\.out|node_modules)\b|^(server\.json|schema\.yaml)$/;

function isFolder(code: string): boolean {
  return /^(src|test|docs|scripts|infra|deploy|samples|bench|simulate|eval|migrations|salesforce)\//.test(code);
}

function scriptsOf(folder: string): Set<string> {
  return new Set(Object.keys((JSON.parse(read(join(folder, 'package.json'))) as { scripts: object }).scripts));
}
