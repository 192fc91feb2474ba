import { afterEach, describe, expect, it } from 'vitest';
import type { CrmSync } from '../../src/crm/port.js';
import { AppError } from '../../src/domain/app-error.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld, type PipelineWorld } from '../support/pipeline-world.js';

const OK = { provider: 'test', leadId: 'l', memberId: 'm' };

describe.each(BACKENDS)('jobs of many leads, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('bring each lead forward by itself', () => {
    let world: PipelineWorld;
    afterEach(() => world.close());

    const rowsOf = async (state: string) => {
      const text = 'SELECT email, epoch, job_id FROM ledger.leads WHERE state = $1 ORDER BY email';
      return (await world.pool.query<{ email: string; epoch: number; job_id: string }>(text, [state])).rows;
    };

    it('a lead that fails comes back in a later job, while a slow lead keeps theirs open', async () => {
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      let failures = 0;
      world = await pipelineWorld({
        kind,
        crm: async ({ projection }: CrmSync) => {
          if (projection.lead.email === 'p0@acme.com') await held;
          if (projection.lead.email === 'p1@acme.com' && ++failures < 3) throw new AppError('CRM_RECORD_BUSY', 'busy');
          return OK;
        },
      });
      await world.accept(5);
      const [first] = await rowsOf('received');
      expect(new Set((await rowsOf('received')).map((row) => row.job_id))).toEqual(new Set([first!.job_id]));
      await world.startWorker();
      await eventually(async () => expect(await world.states()).toEqual({ enriched: 1, synced: 4 }));
      const failed = (await rowsOf('synced')).find(({ email }) => email === 'p1@acme.com')!;
      expect(failed.epoch).toBe(3);
      release();
      await eventually(async () => expect(await world.states()).toEqual({ synced: 5 }));
      expect(failures).toBe(3);
    });

    it('leads of an upgrade, whose jobs are those of an earlier version, run once', async () => {
      const calls: string[] = [];
      world = await pipelineWorld({
        kind,
        crm: async ({ projection }: CrmSync) => {
          calls.push(projection.lead.email);
          return OK;
        },
      });
      const ids = await world.accept(10, undefined, { publish: false });
      await world.pool.query('UPDATE ledger.leads SET job_id = NULL');
      const [enrichment] = world.backend.bullQueues();
      // Eight jobs wait, and two were lost with the queue.
      for (const leadId of ids.slice(0, 8)) {
        await enrichment!.add('bring-forward', { leadId, epoch: 1 }, { jobId: `${leadId}.1` });
      }
      await world.pool.query("UPDATE ledger.leads SET touched_at = now() - interval '1 hour'");
      expect(await world.sweeper.sweep()).toBe(2);
      await world.startWorker();
      await eventually(async () => expect(await world.states()).toEqual({ synced: 10 }));
      await eventually(async () => {
        for (const stage of ['enrichment', 'crm-sync'] as const) {
          expect(await world.backend.queue(stage).counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
        }
      });
      expect(calls.toSorted()).toEqual(Array.from({ length: 10 }, (_, index) => `p${index}@acme.com`));
      const { rows } = await world.pool.query("SELECT count(*)::int AS n FROM ledger.events WHERE kind = 'enriched'");
      expect(rows).toEqual([{ n: 10 }]);
    });
  });
});
