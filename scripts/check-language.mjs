// Holds the language rules of CONTRIBUTING.md: retired words, the length of prose lines, the length of Markdown
// sentences. `--all` fails on the folders of NOT_YET_CHECKED as well; `--list` prints their findings too.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Findings in these paths are counted and do not fail the check. Remove a path when it is clean. */
const NOT_YET_CHECKED = [];

const MAX_LINE = 120;
const MAX_SENTENCE = 40;

/** What to write instead of each retired word; the pattern is matched as whole words, without regard to case. */
const RETIRED = [
  ['acquit(s|ted|tal|ting)?', 'refund attempts'],
  ['bury|buries|buried|burying', 'dead-letter'],
  ['mend(s|ed|ing)?', 'fix, repair'],
  ['herds?', 'thundering herd is shown by a circuit breaker'],
  ['nobody', 'the noun: no worker, no process, no operator'],
  ['somebody|someone', 'the noun: an operator, another process'],
  ['whoever|whomever', 'the noun'],
  ['in hand|in (its|their|his) hands?', 'in flight, claimed, running'],
  ['(wait|waits|waited|waiting|gather|gathers|longer|long enough) for company|company will come', 'batching window'],
  ['stand-ins?|standing in|stands? in', 'provisional (score)'],
  ['hurry|hurries|hurried|unhurried|hasty', 'say what is done at once, and when'],
  ['tells? the', 'says, shows, reports'],
  ['(is|are|was|were|be|been) told( of)?', 'is alerted, is notified'],
  ['news', 'new, notification'],
  ['(takes?|taken|taking) up( again)?|takes? (\\w+ ){1,3}up again', 'retry, replay'],
  ['(give|gives|given|gave) (\\w+ )?up', 'dead-letter, stop'],
  ['(break|breaks|broken|broke) off', 'interrupt'],
  ['(is|are|was|were|be|been|postgresql|redis|crm|collector|store) away', 'is down'],
  ['(is|be|as) (a|the) hint', 'the queue is rebuilt from the ledger'],
  ['(is|be|as) the truth', 'source of truth'],
  ['held back|holds? (\\w+ ){1,2}back', 'throttled, blocked'],
  ['turns? (at|with|of) the model', 'model slots'],
  ['lives? again', 'is returned to its stage'],
  ['(die|dies|died) of', 'is dead-lettered because'],
  ['goes? home|brings? (\\w+ )?home', 'drain, write to the ledger'],
  ['front door|photo finish', 'plain words'],
  ['the end of it', 'erasure'],
  ['unredeemed', 'unreplaced'],
  ['one (\\w+ )?an? (person|campaign|lead|batch|key|look|stage|worker|process|file|rule)', 'one per …'],
].map(([pattern, instead]) => ({ pattern: new RegExp(`(?<![\\w-])(?:${pattern})(?![\\w-])`, 'gi'), instead }));

/** Legitimate uses: where, and the exact text. */
const ALLOWED = [
  [/^(scripts\/check-language\.mjs|test\/deployment\/language\.test\.ts)$/, /.*/],
  // The system user `nobody`, as which PostgreSQL runs where the service is started as root.
  [/^(src\/platform\/embedded\/|test\/|docs\/local-stack\.md|scripts\/container|Dockerfile)/, /[`'"]nobody[:'"`]|user nobody/],
  // A flag of stored scores and of the API.
  [/^(src\/pipeline\/fallback-score|test\/integration\/scoring\.test)\.ts$/, /'stand-in:AI_OVERLOADED'/],
  // Messages of leads are test data; the titles of tests are not.
  [
    /^(samples\/|eval\/leads\/|test\/|src\/enrichment\/.*\.spec\.ts$)/,
    /^(?!\s*(?:it|describe)\b).*['"`].*\b(somebody|someone|news|nobody|tell the|mend)\b.*['"`]/i,
  ],
];

const PROSE_LINE = {
  ts: /^\s*(\/\/|\/?\*)/,
  mjs: /^\s*(\/\/|\/?\*)/,
  js: /^\s*(\/\/|\/?\*)/,
  cjs: /^\s*(\/\/|\/?\*)/,
  yml: /^\s*#/,
  yaml: /^\s*#/,
  sh: /^\s*#/,
  Dockerfile: /^\s*#/,
};
const CHECKED =
  /^(src|test|bench|docs|samples|simulate|eval|infra|scripts|salesforce|deploy|\.github|\.ci)\/.*\.(ts|mjs|js|cjs|md|ya?ml|sh)$|^[A-Z]+\.md$|^(openapi|deploy\/.*)\.json$|^(Dockerfile|compose\.yaml|vitest\.config\.ts|\.dependency-cruiser\.cjs|\.ci\/run)$/;
const GENERATED = /^(docs\/(configuration|errors|cli)\.md|openapi\.json)$/;

const kindOf = (path) => (path === 'Dockerfile' ? path : path === '.ci/run' ? 'sh' : path.split('.').at(-1));
const inPath = (path, folder) => path === folder || path.startsWith(`${folder}/`);

export function retiredWords(path, text) {
  return text.split('\n').flatMap((line, index) => {
    if (ALLOWED.some(([where, what]) => where.test(path) && what.test(line))) return [];
    const plain = line.replaceAll(/\S+@\S+|https?:\S+/g, ' ');
    return RETIRED.flatMap(({ pattern, instead }) =>
      [...plain.matchAll(pattern)].map(([found]) => ({ line: index + 1, what: `"${found}": ${instead}` })),
    );
  });
}

export function longProseLines(path, text) {
  const kind = kindOf(path);
  const lines = text.split('\n');
  const shown = kind === 'md' ? withoutCodeAndTables(lines) : lines.map((line) => (PROSE_LINE[kind]?.test(line) ? line : ''));
  return shown.flatMap((line, index) => {
    const length = line.replaceAll(/\]\([^)]*\)/g, ']').length;
    // A link cannot be wrapped.
    return length > MAX_LINE && !/https?:/.test(line) ? [{ line: index + 1, what: `${length} characters` }] : [];
  });
}

/** The lines of a Markdown page; those of code blocks, tables and HTML comments are empty. */
function withoutCodeAndTables(lines) {
  let inCode = false;
  return lines.map((line) => {
    if (/^\s*```/.test(line)) {
      inCode = !inCode;
      return '';
    }
    return inCode || /^\s*\||^ {4}\S|^\s*<!--/.test(line) ? '' : line;
  });
}

export function longSentences(path, text) {
  if (kindOf(path) !== 'md') return [];
  const found = [];
  let paragraph = [];
  let first = 1;
  const end = () => {
    const prose = paragraph.join(' ').replaceAll(/`[^`]*`/g, 'Code');
    for (const sentence of prose.split(/(?<=[.!?][)"*_]*)\s+(?=[A-Z0-9"*([])/)) {
      const words = sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
      if (words > MAX_SENTENCE) found.push({ line: first, what: `a sentence of ${words} words: ${sentence.slice(0, 60)}…` });
    }
    paragraph = [];
  };
  for (const [index, line] of withoutCodeAndTables(text.split('\n')).entries()) {
    if (line.trim() === '' || /^\s*(#|[-*] |\d+\. |>)/.test(line)) end();
    if (paragraph.length === 0) first = index + 1;
    if (line.trim() !== '' && !line.startsWith('#')) paragraph.push(line.trim());
  }
  end();
  return found;
}

export function findingsIn(path, text) {
  const generated = GENERATED.test(path);
  return [
    ...retiredWords(path, text),
    ...(generated ? [] : longProseLines(path, text)),
    ...(generated ? [] : longSentences(path, text)),
  ].toSorted((a, b) => a.line - b.line);
}

function main() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const all = process.argv.includes('--all');
  const counts = new Map();
  let failed = 0;
  for (const path of listing
    .trim()
    .split('\n')
    .filter((name) => CHECKED.test(name))) {
    let text;
    try {
      text = readFileSync(join(root, path), 'utf8');
    } catch {
      continue; // deleted, and not yet committed
    }
    const findings = findingsIn(path, text);
    const folder = all ? undefined : NOT_YET_CHECKED.find((name) => inPath(path, name));
    if (folder === undefined) failed += findings.length;
    else counts.set(folder, (counts.get(folder) ?? 0) + findings.length);
    if (folder !== undefined && !process.argv.includes('--list')) continue;
    for (const { line, what } of findings) console.log(`${path}:${line}: ${what}`);
  }
  for (const folder of all ? [] : NOT_YET_CHECKED) console.log(`not yet checked: ${folder}: ${counts.get(folder) ?? 0} findings`);
  console.log(failed === 0 ? 'The language check found nothing.' : `The language check found ${failed} places.`);
  process.exitCode = failed === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
