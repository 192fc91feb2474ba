import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import { ioBoundary } from '../../platform/observability/io-boundary.js';
import { unavailable } from './errors.js';
import type { MarketoCall, MarketoClient } from './marketo-client.js';

/** Records of one call of the lead database. */
export const RECORDS_PER_CALL = 300;
/** Of one look-up, which one page holds; a page may have fewer than there are. */
const PAGES_OF_PEOPLE = 20;

/** Marketo's own timeout of a call is some seconds shorter. */
const TIMEOUTS_MS = { sync: 95_000, leads: 65_000, other: 35_000, token: 305_000 };

const errorsSchema = z.array(
  z.looseObject({ code: z.union([z.string(), z.number()]).transform(String), message: z.string().catch('') }),
);
const syncSchema = z.looseObject({
  result: z.array(z.looseObject({ id: z.number().nullish(), status: z.string(), reasons: errorsSchema.nullish() })),
});
export type SyncResult = z.output<typeof syncSchema>['result'][number];

const fieldSchema = z.looseObject({
  dataType: z.string(),
  length: z.number().nullish(),
  rest: z.looseObject({ name: z.string(), readOnly: z.boolean().catch(false) }).nullish(),
});
const describeSchema = z.looseObject({ result: z.array(fieldSchema) });

/** A field of a person, by its REST name. */
export interface MarketoField {
  name: string;
  dataType: string;
  length: number | null;
  readOnly: boolean;
}

const personSchema = z.record(z.string(), z.unknown()).and(z.object({ id: z.number() }));
export type MarketoPerson = z.output<typeof personSchema>;
const peopleSchema = z.looseObject({ result: z.array(personSchema).nullish(), nextPageToken: z.string().nullish() });

const typesSchema = z.looseObject({ result: z.array(z.looseObject({ id: z.number(), name: z.string() })) });
const tokenSchema = z.looseObject({ nextPageToken: z.string() });
const activitySchema = z.looseObject({
  /** The key of an activity: `id` may be absent and is not unique. */
  marketoGUID: z.union([z.string(), z.number()]).transform(String),
  leadId: z.number(),
  activityDate: z.string(),
  campaignId: z.number().nullish(),
  primaryAttributeValueId: z.number().nullish(),
  primaryAttributeValue: z.union([z.string(), z.number().transform(String)]).nullish(),
  attributes: z.array(z.looseObject({ name: z.string(), value: z.unknown() })).nullish(),
});
export type MarketoActivity = z.output<typeof activitySchema>;
const activitiesSchema = z.looseObject({
  result: z.array(activitySchema).nullish(),
  nextPageToken: z.string().nullish(),
  moreResult: z.boolean().catch(false),
});

const exportSchema = z.looseObject({
  result: z.tuple([
    z.looseObject({
      exportId: z.string(),
      status: z.string(),
      fileSize: z.number().nullish(),
      fileChecksum: z.string().nullish(),
    }),
  ]),
});
export type ExportJob = z.output<typeof exportSchema>['result'][0];

const EXPORTS = '/bulk/v1/activities/export';
/** What the comparison reads of each activity. */
const EXPORTED_FIELDS = [
  'marketoGUID',
  'leadId',
  'activityDate',
  'campaignId',
  'primaryAttributeValueId',
  'primaryAttributeValue',
  'attributes',
];
/** Of one call for a part of a file. */
const PART_BYTES = 8_388_608;
const ALREADY_QUEUED = /^1029: .*already/i;

const usageSchema = z.looseObject({
  result: z.array(
    z.looseObject({
      date: z.string(),
      total: z.number(),
      users: z.array(z.looseObject({ userId: z.string(), count: z.number() })).catch([]),
    }),
  ),
});
export type Usage = z.output<typeof usageSchema>['result'][number];

/**
 * The calls of Marketo's REST API that this service makes; each throws as MarketoClient.call.
 * https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/rest-api
 */
export class MarketoApi {
  /** Calls sent through this object, failed ones and repetitions included. */
  calls = 0;

  constructor(private readonly client: MarketoClient) {}

  /** The API user that Marketo counts our calls for; null before the first call. */
  get user(): string | null {
    return this.client.user;
  }

  /** Results are in the order of the input. Never creates a person. */
  async updatePeople(lookupField: 'id' | 'email', input: Record<string, unknown>[], signal?: AbortSignal): Promise<SyncResult[]> {
    const body = { action: 'updateOnly', lookupField, input };
    const request = { method: 'POST', path: '/rest/v1/leads.json', body, timeoutMs: TIMEOUTS_MS.sync } as const;
    return (await this.call(request, syncSchema, signal)).result;
  }

  /** People who are deleted or merged are not in the answer. At most 300 ids. */
  async findPeople(ids: number[], fields: string[], signal?: AbortSignal): Promise<MarketoPerson[]> {
    const people: MarketoPerson[] = [];
    let page: string | null | undefined;
    let pages = 0;
    do {
      if (++pages > PAGES_OF_PEOPLE) throw unavailable('Marketo gives page after page of a look-up of 300 people.');
      const answer = await this.call(
        {
          method: 'GET',
          path: '/rest/v1/leads.json',
          query: {
            filterType: 'id',
            filterValues: ids.join(','),
            fields: fields.join(','),
            batchSize: String(RECORDS_PER_CALL),
            ...(page ? { nextPageToken: page } : {}),
          },
          timeoutMs: TIMEOUTS_MS.leads,
        },
        peopleSchema,
        signal,
      );
      people.push(...(answer.result ?? []));
      page = answer.nextPageToken;
    } while (page && people.length < ids.length);
    return people;
  }

  async describeFields(signal?: AbortSignal): Promise<MarketoField[]> {
    const answer = await this.get('/rest/v1/leads/describe.json', {}, describeSchema, TIMEOUTS_MS.other, signal);
    return answer.result.flatMap(({ dataType, length, rest }) =>
      rest ? [{ name: rest.name, dataType, length: length ?? null, readOnly: rest.readOnly }] : [],
    );
  }

  async activityTypes(signal?: AbortSignal): Promise<{ id: number; name: string }[]> {
    return (await this.get('/rest/v1/activities/types.json', {}, typesSchema, TIMEOUTS_MS.other, signal)).result;
  }

  async pagingToken(since: Date, signal?: AbortSignal): Promise<string> {
    const query = { sinceDatetime: since.toISOString() };
    const path = '/rest/v1/activities/pagingtoken.json';
    return (await this.get(path, query, tokenSchema, TIMEOUTS_MS.token, signal)).nextPageToken;
  }

  /**
   * A page may be empty although more is to come.
   * @throws AppError as the client, and MARKETO_UNAVAILABLE where more is to come and no token leads there.
   */
  async activities(typeId: number, token: string, signal?: AbortSignal) {
    const query = { activityTypeIds: String(typeId), nextPageToken: token, batchSize: String(RECORDS_PER_CALL) };
    const answer = await this.get('/rest/v1/activities.json', query, activitiesSchema, TIMEOUTS_MS.other, signal);
    const { result, nextPageToken: next, moreResult: more } = answer;
    if (more && (!next || next === token)) {
      throw unavailable(
        'Marketo says that its log has more, and does not say where: the token of the next page is missing or the same.',
      );
    }
    return { items: result ?? [], next: next ?? token, more };
  }

  /** Calls of today, of all integrations of the instance; null where Marketo has no figure yet. */
  async usage(signal?: AbortSignal): Promise<Usage | null> {
    const answer = await this.get('/rest/v1/stats/usage.json', {}, usageSchema, TIMEOUTS_MS.other, signal);
    return answer.result[0] ?? null;
  }

  /** A job that will write the activities of [from, to) into a file; at most 31 days. It does not run yet. */
  async createExport(typeId: number, from: Date, to: Date, signal?: AbortSignal): Promise<ExportJob> {
    const createdAt = { startAt: withoutFraction(from), endAt: withoutFraction(to) };
    const body = { format: 'CSV', filter: { createdAt, activityTypeIds: [typeId] }, fields: EXPORTED_FIELDS };
    const request = { method: 'POST', path: `${EXPORTS}/create.json`, body, timeoutMs: TIMEOUTS_MS.other } as const;
    return (await this.call(request, exportSchema, signal)).result[0];
  }

  /** Repeating it is harmless. */
  async enqueueExport(id: string, signal?: AbortSignal): Promise<void> {
    const request = { method: 'POST', path: exportPath(id, 'enqueue.json'), timeoutMs: TIMEOUTS_MS.other } as const;
    try {
      await this.call(request, exportSchema, signal);
    } catch (cause) {
      if (!(cause instanceof AppError) || !ALREADY_QUEUED.test(cause.answer ?? '')) throw cause;
    }
  }

  async exportStatus(id: string, signal?: AbortSignal): Promise<ExportJob> {
    return (await this.get(exportPath(id, 'status.json'), {}, exportSchema, TIMEOUTS_MS.other, signal)).result[0];
  }

  /** A part of the file of a completed job, from this byte on; null where Marketo has no such file (any more). */
  exportPart(id: string, from: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | null> {
    const request = { path: exportPath(id, 'file.json'), from, bytes: PART_BYTES, timeoutMs: TIMEOUTS_MS.token };
    return this.client.download({ ...request, onSend: () => void this.calls++ }, signal);
  }

  private get<T>(path: string, query: Record<string, string>, schema: z.ZodType<T>, timeoutMs: number, signal?: AbortSignal) {
    return this.call({ method: 'GET', path, query, timeoutMs }, schema, signal);
  }

  private call<T>(request: MarketoCall, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    return ioBoundary(`marketo.${stepOf(request)}`, undefined, () =>
      this.client.call({ ...request, onSend: () => void this.calls++ }, schema, signal),
    );
  }
}

const exportPath = (id: string, act: string) => `${EXPORTS}/${encodeURIComponent(id)}/${act}`;

/** Marketo refuses times with a fraction of a second here. */
const withoutFraction = (at: Date) => at.toISOString().replace(/\.\d{3}Z$/, 'Z');

/** `write-leads`, `read-activities`, `write-create`: the method and the last part of the path. */
function stepOf({ method, path }: MarketoCall): string {
  const last = path.slice(path.lastIndexOf('/') + 1, -'.json'.length);
  return `${method === 'GET' ? 'read' : 'write'}-${last}`;
}
