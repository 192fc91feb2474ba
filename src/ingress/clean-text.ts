import { describeCharacter, positionOf } from '../domain/describe-character.js';

/**
 * PostgreSQL stores no NUL and no half of a surrogate pair; the other control characters break files and mails later
 * on.
 */
const BROKEN = /[^\P{Cc}\t\n\r]|\p{Cs}/gu;
const FIRST_BROKEN = new RegExp(BROKEN, 'u');
/** The control characters of BROKEN as a range: on a long text this takes a third of the time of a Unicode property. */
const CONTROL = new RegExp(
  `[${[
    [0x00, 0x08],
    [0x0b, 0x0c],
    [0x0e, 0x1f],
    [0x7f, 0x9f],
  ]
    .map((range) => String.fromCharCode(range[0]!, 0x2d, range[1]!))
    .join('')}]`,
);

/** A text without the characters that cannot be kept, and a sentence about them; null where nothing was wrong. */
export function cleanText(text: string): { text: string; found: string } | null {
  const found = firstBroken(text);
  return found === null ? null : { text: text.replaceAll(BROKEN, '\ufffd'), found };
}

/** `U+0000 NULL at position 7`, for a field that has to be refused; null where nothing is wrong. */
export function firstBroken(text: string): string | null {
  if (!CONTROL.test(text) && text.isWellFormed()) return null;
  const match = FIRST_BROKEN.exec(text);
  return match && `${describeCharacter(match[0])} at position ${positionOf(text, match.index)}`;
}

/** The same for a character that stands for lost bytes. */
export function firstReplaced(text: string): string | null {
  const index = text.indexOf('\ufffd');
  return index < 0 ? null : `${describeCharacter('\ufffd')} at position ${positionOf(text, index)}`;
}
