import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * What a sender wrote must not control the operator's terminal: control characters, and those that change the direction
 * of the text, become U+FFFD.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** The text in at most `width` columns of a terminal; a cut is marked with an ellipsis. */
export function truncated(text: string, width: number, ellipsis = '…'): string {
  if (stringWidth(text) <= width) return text;
  const end = ellipsis.slice(0, Math.max(0, width));
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(kept + segment) > width - stringWidth(end)) break;
    kept += segment;
  }
  return kept + end;
}

/** Every line in at most `width` columns: broken between words, and within a word that is longer than a line. */
export function wrapped(text: string, width: number): string {
  if (width === Infinity) return text;
  return text
    .replaceAll('\t', '    ')
    .split('\n')
    .flatMap((line) => (stringWidth(line) <= width ? [line] : wrappedLine(line, Math.max(1, width))))
    .join('\n');
}

function wrappedLine(line: string, width: number): string[] {
  const hanging = ' '.repeat(hangingIndent(line, Math.floor(width / 2)));
  const lines: string[] = [];
  let current = '';
  for (const [, space, word] of line.matchAll(/( *)([^ ]+)/g)) {
    if (current.trim() !== '' && stringWidth(current + space! + word!) > width) {
      lines.push(current);
      current = hanging;
    } else {
      current += space!.slice(0, Math.max(0, width - 1 - stringWidth(current)));
    }
    current = brokenWord(current, word!, width, hanging, lines);
  }
  return [...lines, current];
}

/** Adds a word, in parts where it is longer than a line. @returns the line that is not full yet. */
function brokenWord(start: string, word: string, width: number, hanging: string, lines: string[]): string {
  let current = start;
  let rest = word;
  while (stringWidth(current + rest) > width) {
    const part = truncated(rest, width - stringWidth(current), '');
    if (part === '' && current !== '') {
      // Not one more character fits beside the indentation.
      if (current.trim() !== '') lines.push(current);
      current = '';
      continue;
    }
    const taken = part || String.fromCodePoint(rest.codePointAt(0)!);
    lines.push(current + taken);
    rest = rest.slice(taken.length);
    current = hanging;
  }
  return current + rest;
}

/** Under the last column of a line that has some, else two spaces in; at most half of a line. */
function hangingIndent(line: string, most: number): number {
  const columns = [...line.slice(0, most + 1).matchAll(/\S {2,}(?=\S)/g)].map(({ index, 0: gap }) => index + gap.length);
  return Math.min(most, columns.at(-1) ?? /^ */.exec(line)![0].length + 2);
}

/** 1 lead, 2 leads, 0 leads. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
