/** Above this number of edits per letter, two names are different words. */
const EDITS_PER_LETTER = 0.4;

/** The known name that was probably meant: equal except for case and separators, or a few letters different. */
export function closestName(given: string, known: string[]): string | undefined {
  const plain = plainOf(given);
  const ranked = known.map((name) => ({ name, edits: editsBetween(plain, plainOf(name)) })).toSorted((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best && best.edits <= Math.max(1, Math.floor(plain.length * EDITS_PER_LETTER)) ? best.name : undefined;
}

function plainOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .slice(0, 50);
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows[i] = row;
  }
  return rows[a.length]![b.length]!;
}
