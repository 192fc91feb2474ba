import { randomUUID } from 'node:crypto';
import { AppError } from '../domain/app-error.js';
import type { MarketoArrivals } from '../ledger/marketo-arrivals.repository.js';
import type { MarketoActivity, MarketoApi, MarketoField, Usage } from './client/marketo-api.js';
import { note, ok, problem, type MarketoCheckLine } from './check-line.js';
import { arrivalFindings, loggedFindings } from './check-webhook.js';
import { unguardedFields, type FieldMap } from './field-map.js';
import { isUnsuited } from './field-types.js';
import { templateFields } from './reconciliation/lead-of-person.js';
import { callWebhookTypeIn, isCallOf } from './reconciliation/read-window.js';

type CheckedApi = Pick<
  MarketoApi,
  'user' | 'describeFields' | 'updatePeople' | 'usage' | 'activityTypes' | 'pagingToken' | 'activities'
>;

export interface CheckOptions {
  api: CheckedApi;
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
  rfOwner: ['string', 'text'],
  rfOutcome: ['string', 'text'],
  rfProbability: ['float'],
  // The version is a count of microseconds, which Marketo's integers do not hold.
  rfVersion: ['string', 'text'],
};
/** What is wrong before any permission counts. */
const ACCESS = 'credentials and address';
const NAME_IT = 'name it so in MARKETO_FIELD_MAP and in CONTENT_IGNORE (names are case-sensitive)';
/** Marketo derives the REST name from the one that the admin chose: rFFitScore, rf_fit_score_c. */
const letters = (name: string) => name.toLowerCase().replaceAll(/_+c$|[^a-z0-9]/g, '');
const DAY_MS = 86_400_000;
/** Pages of the log that are looked through for webhooks. */
const PAGES = 10;

/**
 * Compares Marketo with what this service needs of it; reads only. Each permission is tried by itself, so that one that
 * is missing hides no other finding.
 */
export async function checkMarketo(options: CheckOptions): Promise<MarketoCheckLine[]> {
  const { api } = options;
  const fields = await attempt('permission to read fields (Read-Write Lead)', () => api.describeFields(), true);
  const lines = [...fields.lines, ...(fields.result ? fieldLines(options, fields.result) : [])];
  // Without a token every other finding would be the same.
  if (lines.some(({ subject }) => subject === ACCESS)) return lines;
  lines.push(...(await attempt('permission to write scores (Read-Write Lead)', () => writeToNobody(api))).lines);
  const usage = await attempt('quota of the day', () => api.usage());
  lines.push(...usage.lines.map((line) => ({ ...line, verdict: line.verdict === 'problem' ? ('note' as const) : line.verdict })));
  if (usage.result) lines.push(usageLine(options, usage.result));
  return [...lines, ...(await webhookLines(options))];
}

/** No person has this address, and an update creates none: only the permission decides what comes back. */
function writeToNobody(api: CheckedApi) {
  return api.updatePeople('email', [{ email: `${randomUUID()}@revenueflow.invalid` }]);
}

function fieldLines({ fieldMap, contentIgnore }: CheckOptions, fields: MarketoField[]): MarketoCheckLine[] {
  const known = new Map(fields.map((field) => [field.name, field]));
  const unguarded = new Set(unguardedFields(fieldMap, contentIgnore));
  const written = fieldMap.person.flatMap((rule): MarketoCheckLine[] => {
    const { to, optional } = rule;
    const field = known.get(to);
    const wanted = WANTED_TYPES[to];
    if (!field) {
      const alike = fields.filter(({ name }) => letters(name) === letters(to)).map(({ name }) => name);
      if (alike.length > 0) return [problem(to, `Marketo's REST name is ${alike.join(' or ')}: ${NAME_IT}`)];
      const create = `create this field in Marketo (Admin, Field Management)${wanted ? `, type ${wanted[0]}` : ''}`;
      return [optional ? note(to, `${create}, to have it written; it is left out meanwhile`) : problem(to, create)];
    }
    if (field.readOnly) return [problem(to, 'the API cannot write this field: name another in MARKETO_FIELD_MAP')];
    if (wanted && !wanted.includes(field.dataType)) {
      return [problem(to, `has the type ${field.dataType}: create it with the type ${wanted.join(' or ')}`)];
    }
    if (isUnsuited(rule, field)) {
      return [
        problem(to, `has the type ${field.dataType}, in which no value of ${rule.from} fits: name another in MARKETO_FIELD_MAP`),
      ];
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
  const types = await attempt('permission Read-Only Activity Metadata', () => api.activityTypes());
  const type = callWebhookTypeIn(types.result ?? []);
  const seen = await attempt('permission Read-Only Activity', () => webhookCalls(api, type, webhook, new Date(now - DAY_MS)));
  const ours = seen.result?.ours ?? [];
  const arrived = arrivals ? arrivalFindings(arrivals, ours.length) : [];
  if (!types.result || !seen.result) return [...types.lines, ...seen.lines, ...arrived];
  if (!type) return [problem('webhook', 'Marketo has no activity type Call Webhook: is the feature enabled?'), ...arrived];
  // Marketo reads its log in blocks, of which many may have no webhook call.
  const looked = seen.result.isWhole ? 'the log of the last day has' : `the first ${PAGES} pages of the log of the last day have`;
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
      ? problem('webhook', `${looked} no call of ${webhook}: correct MARKETO_WEBHOOK.${listed}`)
      : note('webhook', `${looked} no webhook call`);
  return [none, ...arrived];
}

/** Calls of our webhook, and how often others were called, by their names. */
async function webhookCalls(api: CheckedApi, type: { id: number } | undefined, webhook: string | undefined, since: Date) {
  const ours: MarketoActivity[] = [];
  const others = new Map<string, number>();
  let token = await api.pagingToken(since);
  let more = type !== undefined;
  for (let page = 0; more && page < PAGES; page++) {
    const { items, next, more: isMore } = await api.activities(type!.id, token);
    for (const activity of items) {
      const { primaryAttributeValue: name, primaryAttributeValueId: id } = activity;
      if (webhook !== undefined && isCallOf(webhook, activity)) ours.push(activity);
      else others.set(`${name} (${id})`, (others.get(`${name} (${id})`) ?? 0) + 1);
    }
    [token, more] = [next, isMore];
  }
  return { ours, others, isWhole: !more };
}

/**
 * Marketo may fail in one call and not in the next: what it keeps from being checked hides no other finding.
 * @param isFirst Marketo may be out of reach altogether, and each further call would wait for its time.
 */
async function attempt<T>(
  subject: string,
  read: () => Promise<T>,
  isFirst = false,
): Promise<{ result?: T; lines: MarketoCheckLine[] }> {
  try {
    return { result: await read(), lines: [] };
  } catch (cause) {
    const error = AppError.from(cause);
    if (error.class === 'configuration') {
      const isAccess = error.signature?.startsWith('marketo:identity') ?? false;
      return { lines: [problem(isAccess ? ACCESS : subject, error.message)] };
    }
    if (isFirst || !error.code.startsWith('MARKETO_')) throw error;
    return { lines: [problem(subject, `could not be checked: ${error.message} Run the check again`)] };
  }
}
