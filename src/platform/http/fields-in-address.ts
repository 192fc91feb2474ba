import { AppError } from '../../domain/app-error.js';

const HAS_AN_EMAIL = /(?:^|&)e-?mail[^=&]*=[^&]/i;
const SECRET = /^[^=]*(?:secret|token|password|passwd|auth|api-?_?key|signature)[^=]*=/i;

/**
 * The query of an address as a form, where it has the fields of a lead: a webhook whose tokens were put into its URL.
 * Without what may be a credential, since the request is kept and operators see it.
 * @returns null where there is no e-mail in it.
 */
export function fieldsInAddress(url: string): string | null {
  const start = url.indexOf('?');
  if (start < 0) return null;
  const parts = url
    .slice(start + 1)
    .split('#', 1)[0]!
    .split('&');
  const query = parts.filter((part) => part !== '' && !SECRET.test(part)).join('&');
  return HAS_AN_EMAIL.test(query) ? query : null;
}

/** For a request without a body. @throws AppError INVALID_BODY where the address has the fields instead. */
export function refuseFieldsInAddress(url: string): void {
  if (fieldsInAddress(url) === null) return;
  throw new AppError(
    'INVALID_BODY',
    'The body is empty, and the fields are in the address. No lead was stored. Put the tokens into the payload template of the ' +
      'webhook and not into its URL.',
  );
}
