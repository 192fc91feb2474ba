import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueueBackend, StageWorker } from '../../src/queue/queue-backend.js';
import type { JobRequest, LeadHandler } from '../../src/queue/job.js';
import { openQueueBackend } from '../../src/queue/queue.module.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Proxy } from '../chaos/proxy.js';
import { openPostgresBackend } from '../../src/queue/postgres-backend.js';
import { createReconnectingBackend } from '../../src/queue/reconnecting-postgres.js';

const config = loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
const LATE_AFTER_MS = 300_000;
const settings = { name: 'worker-1', concurrency: 5, leaseMs: 2000, lateAfterMs: 300_000 };
/** A lead that has a job for itself. */
const job = (): JobRequest => ({ leadId: randomUUID(), epoch: 1, jobId: randomUUID() });
/** Leads that share a job. */
const batch = (leads: number): JobRequest[] => {
  const jobId = randomUUID();
  return Array.from({ length: leads }, () => ({ leadId: randomUUID(), epoch: 1, jobId }));
};

describe.each(['redis', 'postgres'] as const)('a queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('behaves alike', () => {
    const undo: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const step of undo.splice(0).toReversed()) await step();
    });

    async function open(): Promise<QueueBackend> {
      const database = await freshDatabase();
      undo.push(() => database.drop());
      const redis = kind === 'redis' ? await freshRedis() : null;
      const backend = await openQueueBackend(
        config,
        { databaseUrl: database.url, redisUrl: redis?.url ?? null },
        pino({ level: 'silent' }),
      );
      undo.push(() => backend.close());
      return backend;
    }

    async function work(backend: QueueBackend, handler: LeadHandler): Promise<StageWorker> {
      const worker = await backend.startWorker('enrichment', handler, settings);
      undo.push(() => worker.close(2000));
      return worker;
    }

    it('runs each job once, however often it was added', async () => {
      const backend = await open();
      const jobs = Array.from({ length: 50 }, () => job());
      await Promise.all([1, 2, 3].map(() => backend.queue('enrichment').enqueue(jobs)));
      const ran: string[] = [];
      await work(backend, async ({ leadId }) => {
        ran.push(leadId);
        return { kind: 'done' };
      });
      await eventually(() => expect(ran).toHaveLength(50));
      await eventually(async () => expect(await backend.queue('enrichment').counts()).toMatchObject({ waiting: 0, active: 0 }));
      expect(new Set(ran)).toEqual(new Set(jobs.map(({ leadId }) => leadId)));
    });

    it('runs the leads of a job, each once, and ends the job whatever became of them', async () => {
      const backend = await open();
      const leads = batch(60);
      const ran: string[] = [];
      const worker = await work(backend, async ({ leadId }) => {
        ran.push(leadId);
        return ran.length % 2 === 0 ? { kind: 'dead', code: 'TEST' } : { kind: 'retry', delayMs: 5, code: 'TEST' };
      });
      await backend.queue('enrichment').enqueue(leads);
      await eventually(() => expect(worker).toMatchObject({ ended: 60, inProgress: 0 }));
      expect(ran.toSorted()).toEqual(leads.map(({ leadId }) => leadId).toSorted());
      await eventually(async () =>
        expect(await backend.queue('enrichment').counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 }),
      );
    });

    it('limits the leads in progress and not the jobs', async () => {
      const backend = await open();
      let inProgress = 0;
      let most = 0;
      const worker = await work(backend, async () => {
        most = Math.max(most, ++inProgress);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inProgress--;
        return { kind: 'done' };
      });
      await backend.queue('enrichment').enqueue([...batch(20), ...batch(3), job(), job()]);
      await eventually(() => expect(worker.ended).toBe(25));
      expect(most).toBe(5);
    });

    it('a slow lead holds up neither the others of its job nor the jobs behind it', async () => {
      const backend = await open();
      const [slow, other] = [batch(3), batch(5)];
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const waited: number[] = [];
      const ran: string[] = [];
      const worker = await backend.startWorker(
        'enrichment',
        async ({ leadId }) => {
          if (leadId === slow[0]!.leadId) await held;
          if (leadId === slow[1]!.leadId && waited.push(Date.now()) < 3) return { kind: 'wait', delayMs: 20 };
          ran.push(leadId);
          return { kind: 'done' };
        },
        { ...settings, concurrency: 3 },
      );
      undo.push(() => worker.close(2000));
      await backend.queue('enrichment').enqueue([...slow, ...other]);
      await eventually(() => expect(ran).toHaveLength(7));
      expect(waited).toHaveLength(3);
      expect(await backend.queue('enrichment').withoutLiveJob([slow[0]!.jobId])).toEqual([]);
      release();
      await eventually(async () => expect((await backend.queue('enrichment').counts()).active).toBe(0));
      expect(worker).toMatchObject({ inProgress: 0 });
    });

    it('runs only the leads that wait again, after the delay that the handler names', async () => {
      const backend = await open();
      const leads = batch(4);
      const runs: string[] = [];
      const times: number[] = [];
      await work(backend, async ({ leadId }) => {
        runs.push(leadId);
        if (leadId !== leads[0]!.leadId) return { kind: 'done' };
        return times.push(Date.now()) < 3 ? { kind: 'wait', delayMs: 200 } : { kind: 'done' };
      });
      await backend.queue('enrichment').enqueue(leads);
      await eventually(() => expect(times).toHaveLength(3));
      expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(190);
      expect(runs).toHaveLength(6);
      await eventually(async () => expect(await backend.queue('enrichment').withoutLiveJob([leads[0]!.jobId])).toHaveLength(1));
    });

    it('returns the leads that have not begun when the worker stops, and names its worker meanwhile', async () => {
      const backend = await open();
      const queue = backend.queue('enrichment');
      const leads = batch(8);
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const began: string[] = [];
      const worker = await work(backend, async ({ leadId }) => {
        began.push(leadId);
        await held;
        return { kind: 'done' };
      });
      await queue.enqueue(leads);
      await eventually(() => expect(began).toHaveLength(5));
      const [active] = await queue.activeJobs();
      expect(active).toMatchObject({ worker: 'worker-1' });
      expect(active!.leads).toHaveLength(8);
      const closed = worker.close(5000);
      release();
      await closed;
      const rest: string[] = [];
      await work(backend, async ({ leadId }) => {
        rest.push(leadId);
        return { kind: 'done' };
      });
      await eventually(() => expect(rest).toHaveLength(3));
      expect([...began, ...rest].toSorted()).toEqual(leads.map(({ leadId }) => leadId).toSorted());
    });

    it('runs a job of an earlier version, which names one lead', async () => {
      const backend = await open();
      const { leadId } = job();
      const [bull] = backend.bullQueues();
      await bull!.add('bring-forward', { leadId, epoch: 7 }, { jobId: `${leadId}.7` });
      const seen: unknown[] = [];
      await work(backend, async (lead) => {
        seen.push(lead);
        return { kind: 'done' };
      });
      await eventually(() => expect(seen).toEqual([{ leadId, epoch: 7 }]));
      await eventually(async () => expect(await backend.queue('enrichment').withoutLiveJob([`${leadId}.7`])).toHaveLength(1));
    });

    it('forgets leads of a job and keeps the others, also in outdated jobs that failed or are due later', async () => {
      const backend = await open();
      const queue = backend.queue('enrichment');
      const [shared, alone, failed] = [batch(3), batch(2), batch(2)];
      const dueAt = Date.now() + 3_600_000;
      const outdated = [{ ...shared[1]!, jobId: randomUUID(), dueAt }, ...batch(2).map((other) => ({ ...other, dueAt }))];
      await queue.enqueue(failed);
      const worker = await work(backend, () => Promise.reject(new Error('a mistake of ours')));
      await eventually(async () => expect((await queue.counts()).failed).toBe(1));
      await worker.close(2000);
      await queue.enqueue([...shared, ...alone, ...outdated]);
      expect(await queue.forget([shared[1]!, ...alone, { ...failed[0]!, jobId: 'unknown' }, outdated[1]!])).toBe(5);
      expect(await queue.counts()).toMatchObject({ waiting: 1, failed: 1, delayed: 1 });
      const ran: string[] = [];
      await work(backend, async ({ leadId }) => {
        ran.push(leadId);
        return { kind: 'done' };
      });
      await eventually(() => expect(ran).toHaveLength(2));
      expect(ran.toSorted()).toEqual([shared[0]!.leadId, shared[2]!.leadId].toSorted());
    });

    it.each([1, 3])('does not return leads that were forgotten while their job ran; it has %d', async (count) => {
      const backend = await open();
      const queue = backend.queue('enrichment');
      const leads = batch(count);
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const began: string[] = [];
      await work(backend, async ({ leadId }) => {
        began.push(leadId);
        await held;
        return leadId === leads[2]?.leadId ? { kind: 'done' } : { kind: 'wait', delayMs: 3_600_000 };
      });
      await queue.enqueue(leads);
      await eventually(() => expect(began).toHaveLength(count));
      expect(await queue.forget([leads[0]!])).toBe(1);
      release();
      await eventually(async () => expect(await queue.counts()).toMatchObject({ active: 0, delayed: count === 1 ? 0 : 1 }));
      const left = (await backend.bullQueues()[0]!.getJobs(['delayed'])).flatMap((job) => job.data.leads as JobRequest[]);
      expect(left.map(({ leadId }) => leadId)).toEqual(leads.slice(1, 2).map(({ leadId }) => leadId));
    });

    it('lets a job wait more often than it may be tried', async () => {
      const backend = await open();
      let runs = 0;
      await work(backend, async () => (++runs < 9 ? { kind: 'wait', delayMs: 20 } : { kind: 'done' }));
      await backend.queue('enrichment').enqueue([job()]);
      await eventually(() => expect(runs).toBe(9));
    });

    it('knows which jobs are alive: waiting, delayed and active ones are, unknown and finished ones are not', async () => {
      const backend = await open();
      const [waiting, unknown, finished] = [job(), job(), job()];
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const worker = await work(backend, async ({ leadId }) => {
        if (leadId === waiting.leadId) await held;
        return { kind: 'done' };
      });
      await backend.queue('enrichment').enqueue([finished]);
      await eventually(async () => expect(await backend.queue('enrichment').withoutLiveJob([finished.jobId])).toHaveLength(1));
      await backend.queue('enrichment').enqueue([waiting]);
      await eventually(async () => expect((await backend.queue('enrichment').counts()).active).toBe(1));
      const ids = [waiting, unknown, finished].map(({ jobId }) => jobId);
      expect(await backend.queue('enrichment').withoutLiveJob(ids)).toEqual([unknown.jobId, finished.jobId]);
      release();
      await worker.close(2000);
      const idle = job();
      await backend.queue('enrichment').enqueue([idle]);
      expect(await backend.queue('enrichment').withoutLiveJob([idle.jobId])).toEqual([]);
    });

    it('stores only the references', async () => {
      const backend = await open();
      const { leadId, jobId } = job();
      await backend.queue('enrichment').enqueue([{ leadId, epoch: 7, jobId, email: 'ann@acme.com' } as JobRequest]);
      const [bull] = backend.bullQueues();
      expect((await bull!.getJob(jobId))!.data).toEqual({ leads: [{ leadId, epoch: 7 }] });
    });

    it('runs jobs within the SLA first, keeps a share for late ones, and puts replays last', async () => {
      const backend = await open();
      const queue = backend.queue('enrichment');
      const longAgo = Date.now() - 2 * LATE_AFTER_MS;
      const named = (count: number) => Array.from({ length: count }, () => job());
      const [late, fresh, low] = [named(20), named(40), named(5)];
      await queue.enqueue(low.map((reference) => ({ ...reference, low: true })));
      await queue.enqueue(late.map((reference) => ({ ...reference, since: longAgo })));
      await queue.enqueue(fresh);
      const kinds = new Map([
        ...late.map(({ leadId }) => [leadId, 'late'] as const),
        ...fresh.map(({ leadId }) => [leadId, 'fresh'] as const),
        ...low.map(({ leadId }) => [leadId, 'low'] as const),
      ]);
      const order: string[] = [];
      const worker = await backend.startWorker(
        'enrichment',
        async ({ leadId }) => {
          order.push(kinds.get(leadId)!);
          if (order.length === 20) await queue.promoteLate(3);
          return { kind: 'done' };
        },
        { ...settings, concurrency: 1 },
      );
      undo.push(() => worker.close(2000));
      await eventually(() => expect(order).toHaveLength(65));
      const lateBefore = (place: number) => order.slice(0, place).filter((kind) => kind === 'late').length;
      // One in five runs at once, three when promoted, the others after all jobs that can still meet the SLA.
      expect(lateBefore(20)).toBe(4);
      expect(lateBefore(44)).toBe(7);
      expect(order.slice(-5)).toEqual(Array(5).fill('low'));
      expect((await queue.counts()).waiting).toBe(0);
    });

    it('runs the jobs that replace those of a dead worker before the waiting ones, in their order', async () => {
      const backend = await open();
      const queue = backend.queue('enrichment');
      const [waiting, replaced] = [
        [job(), job()],
        [job(), job(), job()],
      ];
      await queue.enqueue(waiting);
      await queue.enqueue(replaced.map((reference) => ({ ...reference, first: true })));
      const order: string[] = [];
      await work(backend, async ({ leadId }) => {
        order.push(leadId);
        return { kind: 'done' };
      });
      await eventually(() => expect(order).toHaveLength(5));
      expect(order).toEqual([...replaced, ...waiting].map(({ leadId }) => leadId));
    });

    it('keeps a delay, also for a lead that was received long ago', async () => {
      const backend = await open();
      const queue = backend.queue('enrichment');
      const began = Date.now();
      await queue.enqueue([{ ...job(), since: began - 2 * LATE_AFTER_MS, dueAt: began + 700 }]);
      expect((await queue.counts()).delayed).toBe(1);
      let ran = 0;
      await work(backend, async () => {
        ran = Date.now();
        return { kind: 'done' };
      });
      await eventually(() => expect(ran).toBeGreaterThan(0));
      expect(ran - began).toBeGreaterThanOrEqual(690);
    });

    it('fetches no job at concurrency 0, continues when it is raised, and counts ended jobs', async () => {
      const backend = await open();
      const ran: string[] = [];
      const worker = await backend.startWorker(
        'enrichment',
        async ({ leadId }) => {
          ran.push(leadId);
          return { kind: 'done' };
        },
        { ...settings, concurrency: 0 },
      );
      undo.push(() => worker.close(2000));
      const [first, second] = [job(), job()];
      await backend.queue('enrichment').enqueue([first]);
      // A second worker's job shows that the queue works meanwhile.
      const other = await backend.startWorker('crm-sync', async () => ({ kind: 'done' }), settings);
      undo.push(() => other.close(2000));
      await backend.queue('crm-sync').enqueue([job()]);
      await eventually(() => expect(other.ended).toBe(1));
      expect(ran).toEqual([]);
      worker.setConcurrency(3);
      await eventually(() => expect(ran).toEqual([first.leadId]));
      worker.setConcurrency(0);
      worker.setConcurrency(1);
      await backend.queue('enrichment').enqueue([second]);
      await eventually(() => expect(worker).toMatchObject({ ended: 2, inProgress: 0 }));
    });
  });
});

it('a worker on PostgreSQL whose first connection hangs connects later, and the process goes on meanwhile', async () => {
  const database = await freshDatabase();
  const proxy = await Proxy.start(Number(new URL(database.url).port));
  const warnings: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) });
  const backend = await openPostgresBackend({ url: proxy.through(database.url), logger });
  await backend.queue('enrichment').counts();

  proxy.weather = 'half-open';
  const ran: string[] = [];
  const handler: LeadHandler = async ({ leadId }) => {
    ran.push(leadId);
    return { kind: 'done' };
  };
  const worker = await backend.startWorker('enrichment', handler, settings);
  await eventually(() => expect(warnings.join('')).toContain('timeout'));
  expect(ran).toEqual([]);
  proxy.weather = 'clear';
  proxy.drop();
  const reference = job();
  await eventually(() => backend.queue('enrichment').enqueue([reference]));
  await eventually(() => expect(ran).toEqual([reference.leadId]));

  await worker.close(2000);
  await backend.close();
  await proxy.stop();
  await database.drop();
});

it('a connection to PostgreSQL that breaks while it is first used is an error of that use, and does not end the process', async () => {
  const database = await freshDatabase();
  const proxy = await Proxy.start(Number(new URL(database.url).port));
  const { connection } = createReconnectingBackend('enrichment', {
    connection: { connectionString: proxy.through(database.url), schema: 'bullmq' },
  });
  connection.pool.on('connect', () => (proxy.weather = 'half-open'));
  const used = connection.waitUntilReady();
  await eventually(() => expect(proxy.weather).toBe('half-open'));
  proxy.drop();
  await expect(used).rejects.toThrow(/ECONNRESET|terminated/);
  await connection.pool.end();
  await proxy.stop();
  await database.drop();
});
