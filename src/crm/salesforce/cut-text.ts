const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The longest beginning of at most `length` UTF-16 units that ends between two characters as people see them: a flag,
 * an emoji with its skin tone or a letter with its accent is there as a whole or not at all.
 */
export function cutBetweenCharacters(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  // A little more than the limit is enough to see where the last character ends, however long the text is.
  for (const { index, segment } of GRAPHEMES.segment(text.slice(0, length + 100))) {
    if (index + segment.length > length) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}
