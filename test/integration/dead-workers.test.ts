import { afterEach, describe, expect, it } from 'vitest';
import type { CrmSync } from '../../src/crm/port.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld, type PipelineWorld } from '../support/pipeline-world.js';

const OK = { provider: 'test', leadId: 'l', memberId: 'm' };

/** Other workers see a crash only by the missing heartbeat. The locks in the queue last for LEASE_MS, here a minute. */
describe.each(BACKENDS)('the leads of a dead worker, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('go on at once', () => {
    let world: PipelineWorld;
    afterEach(() => world.close());

    async function workerThatStops({ leads, callsBefore }: { leads: number; callsBefore: number }) {
      const calls: { lead: string; go(): void }[] = [];
      let frozen = true;
      world = await pipelineWorld({
        kind,
        crm: async ({ projection }: CrmSync) => {
          const lead = projection.lead.email;
          if (!frozen) return OK;
          await new Promise<void>((go) => calls.push({ lead, go }));
          return { ...OK, leadId: 'late' };
        },
        env: { LEASE_MS: '60000', CRM_CONCURRENCY: '40' },
      });
      const first = await world.startWorker('first');
      await world.accept(leads);
      await eventually(() => expect(calls.length).toBeGreaterThanOrEqual(callsBefore));
      await first.flow.stop();
      frozen = false;
      const seenAgo = (seconds: number) =>
        world.pool.query(
          `INSERT INTO flow.workers (worker, seen_at) VALUES ('first', now() - make_interval(secs => $1))
           ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at`,
          [seconds],
        );
      return { calls, seenAgo };
    }

    it('whether it had claimed or only fetched them, and it writes nothing when it wakes up', async () => {
      const { calls, seenAgo } = await workerThatStops({ leads: 30, callsBefore: 6 });
      await seenAgo(10);
      await world.startWorker('second');
      await eventually(async () => expect(await world.states()).toEqual({ synced: 30 }));
      for (const { go } of calls) go();
      await world.publisher.idle();
      const { rows } = await world.pool.query(
        `SELECT count(*)::int AS synced, count(*) FILTER (WHERE detail->>'leadId' = 'late')::int AS late FROM ledger.events WHERE kind = 'synced'`,
      );
      expect(rows).toEqual([{ synced: 30, late: 0 }]);
      const { rowCount } = await world.pool.query("SELECT 1 FROM flow.workers WHERE worker = 'first'");
      expect(rowCount).toBe(0);
    });

    it('but not those of a slow worker, nor after an outage of PostgreSQL, in which all heartbeats stop', async () => {
      // All leads are claimed by the first worker, so that none is left for the second in the queue.
      const { seenAgo } = await workerThatStops({ leads: 10, callsBefore: 10 });
      const { store } = await world.startWorker('second');
      await world.pool.query("UPDATE flow.workers SET steady_since = now() - interval '1 hour' WHERE worker = 'second'");
      await seenAgo(3);
      expect(await store.takeDeadWorkers()).toEqual([]);
      // First this, since the second worker looks for dead workers too. It is not steady, however slow this test is.
      await world.pool.query("UPDATE flow.workers SET steady_since = now() + interval '1 hour' WHERE worker = 'second'");
      await seenAgo(10);
      expect(await store.takeDeadWorkers()).toEqual([]);
      await world.pool.query("UPDATE flow.workers SET seen_at = now() - interval '5.5 seconds' WHERE worker = 'second'");
      await eventually(async () => {
        const { rows } = await world.pool.query<{ steady: boolean }>(
          "SELECT steady_since < clock_timestamp() AS steady FROM flow.workers WHERE worker = 'second'",
        );
        expect(rows[0]!.steady).toBe(true);
      });
      expect(await store.takeDeadWorkers()).toEqual([]);
      expect((await world.states())['synced'] ?? 0).toBe(0);
    });
  });
});
