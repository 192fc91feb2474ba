/** A text as a pattern that matches nothing else, with the flags u or v too. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
