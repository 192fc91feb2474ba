import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from './http-client.js';
import type { Summary } from './format-lead.js';
import { withQuery, type ItemPage } from './paging.js';
import type { Session } from './session.js';

/** What is looked at each time, and remembered between two times. */
const WINDOW = 200;
const LONGEST_WAIT_MS = 30_000;

export interface Change {
  /** The state before; null for a lead that is new. */
  from: string | null;
  lead: Summary;
}

type Seen = ReadonlyMap<string, { state: string; revision: number; fitScore: number | null }>;

/**
 * Follows the newest leads until Ctrl-C: one line, or one JSON object, per new lead, new revision and change of state.
 * While the service does not answer it asks less and less often, at least every 30 s.
 */
export async function watchLeads(
  session: Session,
  filter: { state?: string; campaign?: string },
  intervalMs: number,
): Promise<void> {
  const { client, output } = session;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const path = withQuery('/ops/leads', { state: filter.state, campaign_id: filter.campaign, limit: WINDOW });
  let seen: Seen | null = null;
  let waitMs = intervalMs;
  while (!stop.signal.aborted) {
    try {
      const { items } = await client.get<ItemPage<Summary>>(path);
      if (seen === null) output.note(`Following leads. ${items.length} of the newest are known. Ctrl-C ends it.`);
      else for (const change of changesSince(seen, items)) await printChange(session, change);
      if (seen !== null && items.length === WINDOW && items.every(({ id }) => !seen!.has(id))) {
        output.note(`More than ${WINDOW} leads came since the last look: the oldest of them are not shown.`);
      }
      seen = seenIn(items);
      waitMs = intervalMs;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.exitCode !== 5) throw error;
      if (waitMs === intervalMs) output.note(`${error.message} Trying again.`);
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
    }
    await sleep(waitMs, undefined, { signal: stop.signal }).catch(() => {});
  }
}

/** Oldest first. */
export function changesSince(seen: Seen, leads: Summary[]): Change[] {
  return leads.toReversed().flatMap((lead) => {
    const before = seen.get(lead.id);
    const isSame = before?.state === lead.state && before.revision === lead.revision && before.fitScore === lead.fitScore;
    return isSame ? [] : [{ from: before?.state ?? null, lead }];
  });
}

export function seenIn(leads: Summary[]): Seen {
  return new Map(leads.map(({ id, state, revision, fitScore }) => [id, { state, revision, fitScore }]));
}

async function printChange({ output, times }: Session, { from, lead }: Change): Promise<void> {
  if (output.isQuiet) return output.write(`${lead.id}\n`);
  if (!output.isText) return output.write(`${JSON.stringify({ from, ...lead })}\n`);
  const now = new Date();
  const state = from !== null && from !== lead.state ? `${from} → ${lead.state}` : lead.state;
  const score = lead.fitScore === null ? '' : `  fit ${lead.fitScore}, intent ${lead.intent}`;
  const revision = lead.revision === 1 ? '' : `  revision ${lead.revision}`;
  const error = lead.state === 'dead' && lead.lastError ? `  ${lead.lastError.code}` : '';
  const who = `${lead.name ?? '(no name)'} <${lead.email}>`;
  await output.line(
    `${times.clock(now).slice(0, 8)} ${times.zone(now)}  ${lead.id.slice(0, 8)}  ${state}  ${who}  campaign ${lead.campaignId}${revision}${score}${error}`,
  );
}
