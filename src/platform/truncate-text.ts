/** The first `length` UTF-16 units, without half a surrogate pair at the end: neither a CRM nor PostgreSQL's JSON would take that. */
export function truncateText(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = /[\ud800-\udbff]/.test(text[length - 1]!) ? length - 1 : length;
  return text.slice(0, end);
}
