export interface JsonElement {
  line: number;
  text: string;
  /** Why nothing after this place can be read. */
  broken?: string;
}

const MAX_ELEMENT = 1024 * 1024;

/**
 * The objects of a JSON array, or of a file with one object after the other, as their texts: without the whole file in
 * memory.
 * @param wrapped the array is the first field of an object; what follows the array is not read.
 */
export async function* jsonElements(lines: AsyncIterable<string>, wrapped = false): AsyncGenerator<JsonElement> {
  let number = 0;
  let start = 0;
  let text = '';
  let depth = 0;
  let inString = false;
  let outside = wrapped;
  for await (const line of lines) {
    number++;
    let from = 0;
    for (let at = 0; at < line.length; at++) {
      const character = line[at];
      if (outside) outside = character !== '[';
      else if (depth === 0) {
        if (wrapped && character === ']') return;
        if (character === '{') {
          depth = 1;
          from = at;
          start = number;
          text = '';
        } else if (!/[\s,[\]]/.test(character!)) {
          yield {
            line: number,
            text: '',
            broken: `expected an object, found "${character}"; nothing after this line can be read`,
          };
          return;
        }
      } else if (inString) {
        if (character === '\\') at++;
        else if (character === '"') inString = false;
      } else if (character === '"') inString = true;
      else if (character === '{' || character === '[') depth++;
      else if ((character === '}' || character === ']') && --depth === 0)
        yield { line: start, text: text + line.slice(from, at + 1) };
    }
    if (depth > 0) text += `${line.slice(from)}\n`;
    if (text.length > MAX_ELEMENT) break;
  }
  if (depth > 0) yield { line: start, text: '', broken: 'the object is not closed; nothing after this line can be read' };
}
