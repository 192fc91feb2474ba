import { domainToASCII } from 'node:url';

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//u;
const ASCII = /^[\0-\x7f]*$/u;
/** `www.acme.com` is the website of acme.com; `www.com` has no domain below it. */
const IN_FRONT = /^(?:\*\.|www\d?\.(?=[^.]+\.))+/u;
/** No host name is longer, and what follows it in the address of a page does not count. */
const MAX_TEXT = 500;

/** The domain of an address, in lower case. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase();
}

/**
 * The domain in a text as people write it, in lower case and ASCII: `jo@Acme.com`, `*.acme.com`, `müller.de`,
 * `https://www.acme.com/de`.
 */
export function domainWord(text: string): string {
  const written = text.trim().slice(0, MAX_TEXT).toLowerCase();
  const isPage = SCHEME.test(written) || !written.includes('@');
  const place = isPage ? written.replace(SCHEME, '').split(/[/?#\\]/u, 1)[0]! : written;
  const host = domainOf(place).replace(/:\d*$/u, '').replace(IN_FRONT, '').replace(/\.$/u, '');
  return ASCII.test(host) ? host : domainToASCII(host) || host;
}

/** The domain in a text, and those above it: `mail.acme.com`, `acme.com`, `com`. */
export function domainsAbove(value: string): string[] {
  const parts = domainWord(value).split('.');
  return parts.map((_, index) => parts.slice(index).join('.'));
}
