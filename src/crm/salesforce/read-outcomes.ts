import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { normaliseEmail, personKeyOf } from '../../domain/lead-keys.js';
import type { Clock } from '../../platform/clock.js';
import type { CrmLeadActs, CrmOpportunityState, CrmOutcomeReader, CrmPersonState } from '../port.js';
import type { SalesforceClient } from './client.js';
import { PERSON_KEY_FIELD } from './field-map.js';
import { personKeysOf, recordsById } from './match.js';
import { OrgSchema } from './org-schema.js';
import { instantSchema, queryTogether, type Query } from './queries.js';
import { readActs } from './read-acts.js';
import { recordIdSchema } from './record-id.js';
import { soql } from './soql.js';

export interface OutcomeReaderOptions {
  client: SalesforceClient;
  apiVersion: string;
  clock: Clock;
  callsAreLow?(): boolean;
}

/** Records of a page: Salesforce answers so many at once. */
const PAGE = 2000;
/** Ids of one query, and queries of one call: a composite request may have five. */
const IDS_PER_QUERY = 1000;
const QUERIES_PER_CALL = 5;
/** The winner of a merge may itself have been merged. */
const MERGES_FOLLOWED = 3;

const optionalId = recordIdSchema.nullish();

const leadSchema = z.object({
  Id: recordIdSchema,
  [PERSON_KEY_FIELD]: z.string().nullish(),
  Email: z.string().nullish(),
  Status: z.string().nullish(),
  IsConverted: z.boolean(),
  ConvertedDate: z.string().nullish(),
  ConvertedOpportunityId: optionalId,
  IsDeleted: z.boolean(),
  MasterRecordId: optionalId,
  SystemModstamp: instantSchema,
});
type LeadRecord = z.output<typeof leadSchema>;

const opportunitySchema = z.object({
  Id: recordIdSchema,
  CreatedDate: instantSchema,
  SystemModstamp: instantSchema,
  IsClosed: z.boolean(),
  IsWon: z.boolean(),
  IsDeleted: z.boolean(),
  CloseDate: z.string().nullish(),
  Amount: z.number().nullish(),
  CurrencyIsoCode: z.string().nullish(),
});

const LEAD_QUERY =
  'SELECT Id, RF_Person_Key__c, Email, Status, IsConverted, ConvertedDate, ConvertedOpportunityId, IsDeleted, ' +
  'MasterRecordId, SystemModstamp FROM Lead';
const OPPORTUNITY_FIELDS = 'Id, CreatedDate, SystemModstamp, IsClosed, IsWon, IsDeleted, CloseDate, Amount';

/** What became of Leads in the org. Each method costs one API call in most cases, and waits where calls run low. */
export class SalesforceOutcomes implements CrmOutcomeReader {
  readonly idsAtOnce = IDS_PER_QUERY * QUERIES_PER_CALL;
  private readonly opportunitySchema: OrgSchema;

  constructor(private readonly options: OutcomeReaderOptions) {
    this.opportunitySchema = new OrgSchema(options.client, 'Opportunity', options.clock);
  }

  async changedPersons({ at, id }: { at: string; id: string }, signal: AbortSignal) {
    const later =
      id === '' ? `SystemModstamp >= ${at}` : `(SystemModstamp > ${at} OR (SystemModstamp = ${at} AND ${soql`Id > ${id}`}))`;
    const query = `${LEAD_QUERY} WHERE ${later} AND RF_Person_Key__c != null ORDER BY SystemModstamp, Id LIMIT ${PAGE}`;
    const found = await this.read([{ deletedToo: query }], leadSchema, signal);
    return { records: await this.statesOf(found), more: found.length === PAGE };
  }

  async persons(ids: string[], since: string | null, signal: AbortSignal): Promise<CrmPersonState[]> {
    return this.statesOf(await this.read(queriesFor(LEAD_QUERY, ids, since), leadSchema, signal));
  }

  async opportunities(ids: string[], since: string | null, signal: AbortSignal): Promise<CrmOpportunityState[]> {
    // Only an org with several currencies has the field, and a query that names a missing field is refused.
    const fields = await this.opportunitySchema.describe();
    const currency = fields.has('currencyisocode') ? ', CurrencyIsoCode' : '';
    const select = `SELECT ${OPPORTUNITY_FIELDS}${currency} FROM Opportunity`;
    const found = await this.read(queriesFor(select, ids, since), opportunitySchema, signal);
    return found.map((record) => ({
      id: record.Id,
      createdAt: record.CreatedDate,
      changedAt: record.SystemModstamp,
      closesOn: record.CloseDate ?? null,
      state: !record.IsClosed ? 'open' : record.IsWon ? 'won' : 'lost',
      amount: record.Amount ?? null,
      currency: record.CurrencyIsoCode ?? null,
      deleted: record.IsDeleted,
    }));
  }

  async acts(ids: string[], since: string, automation: string[], signal: AbortSignal): Promise<CrmLeadActs[]> {
    this.refuseWhereCallsAreLow();
    const { client, apiVersion } = this.options;
    return readActs(client, apiVersion, { ids, since, automation }, signal);
  }

  private refuseWhereCallsAreLow(): void {
    if (this.options.callsAreLow?.())
      throw new AppError('CRM_DAILY_LIMIT_REACHED', "The org's API calls of the day run low: what is left is for leads.");
  }

  private async read<T>(queries: Query[], schema: z.ZodType<T>, signal: AbortSignal): Promise<T[]> {
    this.refuseWhereCallsAreLow();
    const { client, apiVersion } = this.options;
    return queries.length === 0 ? [] : (await queryTogether(client, apiVersion, schema, queries, signal)).flat();
  }

  private async statesOf(records: LeadRecord[]): Promise<CrmPersonState[]> {
    const winners = await this.winnersOf(records);
    return records.map((record) => ({
      id: record.Id,
      personKey: keyOf(record),
      status: record.Status ?? null,
      changedAt: record.SystemModstamp,
      convertedOn: record.IsConverted ? (record.ConvertedDate ?? record.SystemModstamp.slice(0, 10)) : null,
      opportunityId: record.ConvertedOpportunityId ?? null,
      deleted: record.IsDeleted,
      mergedInto: record.IsDeleted && record.MasterRecordId ? (winners.get(record.MasterRecordId) ?? null) : null,
    }));
  }

  /** The records at the end of each chain of merges, by the id of the first winner. */
  private async winnersOf(records: LeadRecord[]): Promise<Map<string, { id: string; personKey: string | null }>> {
    const masters = records.flatMap(({ IsDeleted, MasterRecordId }) => (IsDeleted && MasterRecordId ? [MasterRecordId] : []));
    const found = new Map<string, Awaited<ReturnType<typeof recordsById>>[number]>();
    let wanted = [...new Set(masters)];
    for (let hops = 0; wanted.length > 0 && hops < MERGES_FOLLOWED; hops++) {
      for (const record of await recordsById({ ...this.options, match: 'leads' }, wanted)) found.set(record.Id, record);
      wanted = [...found.values()].flatMap(({ IsDeleted, MasterRecordId: next }) =>
        IsDeleted && next && !found.has(next) ? [next] : [],
      );
    }
    const lastOf = (id: string, hops = 0): string => {
      const next = found.get(id)?.MasterRecordId;
      return next && hops < MERGES_FOLLOWED ? lastOf(next, hops + 1) : id;
    };
    return new Map(
      masters.map((master) => {
        const id = lastOf(master);
        const winner = found.get(id);
        return [master, { id, personKey: winner ? keyOf(winner) : null }];
      }),
    );
  }
}

function queriesFor(select: string, ids: string[], since: string | null): Query[] {
  const changed = since === null ? '' : ` AND SystemModstamp >= ${since}`;
  return Array.from({ length: Math.ceil(ids.length / IDS_PER_QUERY) }, (_, part) => ({
    deletedToo: `${select} WHERE ${soql`Id IN ${ids.slice(part * IDS_PER_QUERY, (part + 1) * IDS_PER_QUERY)}`}${changed}`,
  }));
}

/**
 * The person's key. A person whose first Lead was closed has a second Lead with a second key; the address shows whose.
 */
function keyOf(record: { [PERSON_KEY_FIELD]?: string | null | undefined; Email?: string | null | undefined }): string | null {
  const key = (record[PERSON_KEY_FIELD] ?? '').trim().toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(key)) return null;
  const first = record.Email ? personKeyOf(normaliseEmail(record.Email)) : null;
  return first !== null && personKeysOf(first)[1] === key ? first : key;
}
