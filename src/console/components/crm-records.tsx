import { Badge, type Tone } from './badges.js';
import { Card, Facts } from './blocks.js';
import { Table } from './table.js';
import { Text, visibleText } from './text.js';
import { Time } from './time.js';

export interface CrmPlace {
  provider: string;
  leadId: string;
  memberId: string | null;
  /** The record in the org; null where no address leads to it. */
  href: string | null;
}

export interface SentRecord {
  crm: string;
  at: string;
  lead: { answer: string; fields: [string, string][] };
  member: { answer: string; fields: [string, string][] };
  /** The lead whose content this is, where that is another one: the CRM shows the person's newest. */
  contentOf: string | null;
  /** What the CRM has otherwise than it was sent. */
  notes: string[];
}

/** Where the lead is in the CRM. */
export function Crm({ crm }: { crm: CrmPlace }) {
  return (
    <Card title="In the CRM" aside={crm.provider}>
      <Facts
        items={[
          ['Lead', <code>{visibleText(crm.leadId)}</code>],
          ['Campaign member', crm.memberId ? <code>{visibleText(crm.memberId)}</code> : 'none'],
        ]}
      />
    </Card>
  );
}

/** What a CRM was sent, field by field, and what it answered. */
export function Sent({ record, now }: { record: SentRecord; now: Date }) {
  const parts = [
    { name: 'Lead', ...record.lead },
    { name: 'Campaign member', ...record.member },
  ];
  return (
    <Card title={`Sent to ${record.crm}`} aside={<Time at={record.at} now={now} format="relative" />}>
      {record.contentOf ? (
        <p class="muted">
          The CRM shows the newest content of the person, which is that of{' '}
          <a href={`/console/leads/${record.contentOf}`}>another lead</a>.
        </p>
      ) : null}
      {parts.map(({ name, answer, fields }) => (
        <>
          <h3 class="row">
            {name} <Badge tone={ANSWER_TONES[answer] ?? 'plain'}>{answer}</Badge>
          </h3>
          {fields.length > 0 ? (
            <Table
              caption={`${name}: fields`}
              layout="fields"
              columns={[
                { title: 'Field', cell: ([field]: [string, string]) => <FieldName name={field} /> },
                { title: 'Value', cell: ([, value]: [string, string]) => <Text value={value} /> },
              ]}
              rows={fields}
            />
          ) : (
            <p class="muted">Nothing had to be sent.</p>
          )}
          {record.notes.length > 0 && name === 'Lead' ? (
            <ul class="notes">
              {record.notes.map((note) => (
                <li>
                  <Text value={note} />
                </li>
              ))}
            </ul>
          ) : null}
        </>
      ))}
    </Card>
  );
}

const ANSWER_TONES: Record<string, Tone> = {
  created: 'good',
  updated: 'good',
  'status-raised': 'good',
  'other-person': 'warn',
  'unknown-campaign': 'warn',
  'unusable-campaign': 'warn',
};

/** Breaks a long name only behind a dot or an underscore. */
function FieldName({ name }: { name: string }) {
  return (
    <code>
      {visibleText(name)
        .split(/(?<=[._])/)
        .map((part) => (
          <>
            {part}
            <wbr />
          </>
        ))}
    </code>
  );
}
