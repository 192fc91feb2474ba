import { z } from 'zod';
import type { CrmLeadActs } from '../port.js';
import type { SalesforceClient } from './client.js';
import { instantSchema, queryTogether, type Query } from './queries.js';
import { recordIdSchema } from './record-id.js';
import { soql } from './soql.js';

export interface ActsRequest {
  ids: string[];
  since: string;
  /** Users whose Tasks and Events do not count. */
  automation: string[];
}

/** Ids of one call: at most four queries name them. */
const IDS_PER_CALL = 1000;

const personSchema = z.object({
  Id: recordIdSchema,
  OwnerId: recordIdSchema,
  Status: z.string().nullish(),
  IsConverted: z.boolean().optional(),
  IsDeleted: z.boolean(),
  CreatedDate: instantSchema,
  SystemModstamp: instantSchema,
});
const activitySchema = z.object({ Id: recordIdSchema, WhoId: recordIdSchema, CreatedDate: instantSchema });
const recordSchema = z.union([personSchema, activitySchema]);

type Activities = Map<string, CrmLeadActs['activities']>;

/**
 * The state of Leads, or of the Contacts that a person had before, and the Tasks and Events that users entered on them.
 * The user who created a Task shows whether a person acted: integrations run as users of their own.
 */
export async function readActs(
  client: SalesforceClient,
  apiVersion: string,
  { ids, since, automation }: ActsRequest,
  signal: AbortSignal,
): Promise<CrmLeadActs[]> {
  const own = await client.userId();
  const excluded = [...(own === null ? [] : [own]), ...automation];
  const found: CrmLeadActs[] = [];
  for (let from = 0; from < ids.length; from += IDS_PER_CALL) {
    const some = ids.slice(from, from + IDS_PER_CALL);
    const { persons, activities } = queriesFor(some, since, excluded);
    const answers = await queryTogether(client, apiVersion, recordSchema, [...persons, ...activities], signal);
    const tasks = answers.at(-2) ?? [];
    const events = answers.at(-1) ?? [];
    const byPerson: Activities = new Map();
    collect(byPerson, 'task', tasks);
    collect(byPerson, 'event', events);
    for (const record of answers.slice(0, -2).flat()) if ('OwnerId' in record) found.push(actsOf(record, byPerson));
  }
  return found;
}

function queriesFor(ids: string[], since: string, excluded: string[]): { persons: Query[]; activities: Query[] } {
  const contacts = ids.filter((id) => id.startsWith('003'));
  const leads = ids.filter((id) => !id.startsWith('003'));
  const fields = 'Id, OwnerId, IsDeleted, CreatedDate, SystemModstamp';
  const persons: Query[] = [];
  if (leads.length > 0)
    persons.push({ deletedToo: `SELECT ${fields}, Status, IsConverted FROM Lead WHERE ${soql`Id IN ${leads}`}` });
  if (contacts.length > 0) persons.push({ deletedToo: `SELECT ${fields} FROM Contact WHERE ${soql`Id IN ${contacts}`}` });
  const byPersons = excluded.length === 0 ? '' : ` AND ${soql`CreatedById NOT IN ${excluded}`}`;
  const activities = ['Task', 'Event'].map(
    (object) =>
      `SELECT Id, WhoId, CreatedDate FROM ${object} WHERE ${soql`WhoId IN ${ids}`} AND CreatedDate >= ${since}${byPersons} ` +
      'ORDER BY CreatedDate, Id',
  );
  return { persons, activities };
}

function collect(into: Activities, kind: 'task' | 'event', records: z.output<typeof recordSchema>[]): void {
  for (const record of records) {
    if (!('WhoId' in record)) continue;
    const known = into.get(record.WhoId);
    const activity = { id: record.Id, kind, at: record.CreatedDate };
    if (known) known.push(activity);
    else into.set(record.WhoId, [activity]);
  }
}

function actsOf(record: z.output<typeof personSchema>, byPerson: Activities): CrmLeadActs {
  return {
    id: record.Id,
    status: record.Status ?? null,
    ownerId: record.OwnerId,
    createdAt: record.CreatedDate,
    changedAt: record.SystemModstamp,
    converted: record.IsConverted ?? false,
    deleted: record.IsDeleted,
    activities: (byPerson.get(record.Id) ?? []).toSorted((a, b) => a.at.localeCompare(b.at)),
  };
}
