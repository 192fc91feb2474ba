import type { ComponentChildren } from 'preact';

/**
 * Control characters and those that change the direction of text: they could hide or reorder what a lead's sender wrote. Tab,
 * line break and the two joiners, which emojis and several scripts need, stay as they are.
 */
const INVISIBLE = /(?![\t\n\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const EACH_INVISIBLE = new RegExp(`(${INVISIBLE.source})`, 'u');
const EVERY_INVISIBLE = new RegExp(INVISIBLE.source, 'gu');

/** Text of these alone shows nothing, or too little: spaces, marks without a letter, joiners, letters without a form. */
const BLANK = /^(?:\s|\p{M}|\u200C|\u200D|[\u115F\u1160\u2800\u3164\uFFA0])+$/u;

/** Characters of a text that a row of a list shows. A row has several, and a page has a hundred rows. */
export const IN_A_LIST = 80;

function nameOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

interface TextProps {
  value: string | null | undefined;
  /** Characters that are shown at most. */
  limit?: number;
}

/** Text that a sender chose, isolated from the page's direction, with invisible characters shown by their code. */
export function Text({ value, limit = 4000 }: TextProps) {
  if (value === null || value === undefined || value === '') return <span class="muted">–</span>;
  const shown = beginningOf(value, limit);
  return (
    <>
      <bdi>{BLANK.test(shown) ? <i>{[...shown].map(nameOf).join(' ')}</i> : shown.split(EACH_INVISIBLE).map(partOf)}</bdi>
      {shown.length < value.length ? (
        <span class="muted">{` … ${grouped(value.length - shown.length)} more characters`}</span>
      ) : null}
    </>
  );
}

/** The first `limit` characters, with few invisible ones: the code of each takes more room than a letter. */
function beginningOf(value: string, limit: number): string {
  const tooMany = [...value.slice(0, limit).matchAll(EVERY_INVISIBLE)][Math.floor(Math.min(limit, 8000) / 10)];
  return value.slice(0, tooMany?.index ?? limit).replace(/[\uD800-\uDBFF]$/, '');
}

function partOf(part: string, index: number) {
  return index % 2 === 1 ? <i>{nameOf(part)}</i> : part;
}

/** The same as plain text, for places that take no markup, such as the title of the page. */
export function visibleText(value: string): string {
  return value.replaceAll(EVERY_INVISIBLE, (character) => ` ${nameOf(character)} `);
}

/** Content where a component takes any: a string may be a sender's. */
export function contentOf(content: ComponentChildren): ComponentChildren {
  return typeof content === 'string' ? visibleText(content) : content;
}

/** A count with a comma between thousands. Anything else stays as it is. */
export function grouped<T>(value: T): T | string {
  return typeof value === 'number' && Number.isInteger(value) ? value.toLocaleString('en-US') : value;
}
