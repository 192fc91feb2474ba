import { ExactNumber, parseExactJson } from './exact-json.js';

export interface UnwrappedBody {
  body: unknown;
  /** What was around the lead; null where nothing was. */
  around: string | null;
}

const MAX_LAYERS = 4;

/**
 * The one lead that a gateway or an integration tool wrapped: in an array of one, in an object with one field
 * (`{"lead": {…}}`, `payload={…}` of a form), beside its campaign only (`{"lead": {…}, "campaign": {"id": …}}`), or as
 * JSON in a JSON string. Only where exactly one object is inside and it has an e-mail; anything else comes back as it
 * is.
 */
export function unwrapBody(body: unknown): UnwrappedBody {
  const layers: string[] = [];
  let inner: unknown = body;
  for (let depth = 0; depth <= MAX_LAYERS; depth++) {
    if (isObject(inner) && ('email' in inner || Object.keys(inner).some(isEmailName))) {
      return { body: inner, around: layers.length === 0 ? null : layers.join(' in ') };
    }
    const next = layerOf(inner);
    if (!next) break;
    layers.unshift(next.what);
    inner = next.inner;
  }
  return { body, around: null };
}

function layerOf(value: unknown): { inner: unknown; what: string } | null {
  if (typeof value === 'string') {
    const inner = jsonIn(value);
    return inner === undefined ? null : { inner, what: 'a JSON text' };
  }
  if (Array.isArray(value)) return value.length === 1 ? { inner: value[0], what: 'an array' } : null;
  if (!isObject(value)) return null;
  const given = Object.entries(value).filter(([, each]) => each !== null && each !== '');
  const bracketed = withoutBrackets(given);
  if (bracketed) return bracketed;
  const beside = besideCampaign(given);
  if (beside) return beside;
  return given.length === 1 ? { inner: given[0]![1], what: `"${given[0]![0].slice(0, 40)}"` } : null;
}

/** `lead[email]=…&lead[name]=…`: the nested form of PHP and Rails. */
function withoutBrackets(given: [string, unknown][]): { inner: unknown; what: string } | null {
  const names = given.map(([name]) => /^(\w{1,40})\[([^[\]]+)\]$/.exec(name));
  if (names.length === 0 || names.some((name) => name === null)) return null;
  const groups = new Map<string, [string, unknown][]>();
  for (const [index, [, each]] of given.entries()) {
    const [, prefix, name] = names[index]!;
    groups.set(prefix!, [...(groups.get(prefix!) ?? []), [name!, each]]);
  }
  const objects = [...groups].map(([prefix, fields]): [string, unknown] => [prefix, Object.fromEntries(fields)]);
  return objects.length === 1 ? { inner: objects[0]![1], what: `"${objects[0]![0]}"` } : besideCampaign(objects);
}

/** Two fields, of which one is the lead and the other one its campaign, and the lead names no campaign itself. */
function besideCampaign(given: [string, unknown][]): { inner: unknown; what: string } | null {
  const campaign = given.find(([name]) => CAMPAIGN.test(name));
  const [around, lead] = given.find((field) => field !== campaign) ?? [];
  if (given.length !== 2 || campaign === undefined || around === undefined || !isObject(lead)) return null;
  if (!Object.keys(lead).some(isEmailName) || Object.keys(lead).some((name) => /campaign/i.test(name))) return null;
  const [name, value] = campaign;
  const { id, ...others } = isObject(value) ? value : { id: value };
  // Without an id of its own, `campaign` may be a name.
  if (isObject(value) ? !isScalar(id) : name.toLowerCase() === 'campaign') return null;
  const rest = Object.entries(others).map(([key, each]) => [`campaign.${key}`, each] as const);
  return {
    inner: { ...lead, campaign_id: id, ...Object.fromEntries(rest) },
    what: `"${around.slice(0, 40)}" beside its campaign`,
  };
}

const CAMPAIGN = /^campaign(?:[-_ ]?id)?$/i;

function isScalar(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number' || value instanceof ExactNumber;
}

function jsonIn(text: string): unknown {
  if (!/^\s*[{["]/.test(text)) return undefined;
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

function isEmailName(name: string): boolean {
  return name.length <= 20 && name.trim().toLowerCase().replaceAll(/[-_ ]/g, '') === 'email';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
