/** A text from outside is cut to this. */
const MAX_TEXT = 120;
/** Characters that reorder or hide text, and control characters, line breaks included. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
/** A space without width. In these places it stops chat services from making a mention or a link. */
const APART = '\u200b';

/**
 * A text from outside for a message in Slack's format. `<!channel>` would notify everyone, and `<url|Claim>` would be a
 * link that looks like ours. Services that take the same format also read `@channel`, `[text](url)` and bare addresses.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
export function slackText(text: string): string {
  const plain = text.replaceAll(UNSEEN, ' ').replaceAll(/\s+/g, ' ').trim();
  const cut = plain.length > MAX_TEXT ? `${cutBetweenCharacters(plain)}…` : plain;
  return cut
    .replaceAll('@', `@${APART}`)
    .replaceAll('://', `:${APART}//`)
    .replaceAll('](', `]${APART}(`)
    .replaceAll(/[*_~`]/g, (mark) => `${APART}${mark}${APART}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** A link of ours; `label` is ours too. */
export function slackLink(url: string, label: string): string {
  return `<${url.replaceAll('|', '%7C').replaceAll('>', '%3E')}|${label}>`;
}

function cutBetweenCharacters(text: string): string {
  return text.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '');
}
