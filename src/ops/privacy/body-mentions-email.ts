import { normaliseEmail } from '../../domain/lead-keys.js';

const DOMAIN_AFTER = /[\p{L}\p{N}.\-\p{M}]*/uy;
const PART_OF_A_NAME = /[\p{L}\p{N}._+-]$/u;

/**
 * Whether the raw body of a request has the address in it, however it is written: in capitals, percent-encoded as forms are, with JSON's
 * escapes, with its domain in Unicode. A body that could not be read has no fields to compare, so this looks at the text.
 * A longer address that ends alike is another one; where characters that are rare in addresses stand before it, it is taken for this one:
 * to erase a refused request too many is the lesser evil.
 * @param email normalised.
 */
export function bodyMentionsEmail({ body, contentType }: { body: Buffer; contentType: string }, email: string): boolean {
  const raw = body.toString('utf8');
  const unescaped = withoutJsonEscapes(raw);
  const texts = [raw, unescaped, percentDecoded(raw), percentDecoded(unescaped)];
  // A form writes a space as a plus.
  if (!contentType.includes('json')) texts.push(percentDecoded(raw.replaceAll('+', ' ')));
  return [...new Set(texts)].some((text) => textMentions(text.normalize('NFC').toLowerCase().normalize('NFC'), email));
}

function textMentions(text: string, email: string): boolean {
  const local = email.slice(0, email.lastIndexOf('@'));
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const before = text.slice(Math.max(0, at - local.length), at);
    if (before !== local || PART_OF_A_NAME.test(text.slice(Math.max(0, at - local.length - 2), at - local.length))) continue;
    DOMAIN_AFTER.lastIndex = at + 1;
    const domain = DOMAIN_AFTER.exec(text)![0].replace(/[.-]+$/, '');
    if (normaliseEmail(`${local}@${domain}`) === email) return true;
  }
  return false;
}

function withoutJsonEscapes(text: string): string {
  return text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Run by run, since a body that is broken elsewhere still mentions whom it mentions. */
function percentDecoded(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}
