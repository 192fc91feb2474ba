/**
 * Control characters and those that change the direction of text: they could hide or reorder what a lead's sender wrote. Tab,
 * line break and the two joiners, which emojis and several scripts need, stay as they are.
 */
const INVISIBLE = /(?![\t\n\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

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
  if (value.length > limit) {
    return (
      <>
        <Text value={value.slice(0, limit)} limit={limit} />
        <span class="muted">{` … ${value.length - limit} more characters`}</span>
      </>
    );
  }
  const parts = value.split(new RegExp(`(${INVISIBLE.source})`, 'u'));
  return (
    <bdi>
      {parts.map((part) =>
        part.length > 0 && INVISIBLE.test(part) ? <span class="control-character">{nameOf(part)}</span> : part,
      )}
    </bdi>
  );
}

/** The same as plain text, for places that take no markup, such as the title of the page. */
export function visibleText(value: string): string {
  return value.replaceAll(new RegExp(INVISIBLE.source, 'gu'), (character) => ` ${nameOf(character)} `);
}

/** A count with a comma between thousands. Anything else stays as it is. */
export function grouped<T>(value: T): T | string {
  return typeof value === 'number' && Number.isInteger(value) ? value.toLocaleString('en-US') : value;
}
