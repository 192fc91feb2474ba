import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { FlowControlRepository } from '../../src/flow-control/flow-control.repository.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import type { QueueBackend } from '../../src/queue/queue-backend.js';
import { openPool } from '../../src/platform/database/pool.js';
import { openQueueBackend } from '../../src/queue/queue.module.js';
import { Sweeper } from '../../src/pipeline/sweeper.js';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import type { AcceptedLead } from '../../src/ledger/intake.repository.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';
import { BACKENDS, FULL } from '../support/full.js';

const config = loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
const logger = pino({ level: 'silent' });

function sweeperOf(ledger: LedgerRepositories, backend: QueueBackend, intervalMs: number): Sweeper {
  const { leaderLock, openLeads, retention, database } = ledger;
  const settings = { SWEEP_INTERVAL_MS: intervalMs, RETENTION_DAYS: undefined };
  const flow = new FlowControlRepository(database, 'test');
  return new Sweeper(leaderLock, openLeads, retention, flow, backend, settings, createMetrics(), logger);
}

describe.each(BACKENDS)('the sweeper, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('finds what was forgotten', () => {
    const undo: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const step of undo.splice(0).toReversed()) await step();
    });

    async function world(leads: number) {
      const database = await freshDatabase();
      undo.push(() => database.drop());
      const redis = kind === 'redis' ? await freshRedis() : null;
      const pool = openPool({ url: database.url, max: 5, timeoutMs: 60_000, name: 'test' });
      undo.push(() => pool.end());
      const ledger = ledgerOn(pool);
      const backend = await openQueueBackend(config, { databaseUrl: database.url, redisUrl: redis?.url ?? null }, logger);
      undo.push(() => backend.close());
      const accepted = await Promise.all(
        Array.from({ length: leads }, (_, index) => {
          const email = `p${index}@acme.com`;
          const id = leadIdOf(email, 'c');
          return ledger.intake.accept({
            id,
            personKey: personKeyOf(email),
            email,
            emailRaw: email,
            campaignId: 'c',
            name: null,
            attributes: {},
          });
        }),
      );
      // Interval 0: every lead counts as unchanged for long enough.
      const sweeper = sweeperOf(ledger, backend, 0);
      const wipe = () => redis?.flush() ?? pool.query('DELETE FROM bullmq.job');
      return { ledger, backend, pool, accepted, sweeper, wipe, queue: backend.queue('enrichment') };
    }

    it('enqueues leads that were never announced, once', async () => {
      const { sweeper, queue } = await world(2500);
      expect(await sweeper.sweep()).toBe(2500);
      // A page of the sweep has a thousand leads, and a job a hundred.
      expect((await queue.counts()).waiting).toBe(25);
      expect(await sweeper.sweep()).toBe(0);
    });

    it('never doubles a backlog that merely waits', async () => {
      const { sweeper, queue, accepted } = await world(500);
      await queue.enqueue(accepted);
      const jobs = new Set(accepted.map(({ jobId }) => jobId)).size;
      expect(jobs).toBeLessThan(50);
      for (let round = 0; round < 3; round++) expect(await sweeper.sweep()).toBe(0);
      expect((await queue.counts()).waiting).toBe(jobs);
    });

    it('replaces the later job of a failed lead whose worker crashed before it was added, and keeps its due time', async () => {
      const { sweeper, backend, queue, accepted, ledger } = await world(1);
      await queue.enqueue(accepted);
      const [{ leadId, epoch }] = accepted as [AcceptedLead];
      const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
      const at = new Date();
      const error = {
        stage: 'enrichment',
        code: 'AI_UNAVAILABLE',
        class: 'transient',
        message: '',
        at: at.toISOString(),
      } as const;
      const dueAt = new Date(at.getTime() + 3_600_000);
      await ledger.results.recordRetry(claim, error, dueAt);
      expect(await sweeper.sweep()).toBe(1);
      expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 }); // the job of before waits, outdated
      const [later] = await backend.bullQueues()[0]!.getJobs(['delayed']);
      expect(later!.timestamp + later!.delay).toBe(dueAt.getTime());
      expect(await sweeper.sweep()).toBe(0);
    });

    it('leaves a lead that has a job of an earlier version, and replaces such a job where it is lost', async () => {
      const { sweeper, backend, queue, accepted, pool } = await world(2);
      await pool.query('UPDATE ledger.leads SET job_id = NULL');
      const [{ leadId, epoch }] = accepted as [AcceptedLead];
      const [bull] = backend.bullQueues();
      await bull!.add('bring-forward', { leadId, epoch }, { jobId: `${leadId}.${epoch}` });
      expect(await sweeper.sweep()).toBe(1);
      expect(await sweeper.sweep()).toBe(0);
      expect((await queue.counts()).waiting).toBe(2);
    });

    it('adds no job to a long backlog in three sweeps', async () => {
      const { sweeper, queue, pool } = await world(0);
      // BullMQ on PostgreSQL runs one query at a time, so it gets fewer leads.
      const count = !FULL ? 4000 : kind === 'redis' ? 100_000 : 20_000;
      const { rows } = await pool.query<{ leadId: string; jobId: string }>(
        `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, job_id, received_at, content_at, touched_at)
         SELECT gen_random_uuid(), sha256(n::text::bytea), n || '@a.com', n || '@a.com', 'c',
           lpad(((n - 1) / 50)::text, 32, '0')::uuid, now(), now(), now() - interval '1 hour'
         FROM generate_series(1, $1) n RETURNING id AS "leadId", job_id AS "jobId"`,
        [count],
      );
      for (let from = 0; from < count; from += 500) {
        await queue.enqueue(rows.slice(from, from + 500).map(({ leadId, jobId }) => ({ leadId, jobId, epoch: 1 })));
      }
      for (let round = 0; round < 3; round++) expect(await sweeper.sweep()).toBe(0);
      expect((await queue.counts()).waiting).toBe(count / 50);
    }, 300_000);

    it('brings everything back after the queue was wiped', async () => {
      const { sweeper, queue, accepted, wipe, ledger } = await world(300);
      await queue.enqueue(accepted);
      await wipe();
      expect(await sweeper.sweep()).toBe(300);
      expect((await queue.counts()).waiting).toBe(3);
      expect((await ledger.openLeads.backlog(300))[0]).toMatchObject({ stage: 'enrichment', count: 300 });
    });

    it('ignores leads that have just changed', async () => {
      const { ledger, backend } = await world(10);
      const patient = sweeperOf(ledger, backend, 60_000);
      expect(await patient.sweep()).toBe(0);
    });

    it('has one leader at a time', async () => {
      const { ledger } = await world(0);
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      let first: Promise<boolean> | undefined;
      await new Promise<void>((entered) => {
        first = ledger.leaderLock.runAsLeader('sweep', () => {
          entered();
          return held;
        });
      });
      // The others do not get the lock while the first has it.
      expect(await ledger.leaderLock.runAsLeader('sweep', async () => {})).toBe(false);
      release();
      expect(await first).toBe(true);
      expect(await ledger.leaderLock.runAsLeader('sweep', async () => {})).toBe(true);
    });
  });
});
