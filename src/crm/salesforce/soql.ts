/**
 * Makes SOQL of a template: each value becomes a quoted literal and a list a list of them, so no value can become part
 * of the query. The REST API has no bind variables. Escapes:
 * https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
 */
export function soql(parts: TemplateStringsArray, ...values: (string | readonly string[])[]): string {
  return parts.reduce((text, part, index) => text + literal(values[index - 1]!) + part);
}

function literal(value: string | readonly string[]): string {
  if (typeof value !== 'string') return `(${value.map(literal).join(',')})`;
  return `'${value.replace(/[\\'"\n\r\t\b\f]/g, (character) => ESCAPES[character]!)}'`;
}

const ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};
