/** Characters of a body that its page shows. */
const SHOWN = 8000;

interface Refusal {
  detail: string;
  problems: { path: string }[];
}

/**
 * A body with what broke it: the character that the refusal's `line 3, column 14` names, where columns count from 1 in
 * characters; else the value of the first field that the refusal names. Where the body has neither, nothing is marked.
 */
export function brokenPlaceOf(text: string, { detail, problems }: Refusal): { before: string; broken: string; after: string } {
  const place = /line (\d+),? column (\d+)/.exec(detail);
  const range = place ? characterAt(text, Number(place[1]), Number(place[2])) : valueOf(text, problems[0]?.path ?? '');
  if (range === null) return { before: shortened(text), broken: '', after: '' };
  const [at, end] = range;
  const start = Math.max(0, at - SHOWN / 2);
  return {
    before: `${start > 0 ? '…' : ''}${text.slice(start, at)}`,
    broken: shortened(text.slice(at, end), SHOWN / 4),
    after: shortened(text.slice(end), SHOWN / 2),
  };
}

type Range = [start: number, end: number];

function characterAt(text: string, line: number, column: number): Range | null {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return null;
    start = end + 1;
  }
  const at = start + column - 1;
  if (column < 1 || at >= text.length) return null;
  return [at, at + String.fromCodePoint(text.codePointAt(at)!).length];
}

/**
 * Where the body gives the field a value; with an empty value, the field itself. A field that occurs more than once is
 * not marked, since one of them may be right.
 */
function valueOf(text: string, path: string): Range | null {
  const name = path
    .split('.')
    .at(-1)!
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  if (name === '') return null;
  const json = new RegExp(String.raw`"${name}"\s*:\s*("(?:[^"\\]|\\.)*"|[^\s",}\]]*)`, 'g');
  const form = new RegExp(String.raw`(?<=^|&)${name}=([^&]*)`, 'g');
  const found = [json, form].flatMap((pattern) => [...text.matchAll(pattern)]);
  if (found.length !== 1) return null;
  const { 0: whole, 1: value, index } = found[0]!;
  const end = index + whole.length;
  return [value === '' || value === '""' ? index : end - value!.length, end];
}

function shortened(text: string, limit = SHOWN): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
