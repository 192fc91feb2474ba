import type { CrmExchange, CrmWrite, SentFields } from '../domain/lead.js';

const LONGEST_LINE = 120;

const ANSWERS: Record<CrmExchange['lead']['answer'] | CrmExchange['member']['answer'], string> = {
  created: 'created',
  updated: 'updated',
  'newer-there': 'not changed: the CRM has newer content',
  'is-contact': 'not changed: the person is a Contact',
  'other-person': "not written: the record is another person's",
  'sent-before': 'nothing to send, unchanged',
  'there-already': 'exists already',
  'status-raised': 'exists already, its status was raised',
  'unknown-campaign': 'none, the CRM has no such campaign',
  'unusable-campaign': 'none, the campaign cannot be used',
};

/** The record as it was last sent to each CRM, one field per line. */
export function exchangeLines(exchanges: (CrmExchange & { at: string })[], timeText: (at: string) => string): string[] {
  return exchanges.flatMap(({ at, provider, contentOf, lead, member, notes = [] }) => {
    const of = contentOf ? `, the content of lead ${contentOf}` : '';
    const rows = [...entriesOf('', lead), ...entriesOf('member: ', member)];
    const width = Math.max(0, ...rows.map(([name]) => name.length));
    return [
      `Sent to ${provider} at ${timeText(at)}${of}: lead ${ANSWERS[lead.answer]}; member ${ANSWERS[member.answer]}`,
      ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
      ...notes.map((note) => `  Note: ${oneLine(note)}`),
    ];
  });
}

/**
 * Under a line of the timeline what was sent then: the names of the fields the first time, and later what has changed.
 * Keeps in `before` what each CRM was sent last.
 * @param indent the column in which the sentences of the timeline begin.
 */
export function sentLines(
  detail: Record<string, unknown>,
  before: Map<string, SentFields>,
  indent: number,
  width: number,
): string[] {
  const exchanges = (detail['exchanges'] ?? []) as CrmExchange[];
  const refused = detail['sent'] as SentFields | undefined;
  if (refused) return indented(`sent: ${fieldNames(refused)}`, indent, width);
  return exchanges.flatMap(({ provider, lead, member, notes = [] }) => {
    const sent = Object.keys(lead.fields).length === 0 ? '' : ` with ${changesOf(lead.fields, before.get(provider))}`;
    if (sent !== '') before.set(provider, lead.fields);
    const summary = `${provider}: lead ${ANSWERS[lead.answer]}${sent}; member ${ANSWERS[member.answer]}`;
    return [summary, ...notes].flatMap((line) => indented(line, indent, width));
  });
}

function entriesOf(prefix: string, { fields }: CrmWrite<string>): [string, string][] {
  return sorted(fields).map(([name, value]) => [`${prefix}${name}`, oneLine(value)]);
}

function changesOf(fields: SentFields, last: SentFields | undefined): string {
  if (!last) return fieldNames(fields);
  const changed = sorted(fields).filter(([name, value]) => last[name] !== value);
  if (changed.length === 0) return 'the same fields';
  return changed.map(([name, value]) => `${name} ${name in last ? `${quoted(last[name]!)} → ` : ''}${quoted(value)}`).join(', ');
}

function fieldNames(fields: SentFields): string {
  return sorted(fields)
    .map(([name, value]) => (name === '…' ? String(value) : name))
    .join(', ');
}

/** JSON of the ledger has no order; the note of what was left out comes last. */
function sorted(fields: SentFields): [string, string | number | boolean][] {
  return Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function quoted(value: string | number | boolean): string {
  return typeof value === 'string' ? `"${oneLine(value)}"` : String(value);
}

function oneLine(value: string | number | boolean): string {
  return String(value).replaceAll(/\s+/gu, ' ');
}

function indented(text: string, indent: number, width: number): string[] {
  const most = Math.min(width, LONGEST_LINE);
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  for (const word of text.split(' ')) {
    if (line.length + word.length > most && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = ' '.repeat(indent + 2);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
