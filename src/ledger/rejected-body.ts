/** Why Marketo's body could not be read, as far as the body itself shows it. */
export const REJECTED_KINDS = [
  'unresolved-token',
  'doubled-quotes',
  'url-encoded',
  'empty-value',
  'unquoted-value',
  'other',
] as const;
export type RejectedKind = (typeof REJECTED_KINDS)[number];

/** Signs that a body may show although it is JSON. */
const IN_VALUES: [RejectedKind, RegExp][] = [
  ['unresolved-token', /\{\{[^{}]{1,80}\}\}/],
  ['url-encoded', /"\s*:\s*"?[^",{}]*%(?:40|20|2C|22)/i],
];
/** Signs of broken JSON. The first that fits is the cause, since one mistake also shows signs of the next. */
const IN_JSON: [RejectedKind, RegExp][] = [
  ['doubled-quotes', /"\s*:\s*""[^\s",}]/],
  ['empty-value', /"\s*:\s*[,}]/],
  ['unquoted-value', /"\s*:\s*(?!true\b|false\b|null\b|-?\d+(?:\.\d+)?\s*[,}])[^\s"{[\]},]/],
];

/** What a refused body shows about the set-up of the webhook. */
export function rejectedKindOf(body: string): RejectedKind {
  const signs = isJson(body) ? IN_VALUES : [...IN_VALUES, ...IN_JSON];
  return signs.find(([, sign]) => sign.test(body))?.[0] ?? 'other';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
