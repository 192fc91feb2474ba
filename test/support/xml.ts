/** An element with its text or its children. Attributes are ignored, since Salesforce metadata has no data in them. */
export interface XmlElement {
  name: string;
  text: string;
  children: XmlElement[];
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const MARKUP = /<!--[\s\S]*?-->|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*"[^"<]*")*)\s*(\/?)>/y;

/**
 * A strict parser for the XML of Salesforce metadata: elements and text, no CDATA, no DTD.
 * @throws Error where the text is not well-formed.
 */
export function parseXml(source: string): XmlElement {
  const top: XmlElement = { name: '', text: '', children: [] };
  const open: XmlElement[] = [top];
  let at = /^<\?xml version="1.0" encoding="UTF-8"\?>\s*/.exec(source)?.[0].length ?? fail('no XML declaration', 0);
  while (at < source.length) {
    const current = open.at(-1)!;
    if (source[at] !== '<') {
      const end = source.indexOf('<', at);
      current.text += decode(source.slice(at, end < 0 ? source.length : end), at);
      at = end < 0 ? source.length : end;
      continue;
    }
    MARKUP.lastIndex = at;
    const [markup, closes, name, , empty] = MARKUP.exec(source) ?? fail('a tag that is none', at);
    at += markup.length;
    if (name === undefined) continue;
    if (closes) {
      if (open.pop()!.name !== name) fail(`</${name}> closes nothing`, at);
      continue;
    }
    const element: XmlElement = { name, text: '', children: [] };
    current.children.push(element);
    if (!empty) open.push(element);
  }
  if (open.length !== 1) fail(`<${open.at(-1)!.name}> is not closed`, at);
  if (top.children.length !== 1 || top.text.trim() !== '') fail('there is not exactly one root', at);
  return top.children[0]!;
}

function decode(text: string, at: number): string {
  return text.replace(/&([^;\s]*;?)/g, (_, entity: string) => {
    const found = entity.endsWith(';') ? ENTITIES[entity.slice(0, -1)] : undefined;
    return found ?? fail(`&${entity} is no entity`, at);
  });
}

function fail(why: string, at: number): never {
  throw new Error(`not well-formed at character ${at}: ${why}`);
}

export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child) => child.name === name);

/** The text of the only child with this name; undefined where there is none. */
export const textOf = (element: XmlElement, name: string): string | undefined => childrenOf(element, name)[0]?.text;
