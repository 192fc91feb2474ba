/** Only the server's own files run and load; a page cannot be framed, and its forms go nowhere else. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
  "base-uri 'none'; frame-ancestors 'none'";

/** Of every page of the console, that of an error and the sign-in included. */
export const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // Pages hold personal data, and Back must not show them after signing out.
  'cache-control': 'no-store',
};

export const HTML = 'text/html; charset=utf-8';
