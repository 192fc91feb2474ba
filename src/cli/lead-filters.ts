import { InvalidArgumentError, Option, type Command } from 'commander';
import { INTENTS } from '../domain/intent.js';
import { LEAD_STATES } from '../domain/lead-state.js';
import { usageError } from './exit-codes.js';

export interface LeadFilterOptions {
  state?: string;
  campaign?: string;
  minScore?: number;
  intent?: string;
  owner?: string;
  from?: string;
  to?: string;
  search?: string;
  sort?: string;
}

export function stateOption(): Option {
  return new Option('--state <state>', 'only leads in this state').choices(LEAD_STATES);
}

/** The filters of a list of leads. */
export function addLeadFilters(command: Command): Command {
  const time = 'e.g. 2026-11-27, 2026-11-27T09:30, or 2h for two hours ago';
  return command
    .addOption(stateOption())
    .option('--campaign <id>', 'only leads of this campaign')
    .addOption(new Option('--min-score <n>', 'scored at this or above, 0 to 100').argParser(readScore))
    .addOption(new Option('--intent <intent>', 'only leads with this intent').choices(INTENTS))
    .option('--owner <owner>', 'only leads of this owner: a rep of the routing rules, or a user or queue of the CRM')
    .option('--from <time>', `first received at or after this time: ${time}`)
    .option('--to <time>', 'first received before this time')
    .option('-s, --search <text>', 'part of the name or of the company, in any case')
    .addOption(new Option('--sort <order>', 'by the time of receipt').choices(['newest', 'oldest']).default('newest'));
}

/**
 * The filters as the API calls them.
 * @param isUtc times without a zone are UTC, as they are shown with --utc; otherwise of this machine's zone.
 * @throws CommandError where a time cannot be read.
 */
export function filtersOf(options: LeadFilterOptions, isUtc: boolean, now = Date.now()): Record<string, string | number> {
  const { state, campaign, minScore, intent, owner, from, to, search, sort } = options;
  const since = from === undefined ? undefined : timeOf('--from', from, isUtc, now);
  const until = to === undefined ? undefined : timeOf('--to', to, isUtc, now);
  if (since !== undefined && until !== undefined && since >= until)
    throw usageError('--from is not before --to, so no lead is between them.');
  const named = {
    state,
    campaign_id: campaign,
    minScore,
    intent,
    owner,
    from: since,
    to: until,
    q: search,
    // What the API does by itself.
    sort: sort === 'newest' ? undefined : sort,
  };
  const given = Object.entries(named).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return Object.fromEntries(given);
}

function readScore(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100) throw new InvalidArgumentError('It must be a whole number from 0 to 100.');
  return Number(text);
}

const AGO = /^(\d{1,6})\s*(m|min|h|d|w)$/i;
const UNIT_MS: Record<string, number> = { m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(Z|[+-]\d{2}:\d{2})?$/;

function timeOf(option: string, text: string, isUtc: boolean, now: number): string {
  const ago = AGO.exec(text);
  if (ago) return new Date(now - Number(ago[1]) * UNIT_MS[ago[2]!.toLowerCase()]!).toISOString();
  const parts = TIME.exec(text);
  // Without a zone, Date reads a time with a T in the zone of the machine.
  const date = parts && new Date(`${parts[1]}T${parts[2] ?? '00:00'}${parts[3] ?? (isUtc ? 'Z' : '')}`);
  // The 31st of a short month would become the 1st of the next one.
  const isDay = parts && !Number.isNaN(Date.parse(parts[1]!)) && new Date(parts[1]!).toISOString().startsWith(parts[1]!);
  if (!date || !isDay || Number.isNaN(date.getTime()))
    throw usageError(`${option} ${text} is not a time. Use e.g. 2026-11-27, 2026-11-27T09:30, 2026-11-27T09:30+01:00 or 2h.`);
  return date.toISOString();
}
