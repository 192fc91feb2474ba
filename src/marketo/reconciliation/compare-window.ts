import type { LeadInput } from '../../domain/lead.js';
import type { MarketoCallsRepository, WebhookCall } from '../../ledger/marketo-calls.repository.js';
import type { MarketoIdentitiesRepository } from '../../ledger/marketo-identities.repository.js';
import type { MarketoRunsRepository, ReconciliationRun } from '../../ledger/marketo-runs.repository.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { MarketoApi } from '../client/marketo-api.js';
import type { FieldMap } from '../field-map.js';
import type { RepairOutcome } from './accept-repair.js';
import { CampaignIds } from './campaign-ids.js';
import { compareCalls } from './compare-calls.js';
import { TOLERANCE_MS } from './match-calls.js';

export interface CompareWindowTools {
  api: Pick<MarketoApi, 'findPeople'>;
  runs: MarketoRunsRepository;
  calls: MarketoCallsRepository;
  identities: Pick<MarketoIdentitiesRepository, 'oweKnown'>;
  fieldMap: FieldMap;
  accept(input: LeadInput, call: WebhookCall): Promise<RepairOutcome>;
  /** MARKETO_REPAIR_LIMIT */
  repairLimit: number;
  /** Calls younger than this may still be under way, in milliseconds. */
  graceMs: number;
  now: () => number;
  logger: Logger;
  /** Before each slice. @returns false where a pause or another process ends the work for now. */
  mayGoOn(): Promise<boolean>;
}

/** Calls that are compared at a time, and how much time they span: the commits around them are read with them. */
const SLICE = 2000;
const SPAN_MS = 3_600_000;
/** An extract also has calls that Marketo has logged a day late. */
const LATE_MS = 86_400_000;
const MISSING_KEPT_MS = 7 * 86_400_000;

/**
 * Compares the calls of a window, which are stored, with the ledger, and ends the run.
 * @returns false where the run is to be continued later.
 */
export async function compareWindow(tools: CompareWindowTools, run: ReconciliationRun, signal?: AbortSignal): Promise<boolean> {
  const { runs, identities, logger } = tools;
  const repaired = await compareAll(tools, run, signal);
  if (repaired === null) return false;
  const counts = await countsOf(tools, run);
  await identities.oweKnown();
  await runs.finish(run, counts, repaired);
  const missing = counts['missing'] ?? 0;
  const line = { from: run.fromAt, to: run.toAt, mode: run.mode, source: run.source, counts };
  if (missing > 0) logger.warn(line, 'Marketo called the webhook, and leads are missing: npx revenueflow marketo status');
  else logger.debug(line, 'The webhook calls of a window were compared with the ledger');
  return true;
}

/** Calls before this are compared. */
const endOf = ({ graceMs, now }: CompareWindowTools, { toAt }: ReconciliationRun) =>
  new Date(Math.min(toAt.getTime(), now() - graceMs));

/** Calls by class, and leads whose call the log does not have; both ends of a window are left to its neighbours. */
async function countsOf(tools: CompareWindowTools, run: ReconciliationRun): Promise<Record<string, number>> {
  const { calls } = tools;
  const to = endOf(tools, run).getTime() - TOLERANCE_MS;
  let unlogged = 0;
  for (let from = run.fromAt.getTime() + TOLERANCE_MS; from < to; from += SPAN_MS) {
    unlogged += await calls.countUnlogged(new Date(from), new Date(Math.min(from + SPAN_MS, to)));
  }
  return { ...(await calls.countClasses(run.fromAt, run.toAt)), ...(unlogged > 0 ? { unlogged } : {}) };
}

/** @returns how many leads were taken in; null where it is to be continued later. */
async function compareAll(tools: CompareWindowTools, run: ReconciliationRun, signal?: AbortSignal): Promise<number | null> {
  const { api, calls, fieldMap, accept, repairLimit, now, mayGoOn } = tools;
  const campaigns = new CampaignIds(fieldMap.webhook.campaigns, await calls.campaigns());
  const room = { left: repairLimit };
  const comparing = { api, calls, fieldMap, accept: run.mode === 'repair' ? accept : null, room };
  const begin = new Date(run.fromAt.getTime() - (run.source === 'extract' ? LATE_MS : 0));
  const to = endOf(tools, run);
  await calls.settleArrived();
  let repaired = 0;
  for (const which of run.mode === 'repair' ? (['new', 'missing'] as const) : (['new'] as const)) {
    // By schedule, calls that an earlier run has found missing are repaired too.
    const from = which === 'new' || run.requestedBy !== null ? begin : new Date(now() - MISSING_KEPT_MS);
    let slice = await calls.open(which, from, to, null, SLICE);
    while (slice.length > 0) {
      if (!(await mayGoOn())) return null;
      const end = slice[0]!.at.getTime() + SPAN_MS;
      const near = slice.filter(({ at }) => at.getTime() <= end);
      repaired += await compareCalls(comparing, near, campaigns, signal);
      slice = await calls.open(which, from, to, near.at(-1)!, SLICE);
    }
  }
  return repaired;
}
