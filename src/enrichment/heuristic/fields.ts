import { LEXICON } from './lexicon.js';

/** What the rules read of a lead's attributes; empty where it was not sent. */
export interface Fields {
  title: string;
  company: string;
  industry: string;
  size: string;
  /** Everything the person wrote, one answer a line. */
  message: string;
  /** The same without what the rules put before an answer. */
  written: string;
  /** Every value that may show where the lead came from. */
  sources: string[];
}

type Single = 'title' | 'company' | 'industry' | 'size';
interface Alias {
  field: Single | 'message' | 'source';
  order: number;
  /** Put before the answer, so that `budget: 50k` reads as a sentence about a budget. */
  label: string;
}

const { placeholders, notATitle, labelled, ...plain } = LEXICON.fields;
const PLACEHOLDERS = new Set(placeholders);
const NOT_A_TITLE = new Set(notATitle);
const ALIASES = readAliases();
const MAX_KEY = 200;
const NOT_IN_A_KEY = /[^a-z0-9]+/g;

function readAliases(): Map<string, Alias> {
  const aliases = new Map<string, Alias>();
  for (const field of ['title', 'company', 'industry', 'size', 'message', 'source'] as const) {
    plain[field].forEach((key, order) => aliases.set(key, { field, order, label: '' }));
  }
  for (const [label, keys] of Object.entries(labelled)) {
    for (const key of keys) aliases.set(key, { field: 'message', order: 0, label: `${label}: ` });
  }
  return aliases;
}

/** Picks the fields out of the attributes, whatever order they come in: the store may sort their keys. */
export function readFields(attributes: Record<string, string>): Fields {
  const fields: Fields = { title: '', company: '', industry: '', size: '', message: '', written: '', sources: [] };
  const best: Partial<Record<Single, number>> = {};
  const found: { key: string; alias: Alias; distance: number; value: string }[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    const hit = aliasOf(key);
    if (hit && typeof value === 'string' && !isPlaceholder(value)) found.push({ key, ...hit, value });
  }
  found.sort((a, b) => (a.key < b.key ? -1 : 1));

  for (const { alias, distance, value } of found) {
    const { field, order, label } = alias;
    if (field === 'source') fields.sources.push(value);
    else if (field === 'message') {
      fields.message += `${label}${value}\n`;
      fields.written += `${value}\n`;
    } else if (distance * 100 + order < (best[field] ?? Infinity)) {
      best[field] = distance * 100 + order;
      fields[field] = value;
    }
  }
  return fields;
}

/**
 * The field of a key: by the whole key, else by its last two parts (`company.name`), else by the last (`lead.title`).
 */
function aliasOf(key: string): { alias: Alias; distance: number } | null {
  const parts = key.slice(-MAX_KEY).toLowerCase().split('.');
  const names = [parts.join(''), parts.slice(-2).join(''), parts.at(-1)!].map((name) => name.replace(NOT_IN_A_KEY, ''));
  for (let distance = 0; distance < (parts.length > 1 ? 3 : 1); distance++) {
    const alias = ALIASES.get(names[distance]!);
    if (!alias) continue;
    if (alias.field === 'title' && parts.length > 1 && NOT_A_TITLE.has(parts.at(-2)!.trim())) return null;
    return { alias, distance };
  }
  return null;
}

function isPlaceholder(value: string): boolean {
  return value.length < 30 && PLACEHOLDERS.has(value.trim().toLowerCase());
}
