/** Characters of a body that its page shows. */
const SHOWN = 8000;

/**
 * A body with the character that broke it, as the refusal's `line 3, column 14` names it; columns count from 1 in
 * characters. Without such a place, or where the body does not have it, nothing is marked.
 */
export function brokenPlaceOf(text: string, detail: string): { before: string; broken: string; after: string } {
  const place = /line (\d+),? column (\d+)/.exec(detail);
  const at = place ? offsetOf(text, Number(place[1]), Number(place[2])) : null;
  if (at === null) return { before: shortened(text), broken: '', after: '' };
  const character = String.fromCodePoint(text.codePointAt(at)!);
  const start = Math.max(0, at - SHOWN / 2);
  return {
    before: `${start > 0 ? '…' : ''}${text.slice(start, at)}`,
    broken: character,
    after: shortened(text.slice(at + character.length), SHOWN / 2),
  };
}

function offsetOf(text: string, line: number, column: number): number | null {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return null;
    start = end + 1;
  }
  const at = start + column - 1;
  return column >= 1 && at < text.length ? at : null;
}

function shortened(text: string, limit = SHOWN): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
