/**
 * The part of .dockerignore's syntax that this project uses: `*`, `!path`, and `**` + `/*.ending`; the last line that
 * matches decides.
 * @returns whether a file, named from the project's folder, is sent to the builder.
 */
export function sentToBuilder(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ sends: line.startsWith('!'), matches: matcherOf(line.replace(/^!/, '')) }));
  return (path) => rules.findLast(({ matches }) => matches(path))?.sends ?? true;
}

function matcherOf(pattern: string): (path: string) => boolean {
  if (pattern === '*') return () => true;
  if (pattern.startsWith('**/*')) return (path) => path.endsWith(pattern.slice(4));
  if (/[*?[]/.test(pattern)) throw new Error(`scripts/container does not know the pattern ${pattern} of .dockerignore.`);
  return (path) => path === pattern || path.startsWith(`${pattern}/`);
}
