import type { MarketoActivity } from './marketo-api.js';

/** Marketo logs the reason phrase of the answer, which of a success is no error. */
const SUCCESS = /^(?:ok|created|accepted|no content|2\d\d)$/i;

/** Error Type of a logged webhook call; empty where the call succeeded. */
export function errorTypeOf({ attributes }: Pick<MarketoActivity, 'attributes'>): string {
  const value = attributes?.find(({ name }) => name.toLowerCase() === 'error type')?.value;
  const text = typeof value === 'string' ? value.trim() : '';
  return SUCCESS.test(text) ? '' : text;
}
