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
 * @param chunks the text of the file.
 * @param wrapped the array is the first field of an object; what follows the array is not read.
 */
export async function* jsonElements(chunks: AsyncIterable<string>, wrapped = false): AsyncGenerator<JsonElement> {
  let line = 1;
  let start = 0;
  let text = '';
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let outside = wrapped;
  let before = '';
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const character = chunk[at]!;
      if (character === '\r' || (character === '\n' && before !== '\r')) line++;
      before = character;
      if (outside) outside = character !== '[';
      else if (depth === 0) {
        if (wrapped && character === ']') return;
        if (character === '{') {
          depth = 1;
          from = at;
          start = line;
          text = '';
        } else if (!/[\s,[\]]/.test(character)) {
          yield { line, text: '', broken: `expected an object, found "${character}"; nothing after this line can be read` };
          return;
        }
      } else if (isEscaped) isEscaped = false;
      else if (inString) {
        isEscaped = character === '\\';
        inString = character !== '"';
      } else if (character === '"') inString = true;
      else if (character === '{' || character === '[') depth++;
      else if ((character === '}' || character === ']') && --depth === 0)
        yield { line: start, text: text + chunk.slice(from, at + 1) };
    }
    if (depth > 0) text += chunk.slice(from);
    if (text.length > MAX_ELEMENT) break;
  }
  if (depth > 0) yield { line: start, text: '', broken: 'the object is not closed; nothing after this line can be read' };
}
