/** The first `length` UTF-16 units, without half a surrogate pair: CRMs and PostgreSQL's JSON would refuse that. */
export function truncateText(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = /[\ud800-\udbff]/.test(text[length - 1]!) ? length - 1 : length;
  return text.slice(0, end);
}
