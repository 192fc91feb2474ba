import { CommandError, EXIT_CODES, usageError } from './exit-codes.js';
import type { Summary } from './format-lead.js';
import type { ServiceClient } from './http-client.js';
import { pagesOf, withQuery, type ItemPage } from './paging.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PREFIX = /^[0-9a-f][0-9a-f-]{3,35}$/i;
const CANDIDATES = 10;
/** The service keeps at most so many rejections. */
const REJECTIONS = 10_000;

/**
 * The leads that an operator means: an id, the beginning of one, or an e-mail, which can be several leads of one
 * person.
 * @throws CommandError where there is none, or where the beginning fits several.
 */
export async function findLeads(client: ServiceClient, reference: string, state?: 'dead'): Promise<string[]> {
  if (UUID.test(reference)) return [reference.toLowerCase()];
  if (reference.includes('@')) {
    const body = { email: reference, limit: 200, ...(state ? { state } : {}) };
    const { items } = await client.post<ItemPage<Summary>>('/ops/leads/search', body);
    if (items.length === 0) throw notFound(`There is no ${state ? 'dead letter' : 'lead'} with this e-mail.`);
    return items.map(({ id }) => id);
  }
  if (!PREFIX.test(reference))
    throw usageError(`"${reference}" is neither an id, nor the first 4 or more characters of one, nor an e-mail.`);
  const query = { id: reference.toLowerCase(), limit: CANDIDATES + 1, state };
  const { items } = await client.get<ItemPage<Summary>>(withQuery('/ops/leads', query));
  if (items.length === 0) throw notFound(`No ${state ? 'dead letter' : 'lead'} has an id that begins with ${reference}.`);
  if (items.length > 1) throw ambiguous(`Several ids begin with ${reference}`, items);
  return [items[0]!.id];
}

/** As findLeads, for an act on exactly one. @throws CommandError where an e-mail fits several. */
export async function findOneLead(client: ServiceClient, reference: string, state?: 'dead'): Promise<string> {
  const ids = await findLeads(client, reference, state);
  if (ids.length > 1) {
    const items = await Promise.all(ids.slice(0, CANDIDATES + 1).map((id) => client.get<Summary>(`/ops/leads/${id}`)));
    throw ambiguous(`${ids.length} ${state ? 'dead letters' : 'leads'} have this e-mail`, items);
  }
  return ids[0]!;
}

/** A rejection by its id or the beginning of it. @throws CommandError */
export async function findRejection<T extends { id: string; receivedAt: string; detail: string }>(
  client: ServiceClient,
  reference: string,
): Promise<T> {
  if (!PREFIX.test(reference)) throw usageError(`"${reference}" is neither an id nor the first 4 or more characters of one.`);
  const found: T[] = [];
  const fetchPage = (limit: number, cursor: string | null) =>
    client.get<ItemPage<T>>(withQuery('/ops/rejections', { limit, cursor }));
  for await (const { items } of pagesOf(fetchPage, REJECTIONS)) {
    found.push(...items.filter(({ id }) => id.startsWith(reference.toLowerCase())));
  }
  if (found.length === 0) throw notFound(`No rejection has the id ${reference}. \`revenueflow rejections list\` lists them.`);
  if (found.length > 1) {
    throw usageError(
      listed(`Several ids begin with ${reference}`, found, ({ id, receivedAt, detail }) => `${id}  ${receivedAt}  ${detail}`),
    );
  }
  return found[0]!;
}

function notFound(message: string): CommandError {
  return new CommandError(EXIT_CODES.notFound, message);
}

function ambiguous(what: string, leads: Summary[]): CommandError {
  return usageError(
    listed(what, leads, ({ id, email, campaignId, state }) => `${id}  ${email}  campaign ${campaignId}  ${state}`),
  );
}

function listed<T>(what: string, items: T[], line: (item: T) => string): string {
  const rest = items.length > CANDIDATES ? ['  … and more'] : [];
  return [`${what}. Give more of the id:`, ...items.slice(0, CANDIDATES).map((item) => `  ${line(item)}`), ...rest].join('\n');
}
