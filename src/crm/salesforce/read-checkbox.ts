/**
 * As forms and Marketo send a checkbox, also in other languages. A consent must not become a "no" that was not said.
 */
const YES = /^(?:1|true|t|yes|y|on|x|checked|ja|oui|si|sí|sim|да|はい|是)$/iu;
const NO = /^(?:0|false|f|no|n|off|unchecked|nein|non|não|nao|нет|いいえ|否)$/iu;

/** Null for any other text. */
export function checkboxOf(text: string): boolean | null {
  return YES.test(text.trim()) ? true : NO.test(text.trim()) ? false : null;
}
