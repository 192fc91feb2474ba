import { AppError } from '../domain/app-error.js';
import type { MarketoApi, MarketoField } from './client/marketo-api.js';
import { unguardedFields, type FieldMap } from './field-map.js';
import { templateFields } from './reconciliation/lead-of-person.js';

/** One finding of the check, with what to change. */
export interface MarketoCheckLine {
  subject: string;
  verdict: 'ok' | 'note' | 'problem';
  detail: string;
}

export interface CheckOptions {
  api: MarketoApi;
  fieldMap: FieldMap;
  contentIgnore: readonly string[];
  /** MARKETO_WEBHOOK */
  webhook: string | undefined;
  dailyCalls: number;
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
  if (usage.result) {
    const users = usage.result.users.map(({ userId, count }) => `${userId} ${count}`).join(', ');
    lines.push(ok('quota of the day', `${usage.result.total} of ${options.dailyCalls} calls used${users ? ` (${users})` : ''}`));
  }
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

/** Which webhooks the log of the last day names. */
async function webhookLines({ api, webhook, now }: CheckOptions): Promise<MarketoCheckLine[]> {
  const seen = await attempt('permission Read-Only Activity', async () => {
    const type = (await api.activityTypes()).find(({ name }) => name.toLowerCase() === 'call webhook');
    const names = new Map<string, number>();
    let token = await api.pagingToken(new Date(now - DAY_MS));
    for (let page = 0, more = type !== undefined; more && page < PAGES; page++) {
      const { items, next, more: isMore } = await api.activities(type!.id, token);
      for (const { primaryAttributeValue: name, primaryAttributeValueId: id } of items) {
        if (webhook !== undefined && (name === webhook || String(id) === webhook))
          names.set(webhook, (names.get(webhook) ?? 0) + 1);
        else names.set(`${name} (${id})`, (names.get(`${name} (${id})`) ?? 0) + 1);
      }
      [token, more] = [next, isMore];
    }
    return names;
  });
  if (!seen.result) return seen.lines;
  const others = [...seen.result].filter(([name]) => name !== webhook).map(([name, count]) => `${name}: ${count} calls`);
  const listed = others.length > 0 ? ` Webhooks of the last day: ${others.join(', ')}.` : '';
  if (webhook === undefined) return [note('webhook', `set MARKETO_WEBHOOK to compare its calls with the ledger.${listed}`)];
  const calls = seen.result.get(webhook) ?? 0;
  if (calls > 0) return [ok('webhook', `${webhook}: ${calls} calls in the pages read of the last day`)];
  return others.length > 0
    ? [problem('webhook', `the log of the last day has no call of ${webhook}: correct MARKETO_WEBHOOK.${listed}`)]
    : [note('webhook', `the log of the last day has no webhook call`)];
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

const ok = (subject: string, detail: string): MarketoCheckLine => ({ subject, verdict: 'ok', detail });
const note = (subject: string, detail: string): MarketoCheckLine => ({ subject, verdict: 'note', detail });
const problem = (subject: string, detail: string): MarketoCheckLine => ({ subject, verdict: 'problem', detail });
