import { describeCharacter, positionOf } from '../domain/describe-character.js';

/** PostgreSQL stores no NUL and no half of a surrogate pair; the other control characters break files and mails later on. */
const BROKEN = /[^\P{Cc}\t\n\r]|\p{Cs}/gu;
const ANY_BROKEN = new RegExp(BROKEN, 'u');

/** A text without the characters that cannot be kept, and a sentence about them; null where nothing was wrong. */
export function cleanText(text: string): { text: string; found: string } | null {
  const found = firstBroken(text);
  return found === null ? null : { text: text.replaceAll(BROKEN, '\ufffd'), found };
}

/** `U+0000 NULL at position 7`, for a field that has to be refused; null where nothing is wrong. */
export function firstBroken(text: string): string | null {
  const match = ANY_BROKEN.exec(text);
  return match && `${describeCharacter(match[0])} at position ${positionOf(text, match.index)}`;
}
