import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LeadError } from '../../src/domain/lead.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ledgerOn } from '../support/ledger.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
/** The pools of two worker processes. */
let pools: Pool[];

beforeAll(async () => {
  database = await freshDatabase();
  pools = ['a', 'b'].map((name) => openPool({ url: database.url, max: 3, timeoutMs: 5000, name }));
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});
beforeEach(() => pools[0]!.query('TRUNCATE ledger.leads, ledger.events CASCADE'));

const error = (cause: Partial<LeadError>): LeadError => ({
  stage: 'enrichment',
  code: 'X',
  class: 'transient',
  message: 'm',
  at: new Date().toISOString(),
  ...cause,
});
const ownFault = error({});
const outage = error({ class: 'dependency-down' });

/** A lead with these failures, in this order. `dead`: the last failure made it a dead letter. */
async function failed(email: string, failures: LeadError[], dead = false): Promise<string> {
  const ledger = ledgerOn(pools[0]!);
  const key = { id: leadIdOf(email, 'c'), personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'c' };
  const { leadId, epoch } = await ledger.intake.accept({ ...key, name: null, attributes: {} });
  for (const [index, failure] of failures.entries()) {
    const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
    await ledger.results.recordFailure(claim, failure, dead && index === failures.length - 1 ? null : new Date());
  }
  return leadId;
}

async function after(id: string) {
  const { lead, events } = (await ledgerOn(pools[0]!).leads.findLead(id))!;
  const returned = events.filter(({ kind }) => kind === 'attempts-returned').map(({ detail }) => detail['attempts']);
  return { attempts: lead.attempts.enrichment, state: lead.state, returned };
}

describe('the attempts that an outage cost', () => {
  it('are returned once, though two workers that see the breaker open run at the same time', async () => {
    const ids = [
      await failed('a@acme.com', [ownFault, ownFault, ownFault, outage]),
      await failed('b@acme.com', [outage, outage]),
    ];
    const holder = await pools[0]!.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM ledger.leads FOR UPDATE');
    const refunds = pools.map((pool) =>
      ledgerOn(pool).results.refundAttempts({ stage: 'enrichment', since: null, signature: null }),
    );
    await eventually(async () => {
      const { rows } = await pools[1]!.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      );
      expect(rows).toEqual([{ n: 2 }]);
    });
    await holder.query('COMMIT');
    holder.release();
    expect((await Promise.all(refunds)).toSorted()).toEqual([0, 2]);
    expect(await Promise.all(ids.map(after))).toEqual([
      { attempts: 3, state: 'received', returned: [1] },
      { attempts: 0, state: 'received', returned: [2] },
    ]);
  });

  it('of the next outage are returned too', async () => {
    const id = await failed('a@acme.com', [outage]);
    const refund = () => ledgerOn(pools[0]!).results.refundAttempts({ stage: 'enrichment', since: null, signature: null });
    expect([await refund(), await refund()]).toEqual([1, 0]);
    const ledger = ledgerOn(pools[0]!);
    const claim = (await ledger.claims.claimForEnrichment({ leadId: id, epoch: 1 }))!;
    await ledger.results.recordFailure(claim, outage, new Date());
    expect(await refund()).toBe(1);
    expect(await after(id)).toEqual({ attempts: 0, state: 'received', returned: [1, 1] });
  });

  it('reopen dead letters of one signature, once', async () => {
    const setting = error({ class: 'permanent', signature: 'S' });
    const id = await failed('a@acme.com', [setting], true);
    const other = await failed('b@acme.com', [error({ class: 'permanent', signature: 'T' })], true);
    const refunds = pools.map((pool) =>
      ledgerOn(pool).results.refundAttempts({ stage: 'enrichment', since: null, signature: 'S' }),
    );
    expect((await Promise.all(refunds)).toSorted()).toEqual([0, 1]);
    expect(await after(id)).toEqual({ attempts: 0, state: 'received', returned: [1] });
    expect(await after(other)).toEqual({ attempts: 1, state: 'dead', returned: [] });
  });
});
