import { AppError } from '../domain/app-error.js';
import type { MarketoArrivals } from '../ledger/marketo-arrivals.repository.js';
import type { MarketoActivity, MarketoApi, MarketoField, Usage } from './client/marketo-api.js';
import { note, ok, problem, type MarketoCheckLine } from './check-line.js';
import { arrivalFindings, loggedFindings } from './check-webhook.js';
import { unguardedFields, type FieldMap } from './field-map.js';
import { templateFields } from './reconciliation/lead-of-person.js';

export interface CheckOptions {
  api: MarketoApi;
  fieldMap: FieldMap;
  contentIgnore: readonly string[];
  /** MARKETO_WEBHOOK */
  webhook: string | undefined;
  dailyCalls: number;
  /** MARKETO_STOP_PERCENT */
  stopPercent: number;
  /** What arrived in the last day; null where the service did not say. */
  arrivals: MarketoArrivals | null;
  now: number;
}

/** The types in which a score of each shipped field fits; another field may have any. */
const WANTED_TYPES: Record<string, readonly string[]> = {
  rfFitScore: ['integer', 'score', 'float'],
  rfIntent: ['string', 'text'],
  rfReason: ['text', 'string'],
  rfScoreSource: ['string', 'text'],
  rfScoredAt: ['datetime'],
  // The version is a count of microseconds, which Marketo's integers do not hold.
  rfVersion: ['string', 'text'],
};
const DAY_MS = 86_400_000;
/** Pages of the log that are looked through for webhooks. */
const PAGES = 10;

/**
 * Compares Marketo with what this service needs of it; reads only. Each permission is tried by itself, so that one that
 * is missing hides no other finding.
 */
export async function checkMarketo(options: CheckOptions): Promise<MarketoCheckLine[]> {
  const { api } = options;
  const fields = await attempt('permission Read-Write Lead', () => api.describeFields());
  const lines = [...fields.lines, ...(fields.result ? fieldLines(options, fields.result) : [])];
  // Without a token every other finding would be the same.
  if (!fields.result && lines.some(({ detail }) => detail.includes('credentials'))) return lines;
  const usage = await attempt('quota of the day', () => api.usage());
  lines.push(...usage.lines.map((line) => ({ ...line, verdict: line.verdict === 'problem' ? ('note' as const) : line.verdict })));
  if (usage.result) lines.push(usageLine(options, usage.result));
  return [...lines, ...(await webhookLines(options))];
}

function fieldLines({ fieldMap, contentIgnore }: CheckOptions, fields: MarketoField[]): MarketoCheckLine[] {
  const known = new Map(fields.map((field) => [field.name, field]));
  const unguarded = new Set(unguardedFields(fieldMap, contentIgnore));
  const written = fieldMap.person.flatMap(({ to }): MarketoCheckLine[] => {
    const field = known.get(to);
    const wanted = WANTED_TYPES[to];
    if (!field)
      return [problem(to, `create this field in Marketo (Admin, Field Management)${wanted ? `, type ${wanted[0]}` : ''}`)];
    if (field.readOnly) return [problem(to, 'the API cannot write this field: name another in MARKETO_FIELD_MAP')];
    if (wanted && !wanted.includes(field.dataType)) {
      return [problem(to, `has the type ${field.dataType}: create it with the type ${wanted.join(' or ')}`)];
    }
    if (unguarded.has(to)) {
      return [problem(to, `add it to CONTENT_IGNORE, or a webhook that sends it back makes a new revision with each score`)];
    }
    return [ok(to, `${field.dataType}${field.length === null ? '' : `, ${field.length} characters`}`)];
  });
  const read = templateFields(fieldMap).flatMap((name) =>
    known.has(name) ? [] : [problem(name, 'webhook.fields of MARKETO_FIELD_MAP names this field, and Marketo does not have it')],
  );
  return [...written, ...read];
}

/** Whose calls of the day they are: all integrations of an instance share them. */
function usageLine({ api, dailyCalls, stopPercent }: CheckOptions, { total, users }: Usage): MarketoCheckLine {
  const named = users
    .map(({ userId, count }) => `${userId === api.user ? `${userId} (this service)` : userId} ${count}`)
    .join(', ');
  const detail = `${total} of ${dailyCalls} calls used${named ? ` (${named})` : ''}`;
  const stopsAt = (dailyCalls * stopPercent) / 100;
  const ours = users.find(({ userId }) => userId === api.user)?.count ?? 0;
  const others = total - ours;
  if (total >= stopsAt) {
    const advice = `this service stops at ${stopPercent} % until midnight in Chicago`;
    const who =
      others > ours ? 'other integrations have used most of them: reduce their calls, or buy more' : 'raise MARKETO_DAILY_CALLS';
    return problem('quota of the day', `${detail}; ${advice}; ${who}`);
  }
  if (users.length > 0 && others > stopsAt / 2) return note('quota of the day', `${detail}; others use more than half`);
  return ok('quota of the day', detail);
}

/** What the log of the last day shows of our webhook and of others, beside what arrived here. */
async function webhookLines({ api, webhook, now, arrivals }: CheckOptions): Promise<MarketoCheckLine[]> {
  const seen = await attempt('permission Read-Only Activity', () => webhookCalls(api, webhook, new Date(now - DAY_MS)));
  const ours = seen.result?.ours ?? [];
  const arrived = arrivals ? arrivalFindings(arrivals, ours.length) : [];
  if (!seen.result) return [...seen.lines, ...arrived];
  const others = [...seen.result.others].map(([name, count]) => `${name}: ${count} calls`);
  const listed = others.length > 0 ? ` Webhooks of the last day: ${others.join(', ')}.` : '';
  if (webhook === undefined)
    return [note('webhook', `set MARKETO_WEBHOOK to compare its calls with the ledger.${listed}`), ...arrived];
  if (ours.length > 0) {
    const count = ok('webhook', `${webhook}: ${ours.length} calls in the pages read of the last day`);
    return [count, ...loggedFindings(ours), ...arrived];
  }
  const none =
    others.length > 0
      ? problem('webhook', `the log of the last day has no call of ${webhook}: correct MARKETO_WEBHOOK.${listed}`)
      : note('webhook', `the log of the last day has no webhook call`);
  return [none, ...arrived];
}

/** Calls of our webhook, and how often others were called, by their names. */
async function webhookCalls(api: MarketoApi, webhook: string | undefined, since: Date) {
  const type = (await api.activityTypes()).find(({ name }) => name.toLowerCase() === 'call webhook');
  const ours: MarketoActivity[] = [];
  const others = new Map<string, number>();
  let token = await api.pagingToken(since);
  for (let page = 0, more = type !== undefined; more && page < PAGES; page++) {
    const { items, next, more: isMore } = await api.activities(type!.id, token);
    for (const activity of items) {
      const { primaryAttributeValue: name, primaryAttributeValueId: id } = activity;
      if (webhook !== undefined && (name === webhook || String(id) === webhook)) ours.push(activity);
      else others.set(`${name} (${id})`, (others.get(`${name} (${id})`) ?? 0) + 1);
    }
    [token, more] = [next, isMore];
  }
  return { ours, others };
}

async function attempt<T>(subject: string, read: () => Promise<T>): Promise<{ result?: T; lines: MarketoCheckLine[] }> {
  try {
    return { result: await read(), lines: [] };
  } catch (cause) {
    const error = AppError.from(cause);
    if (error.class !== 'configuration') throw error;
    return { lines: [problem(subject, error.message)] };
  }
}
