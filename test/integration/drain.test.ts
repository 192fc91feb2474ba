import { afterEach, describe, expect, it } from 'vitest';
import { newJobId } from '../../src/domain/lead-jobs.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld, type PipelineWorld } from '../support/pipeline-world.js';
import { salesforceWorld } from '../support/salesforce-world.js';

const LEADS = 600;
/** A batch of 200 leads takes three calls. The first batches are smaller, and a busy machine fetches slowly. */
const LEADS_PER_CALL = 10;
const AN_HOUR_MS = 3_600_000;

describe.each(BACKENDS)('the drain of a backlog, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('shares calls', () => {
    let world: PipelineWorld;
    let org: Awaited<ReturnType<typeof salesforceWorld>>;
    afterEach(async () => {
      await world.close();
      await org.close();
    });

    it.each([
      ['late', AN_HOUR_MS],
      ['fresh', 0],
    ])('%s leads with a job each', async (_, ageMs) => {
      org = await salesforceWorld({ latencyMs: 20 });
      org.fake.addCampaign({ Name: 'Launch', RF_Campaign_Key__c: 'c' });
      const crm = await org.open();
      world = await pipelineWorld({
        kind,
        crm: (sync, signal) => crm.sync(sync, signal),
        expectMore: (more) => crm.expectMore!(more),
      });
      const { store } = await world.startWorker();
      await store.pause('crm-sync', 'test');
      await world.accept(LEADS);
      await eventually(async () => expect(await world.states()).toEqual({ enriched: LEADS }));
      const queue = world.backend.queue('crm-sync');
      const { rows } = await world.pool.query<{ id: string; epoch: number; job: string }>(
        'SELECT id, epoch, job_id AS job FROM ledger.leads',
      );
      await queue.forget(rows.map(({ id, job }) => ({ leadId: id, jobId: job })));
      const since = Date.now() - ageMs;
      await queue.enqueue(rows.map(({ id, epoch }) => ({ leadId: id, epoch: Number(epoch), jobId: newJobId(), since })));
      const before = org.fake.apiCalls();
      await store.resume('crm-sync', 'test');
      await eventually(async () => expect(await world.states()).toEqual({ synced: LEADS }));
      const calls = org.fake.apiCalls() - before;
      expect(org.fake.leads()).toHaveLength(LEADS);
      expect(calls).toBeLessThan(LEADS / LEADS_PER_CALL);
    });
  });
});
