import { RequestRefused } from './errors.js';

export type Literal = string | number | boolean | null | { dateTime: string };

export type Condition =
  | { kind: 'all' | 'any'; of: Condition[] }
  | { kind: 'not'; condition: Condition }
  | { kind: 'compare'; field: string; operator: string; value: Literal }
  | { kind: 'in'; field: string; negated: boolean; values: Literal[] };

export interface Select {
  fields: string[];
  /** SELECT COUNT(): only totalSize, no records. */
  count: boolean;
  object: string;
  where: Condition | null;
  orderBy: { field: string; descending: boolean }[];
  limit: number | null;
  offset: number;
}

interface Token {
  kind: 'word' | 'string' | 'number' | 'dateTime' | 'symbol';
  text: string;
  at: number;
}

const PATTERNS: [Token['kind'], RegExp][] = [
  ['dateTime', /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d))?/],
  ['number', /^-?\d+(\.\d+)?/],
  ['word', /^[A-Za-z_][A-Za-z0-9_.]*/],
  ['symbol', /^(!=|<>|<=|>=|=|<|>|\(|\)|,)/],
];

const ESCAPES: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '"': '"',
  "'": "'",
  '\\': '\\',
  _: '_',
  '%': '%',
};

function malformed(soql: string, at: number, why: string): RequestRefused {
  return new RequestRefused(400, 'MALFORMED_QUERY', `${soql}\n${' '.repeat(at)}^\nERROR at Row:1:Column:${at + 1}\n${why}`);
}

function tokenize(soql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < soql.length) {
    if (/\s/.test(soql[at]!)) at++;
    else if (soql[at] === "'") {
      const start = at++;
      let text = '';
      while (soql[at] !== "'") {
        if (at >= soql.length) throw malformed(soql, start, "unexpected token: '<EOF>'");
        if (soql[at] === '\\') {
          const escaped = ESCAPES[soql[++at] ?? ''];
          if (escaped === undefined) throw malformed(soql, at, 'Illegal string escape');
          // LIKE tells an escaped wildcard from a wildcard.
          text += soql[at] === '_' || soql[at] === '%' ? `\\${escaped}` : escaped;
        } else text += soql[at];
        at++;
      }
      at++;
      tokens.push({ kind: 'string', text, at: start });
    } else {
      const rest = soql.slice(at, at + 300);
      const found = PATTERNS.map(([kind, pattern]) => [kind, pattern.exec(rest)?.[0]] as const).find(([, text]) => text);
      if (!found) throw malformed(soql, at, `unexpected token: '${soql[at]}'`);
      tokens.push({ kind: found[0], text: found[1]!, at });
      at += found[1]!.length;
    }
  }
  return tokens;
}

/**
 * The subset of SOQL that a lead integration needs, with its escaping rules. As in Salesforce, AND and OR do not mix
 * without parentheses.
 * @throws RequestRefused MALFORMED_QUERY
 */
export function parseSoql(soql: string): Select {
  const tokens = tokenize(soql);
  let position = 0;
  const peek = (): Token | undefined => tokens[position];
  const fail = (): RequestRefused => {
    const token = peek();
    return malformed(soql, token?.at ?? soql.length, `unexpected token: '${token?.text ?? '<EOF>'}'`);
  };
  const isNext = (text: string) => peek()?.kind !== 'string' && peek()?.text.toUpperCase() === text;
  const skip = (text: string): boolean => isNext(text) && ++position > 0;
  const expect = (text: string): void => {
    if (!skip(text)) throw fail();
  };
  const take = (kind: Token['kind']): string => {
    const token = peek();
    if (token?.kind !== kind) throw fail();
    position++;
    return token.text;
  };

  const literal = (): Literal => {
    const token = peek();
    if (!token || token.kind === 'symbol') throw fail();
    position++;
    if (token.kind === 'string') return token.text;
    if (token.kind === 'number') return Number(token.text);
    if (token.kind === 'dateTime') return { dateTime: token.text };
    const word = token.text.toLowerCase();
    if (word === 'null') return null;
    if (word === 'true' || word === 'false') return word === 'true';
    position--;
    throw fail();
  };
  const literals = (): Literal[] => {
    expect('(');
    const values = [literal()];
    while (skip(',')) values.push(literal());
    expect(')');
    return values;
  };
  const single = (): Condition => {
    if (skip('NOT')) return { kind: 'not', condition: single() };
    if (skip('(')) {
      const inner = condition();
      expect(')');
      return inner;
    }
    const field = take('word');
    if (skip('IN')) return { kind: 'in', field, negated: false, values: literals() };
    if (skip('NOT')) {
      expect('IN');
      return { kind: 'in', field, negated: true, values: literals() };
    }
    if (skip('LIKE')) return { kind: 'compare', field, operator: 'LIKE', value: literal() };
    const operator = take('symbol');
    if (!['=', '!=', '<>', '<', '>', '<=', '>='].includes(operator)) {
      position--;
      throw fail();
    }
    return { kind: 'compare', field, operator, value: literal() };
  };
  const condition = (): Condition => {
    const of = [single()];
    const joined = isNext('AND') ? 'AND' : 'OR';
    while (skip(joined)) of.push(single());
    if (isNext('AND') || isNext('OR')) throw fail();
    return of.length === 1 ? of[0]! : { kind: joined === 'AND' ? 'all' : 'any', of };
  };

  expect('SELECT');
  let count = false;
  const fields: string[] = [];
  do {
    const name = take('word');
    if (name.toUpperCase() === 'COUNT' && skip('(')) {
      expect(')');
      count = true;
    } else fields.push(name);
  } while (skip(','));
  expect('FROM');
  const object = take('word');
  const where = skip('WHERE') ? condition() : null;
  const orderBy: Select['orderBy'] = [];
  if (skip('ORDER')) {
    expect('BY');
    do {
      const field = take('word');
      orderBy.push({ field, descending: skip('DESC') || (skip('ASC') && false) });
      if (skip('NULLS') && !skip('FIRST')) expect('LAST');
    } while (skip(','));
  }
  const limit = skip('LIMIT') ? Number(take('number')) : null;
  const offset = skip('OFFSET') ? Number(take('number')) : 0;
  if (peek()) throw fail();
  return { fields, count, object, where, orderBy, limit, offset };
}
