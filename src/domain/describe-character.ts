/** Names of the Unicode standard for the characters that are pasted most often; the rest is named by its category. */
const NAMES: Record<number, string> = {
  0x00: 'NULL',
  0x09: 'TAB',
  0x0a: 'LINE FEED',
  0x0d: 'CARRIAGE RETURN',
  0x20: 'SPACE',
  0x22: 'QUOTATION MARK',
  0x23: 'NUMBER SIGN',
  0x25: 'PERCENT SIGN',
  0x26: 'AMPERSAND',
  0x27: 'APOSTROPHE',
  0x28: 'LEFT PARENTHESIS',
  0x29: 'RIGHT PARENTHESIS',
  0x2b: 'PLUS SIGN',
  0x2c: 'COMMA',
  0x2f: 'SOLIDUS',
  0x3a: 'COLON',
  0x3b: 'SEMICOLON',
  0x3c: 'LESS-THAN SIGN',
  0x3d: 'EQUALS SIGN',
  0x3e: 'GREATER-THAN SIGN',
  0x3f: 'QUESTION MARK',
  0x40: 'COMMERCIAL AT',
  0x5b: 'LEFT SQUARE BRACKET',
  0x5c: 'REVERSE SOLIDUS',
  0x5d: 'RIGHT SQUARE BRACKET',
  0x5f: 'LOW LINE',
  0xa0: 'NO-BREAK SPACE',
  0xad: 'SOFT HYPHEN',
  0x200b: 'ZERO WIDTH SPACE',
  0x200c: 'ZERO WIDTH NON-JOINER',
  0x200d: 'ZERO WIDTH JOINER',
  0x200e: 'LEFT-TO-RIGHT MARK',
  0x200f: 'RIGHT-TO-LEFT MARK',
  0x2028: 'LINE SEPARATOR',
  0x2029: 'PARAGRAPH SEPARATOR',
  0x202f: 'NARROW NO-BREAK SPACE',
  0x3000: 'IDEOGRAPHIC SPACE',
  0xfeff: 'ZERO WIDTH NO-BREAK SPACE',
  0xfffd: 'REPLACEMENT CHARACTER',
};

const CATEGORIES: [RegExp, string][] = [
  [/\p{Cs}/u, 'half of a surrogate pair'],
  [/\p{Cc}/u, 'a control character'],
  [/\p{Cf}/u, 'an invisible character'],
  [/\p{Z}/u, 'a space'],
  [/\p{L}|\p{M}/u, 'a letter'],
  [/\p{N}/u, 'a digit'],
  [/\p{P}/u, 'a punctuation mark'],
];

/** `U+200B ZERO WIDTH SPACE`: a name that can be searched for, where the character itself might not show. */
export function describeCharacter(character: string): string {
  const code = character.codePointAt(0)!;
  const name = NAMES[code] ?? CATEGORIES.find(([category]) => category.test(character))?.[1] ?? 'a symbol';
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} ${name}`;
}

/** The place of a character as a person counts: from 1, an emoji as one. */
export function positionOf(text: string, index: number): number {
  return Array.from(text.slice(0, index)).length + 1;
}
