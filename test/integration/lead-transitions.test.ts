import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Enrichment } from '../../src/domain/enrichment.js';
import type { LeadError } from '../../src/domain/lead.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import {
  LEAD_CHANGES,
  LEAD_STATES,
  stateAfter,
  type LeadChange,
  type LeadState,
  type Stage,
} from '../../src/domain/lead-state.js';
import type { LeadClaimedForRescore } from '../../src/ledger/rescore.repository.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
let ledger: LedgerRepositories;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 5, timeoutMs: 5000, name: 'test' });
  ledger = ledgerOn(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const email = 'ann@acme.com';
const id = leadIdOf(email, 'c');
const personKey = personKeyOf(email);
const content = { id, personKey, email, emailRaw: email, campaignId: 'c', name: 'Ann', attributes: { title: 'CEO' } };
const enrichment = { fitScore: 80, intent: 'high', scoreSource: 'heuristic', needsRescore: false } as Enrichment;
const crm = { provider: 'test', leadId: '00Q1', memberId: '00v1' };
const errorIn = (stage: Stage): LeadError => ({
  stage,
  code: 'CRM_RECORD_REJECTED',
  class: 'permanent',
  message: 'm',
  at: new Date().toISOString(),
  signature: 'S',
});
const stageOf = (change: LeadChange): Stage => (change === 'replay-enrichment' ? 'enrichment' : 'crm-sync');

/** A lead in the given state, with the row as its last change left it, and the failure of a dead letter. */
async function leadIn(state: LeadState, diedIn: Stage): Promise<string> {
  await pool.query('TRUNCATE ledger.leads, ledger.events, ledger.erasures CASCADE');
  const scored = state === 'enriched' || state === 'synced' || (state === 'dead' && diedIn === 'crm-sync');
  const { rows } = await pool.query<{ fence: string }>(
    `WITH lead AS (
       INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, attributes, state, enrichment, crm, last_error, died_at,
         received_at, content_at, event_seq)
       VALUES ($1, decode($2, 'hex'), $3, $3, 'c', '{}', $4, $5, $6, $7, CASE WHEN $4 = 'dead' THEN now() END, now(), now(), 2)
       RETURNING id, fence
     ), events AS (
       INSERT INTO ledger.events (lead_id, seq, kind, detail)
       VALUES ($1, 1, 'received', '{}'), ($1, 2, 'dead-lettered', $7::jsonb || '{"revision": 1}')
     ) SELECT fence FROM lead`,
    [
      id,
      personKey,
      email,
      state,
      scored ? JSON.stringify(enrichment) : null,
      state === 'synced' ? JSON.stringify(crm) : null,
      JSON.stringify(errorIn(diedIn)),
    ],
  );
  return rows[0]!.fence;
}

const run = (fence: string) => ({ id, fence, contentAt: new Date(), lowPriority: false });

type Act = (fence: string) => Promise<unknown>;

/** All statements that change a lead, grouped by the change. */
const STATEMENTS: Record<LeadChange, Record<string, Act>> = {
  enrich: { checkpoint: (fence) => ledger.results.checkpoint(run(fence), enrichment) },
  sync: { markSynced: (fence) => ledger.results.markSynced({ id, fence }, crm) },
  rescore: {
    checkpointRescore: (fence) =>
      ledger.rescores.checkpointRescore({ ...content, fence, enrichment } as unknown as LeadClaimedForRescore, enrichment),
    markCrmUpdated: (fence) => ledger.rescores.markCrmUpdated({ id, fence }, crm),
    recordRescoreFailure: (fence) => ledger.rescores.recordRescoreFailure({ id, fence }, errorIn('enrichment'), null),
  },
  fail: {
    recordFailure: (fence) => ledger.results.recordFailure(run(fence), errorIn('crm-sync'), new Date()),
    recordRetry: (fence) => ledger.results.recordRetry(run(fence), errorIn('crm-sync'), new Date()),
  },
  'give-up': { recordFailure: (fence) => ledger.results.recordFailure(run(fence), errorIn('crm-sync'), null) },
  'replay-enrichment': replays('enrichment'),
  'replay-crm-sync': replays('crm-sync'),
  edit: { editDeadLetter: () => ledger.deadLetters.editDeadLetter({ ...content, by: 'ann' }) },
  discard: { discardDeadLetter: () => ledger.deadLetters.discardDeadLetter({ id, reason: 'r', by: 'ann' }) },
  resync: { recordForgotten: () => ledger.erasures.recordForgotten({ id, personKey, failures: 0 }, 1) },
  revise: {
    accept: () => ledger.intake.accept(content),
    acceptSpooled: () =>
      ledger.intake.acceptSpooled([{ ...content, receivedAt: new Date(Date.now() + 1000).toISOString(), entry: '1-0' }]),
  },
};

function replays(stage: Stage): Record<string, Act> {
  return {
    replayDeadLetters: () => ledger.deadLetters.replayDeadLetters({ id, limit: 1, perSecond: null, by: 'ann' }),
    refundAttempts: () => ledger.results.refundAttempts({ stage, since: null, signature: 'S' }),
  };
}

async function stateAndEvents() {
  const { lead, events } = (await ledger.leads.findLead(id))!;
  return { state: lead.state, events: events.length, seqs: events.map(({ seq }) => seq) };
}

const cases = LEAD_CHANGES.flatMap((change) =>
  Object.keys(STATEMENTS[change]).flatMap((statement) =>
    LEAD_STATES.map((state) => [statement, change, state, stateAfter(state, change)] as const),
  ),
);

describe('the SQL makes the transitions of the state diagram and no others', () => {
  it.each(cases)('%s (%s) from %s: %s', async (statement, change, state, after) => {
    const fence = await leadIn(state, stageOf(change));
    // A write to a lead in another state is refused, like a write of an outdated run.
    await STATEMENTS[change][statement]!(fence).catch((error: { code: string }) => expect(error.code).toBe('STALE_RUN'));
    const found = await stateAndEvents();
    expect(found).toEqual({
      state: after ?? state,
      events: after === null ? 2 : 3,
      seqs: after === null ? [1, 2] : [1, 2, 3],
    });
  });
});
