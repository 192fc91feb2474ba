import type { MarketoActivity } from './marketo-api.js';

/** Marketo logs the reason phrase of the answer, which of a success is no error. */
const SUCCESS = /^(?:ok|created|accepted|no content|2\d\d(?: .*)?)$/i;
const NAME = 'errortype';

/** Error Type of a logged webhook call; empty where the call succeeded. */
export function errorTypeOf({ attributes }: Pick<MarketoActivity, 'attributes'>): string {
  // The log and an extract may write it as a name of the API: errorType, error_type.
  const value = attributes?.find(({ name }) => name.toLowerCase().replaceAll(/[ _-]/g, '') === NAME)?.value;
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return SUCCESS.test(text) ? '' : text;
}
