import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/app-error.js';
import type { CrmSync } from '../../src/crm/port.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld, type PipelineWorld, type WorldOptions } from '../support/pipeline-world.js';

const OK = { provider: 'test', leadId: 'l', memberId: 'm' };

describe.each(BACKENDS)('the breaker of the CRM, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('protects CRM and leads', () => {
    let world: PipelineWorld;
    afterEach(() => world.close());
    const open = async (options: Omit<WorldOptions, 'kind'>) => (world = await pipelineWorld({ kind, ...options }));

    it('rides out an outage: few probes, no dead letter, no attempt lost, everything drained', async () => {
      let up = false;
      const calls: { at: number; up: boolean }[] = [];
      await open({
        crm: async () => {
          calls.push({ at: Date.now(), up });
          if (!up) throw new AppError('CRM_UNAVAILABLE', 'down');
          return OK;
        },
        env: { CRM_CONCURRENCY: '20' },
      });
      const first = await world.startWorker('worker-1');
      const second = await world.startWorker('worker-2');
      await world.accept(150);
      // The outage lasts until the wait between two probes has doubled several times.
      const { flow, store } = first;
      await eventually(async () =>
        expect((await store.stages()).find((row) => row.stage === 'crm-sync')!.trips).toBeGreaterThan(4),
      );
      await eventually(() => {
        expect(flow.breakers['crm-sync'].isOpen).toBe(true);
        expect(second.flow.breakers['crm-sync'].isOpen).toBe(true);
      });
      const attempts = () => world.pool.query('SELECT 1 FROM ledger.leads WHERE crm_sync_attempts > 0');
      await eventually(async () => expect((await attempts()).rowCount).toBe(0));
      await eventually(async () => expect(await world.states()).toEqual({ enriched: 150 }));
      const before = calls.length;
      up = true;
      await eventually(async () => expect(await world.states()).toEqual({ synced: 150 }));
      // Calls in flight when the breaker opened, then one call per probe.
      expect(before).toBeLessThan(80);
      expect((await store.stages()).every(({ breaker }) => breaker === 'closed' || breaker === 'recovering')).toBe(true);
    });

    it('dead-letters a lead that always breaks a CRM which works for all others', async () => {
      let poison = '';
      await open({
        crm: async ({ projection }: CrmSync) => {
          if (projection.lead.email === 'p0@acme.com') throw new AppError('CRM_UNAVAILABLE', 'broken by this one');
          return OK;
        },
      });
      await world.startWorker();
      [poison = ''] = await world.accept(1);
      // Other leads succeed, so the CRM counts as up.
      let next = 1;
      await eventually(async () => {
        const email = `q${next++}@acme.com`;
        const { leadIdOf, personKeyOf } = await import('../../src/domain/lead-keys.js');
        const id = leadIdOf(email, 'c');
        const lead = { id, personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'c', name: null, attributes: {} };
        const { epoch, jobId } = await world.ledger.intake.accept(lead);
        world.publisher.publish('enrichment', { leadId: id, epoch, jobId });
        expect((await world.ledger.leads.findLead(poison))!.lead.state).toBe('dead');
      });
      const { lead } = (await world.ledger.leads.findLead(poison))!;
      expect(lead.attempts['crm-sync']).toBe(5);
      expect(lead.lastError).toMatchObject({ code: 'CRM_UNAVAILABLE', class: 'dependency-down', stage: 'crm-sync' });
    });

    it('tells a wrong setting of the CRM from bad records: none is dead-lettered, the breaker has the reason', async () => {
      let required = true;
      await open({
        crm: async () => {
          if (required) {
            throw new AppError('CRM_RECORD_REJECTED', 'a field is missing', { signature: 'REQUIRED_FIELD_MISSING:Industry' });
          }
          return OK;
        },
        env: { CRM_CONCURRENCY: '5' },
      });
      const { store } = await world.startWorker();
      await world.accept(30);
      await eventually(async () => {
        const row = (await store.stages()).find(({ stage }) => stage === 'crm-sync')!;
        expect(row).toMatchObject({ reason: 'configuration', code: 'CRM_RECORD_REJECTED' });
        expect(row.trips).toBeGreaterThan(1);
        expect(await world.states()).toEqual({ enriched: 30 });
      });
      required = false;
      // Leads that had been dead-lettered return with their attempts after their wait.
      await world.pool.query(`UPDATE ledger.leads SET next_attempt_at = now(), touched_at = now() - interval '1 hour'`);
      await eventually(async () => {
        await world.sweeper.sweep();
        expect(await world.states()).toEqual({ synced: 30 });
      });
    });

    it('dead-letters a bad record, and only that one, where others succeed', async () => {
      await open({
        crm: async ({ projection }: CrmSync) => {
          if (projection.lead.email.startsWith('p3'))
            throw new AppError('CRM_RECORD_REJECTED', 'no', { signature: 'STRING_TOO_LONG' });
          return OK;
        },
      });
      await world.startWorker();
      await world.accept(10);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 9, dead: 1 }));
    });

    it('waits as long as the CRM asks, and burns no attempt', async () => {
      let limited = true;
      let calls = 0;
      await open({
        crm: async () => {
          calls++;
          if (limited) throw new AppError('CRM_RATE_LIMITED', 'later', { retryAfterMs: 1500 });
          return OK;
        },
        env: { CRM_CONCURRENCY: '1' },
      });
      const { store } = await world.startWorker();
      await world.accept(5);
      const row = async () => (await store.stages()).find(({ stage }) => stage === 'crm-sync')!;
      await eventually(async () => expect(await row()).toMatchObject({ breaker: 'open', reason: 'rate-limited' }));
      const { probeAt, openedAt, rateShare } = await row();
      expect(probeAt!.getTime() - openedAt!.getTime()).toBeGreaterThan(1400);
      expect(rateShare).toBeLessThan(0.6);
      limited = false;
      const asked = calls;
      await eventually(async () => expect(await world.states()).toEqual({ synced: 5 }));
      expect(asked).toBeLessThanOrEqual(2);
      const { rowCount } = await world.pool.query('SELECT 1 FROM ledger.events WHERE kind = $1', ['attempt-failed']);
      expect(rowCount).toBe(0);
    });

    it('stays open when its workers are replaced', async () => {
      await open({
        crm: async () => {
          throw new AppError('CRM_MISCONFIGURED', 'wrong key');
        },
        env: { RETRY_BASE_MS: '30000' },
      });
      const { workers } = await world.startWorker('old');
      await world.accept(3);
      await eventually(async () => expect(await world.states()).toEqual({ enriched: 3 }));
      await eventually(async () => {
        const { rows } = await world.pool.query(`SELECT 1 FROM flow.stages WHERE breaker = 'open' AND reason = 'configuration'`);
        expect(rows).toHaveLength(1);
      });
      await workers.stop();
      const { flow } = await world.startWorker('new');
      expect(flow.breakers['crm-sync'].isOpen).toBe(true);
      expect(flow.permitted('crm-sync')).toBe(0);
    });
  });
});
