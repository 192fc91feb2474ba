import { EventEmitter } from 'node:events';
import { randomUUID } from 'node:crypto';
import { DelayedError, Job, type Worker } from 'bullmq';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { startBullWorker, type BullProcessor } from './bull-worker.js';
import type { LeadHandler, LeadOutcome } from './job.js';

/** The part of a BullMQ worker that these tests need: its concurrency, and what it does with each job. */
function startedWorker(concurrency: number, jobsAtMost = Infinity, outcome: LeadOutcome = { kind: 'done' }) {
  const bull = Object.assign(new EventEmitter(), { concurrency: 0, isPaused: () => false, close: async (): Promise<void> => {} });
  let process!: BullProcessor;
  const ends: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const handler: LeadHandler = (_, signal) => {
    signals.push(signal);
    return new Promise((resolve) => ends.push(() => resolve(outcome)));
  };
  const worker = startBullWorker('enrichment', handler, {
    name: 'test',
    concurrency,
    leaseMs: 60_000,
    lateAfterMs: 300_000,
    jobsAtMost,
    bull: { connection: {} },
    create: (options, run) => {
      bull.concurrency = options.concurrency!;
      process = run;
      return bull as unknown as Worker;
    },
    logger: pino({ level: 'silent' }),
  });
  const fetch = (...leads: number[]) =>
    leads.map((count) => {
      const data = { leads: Array.from({ length: count }, () => ({ leadId: randomUUID(), epoch: 1 })) };
      const job = { id: randomUUID(), data, timestamp: Date.now(), extendLock: vi.fn(async () => 0) };
      bull.emit('active', job);
      return job as unknown as Job;
    });
  const begin = (jobs: Job[]) => jobs.map((job) => process(job));
  const end = async (leads: number) => {
    await new Promise(setImmediate);
    for (const finish of ends.splice(0, leads)) finish();
    await new Promise(setImmediate);
  };
  return { worker, bull, signals, fetch, begin, end };
}

describe('a worker of BullMQ', () => {
  it('fetches another job only while its leads are fewer than its concurrency', async () => {
    const { worker, bull, fetch, begin, end } = startedWorker(200);
    expect(bull.concurrency).toBe(1);
    const jobs = fetch(100);
    expect(bull.concurrency).toBe(2);
    jobs.push(...fetch(100));
    expect(bull.concurrency).toBe(2);
    begin(jobs);
    await end(1);
    expect(worker).toMatchObject({ ended: 1, inProgress: 199 });
    await end(99);
    expect(bull.concurrency).toBe(2); // one job is left, and one may follow
    worker.setConcurrency(50);
    expect(bull.concurrency).toBe(1);
  });

  it('fetches only some jobs ahead where each has one lead, so that the first starts soon', async () => {
    const { bull, fetch, begin } = startedWorker(200);
    const jobs = fetch(...Array.from({ length: 20 }, () => 1));
    expect(bull.concurrency).toBe(20);
    begin(jobs.slice(0, 5));
    await new Promise(setImmediate);
    expect(bull.concurrency).toBe(21);
  });

  it('expects more leads while its queue has jobs and it has room, or will have', async () => {
    const { worker, bull, fetch, begin, end } = startedWorker(3);
    expect(worker.moreFollow(0)).toBe(false);
    const jobs = fetch(1, 1);
    expect(worker.moreFollow(0)).toBe(true);
    const runs = begin(jobs);
    expect(worker.moreFollow(2)).toBe(true);
    bull.emit('drained');
    expect(worker.moreFollow(2)).toBe(true); // BullMQ says so between two jobs, too
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1000);
    expect(worker.moreFollow(2)).toBe(false);
    jobs.push(...fetch(1));
    runs.push(...begin(jobs.slice(2)));
    bull.emit('drained'); // it has no room, so that it has not looked
    expect(worker.moreFollow(2)).toBe(true);
    expect(worker.moreFollow(3)).toBe(false); // no other lead of it makes room
    await end(3);
    await Promise.all(runs);
    vi.restoreAllMocks();
  });

  it('has a bound of jobs where the store needs one', () => {
    const { bull, fetch } = startedWorker(200, 3);
    fetch(1, 1);
    expect(bull.concurrency).toBe(3);
    fetch(1);
    expect(bull.concurrency).toBe(3);
  });

  it('returns the leads that have not begun at once when it stops, whatever the others still do', async () => {
    const { worker, fetch, begin, end } = startedWorker(1);
    const [slow, next] = begin(fetch(1, 3));
    await new Promise(setImmediate);
    const closed = worker.close(1000);
    worker.setConcurrency(1); // the shares change when a worker leaves
    await next;
    expect(worker).toMatchObject({ inProgress: 1 });
    await end(1);
    await Promise.all([slow, closed]);
  });

  it.each([true, false])('reports whether its jobs ended after it had ended their calls: %s', async (ends) => {
    vi.useFakeTimers();
    try {
      const { worker, bull, signals, fetch, begin } = startedWorker(1);
      begin(fetch(1));
      await vi.advanceTimersByTimeAsync(0);
      let close = () => {};
      bull.close = () => new Promise((resolve) => (close = resolve));
      const closed = worker.close(4000);
      await vi.advanceTimersByTimeAsync(3999);
      expect(signals[0]!.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(signals[0]!.aborted).toBe(true);
      if (ends) close();
      else await vi.advanceTimersByTimeAsync(2000);
      expect(await closed).toBe(ends);
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves a job as it is that another worker has now, since its lock has ended', async () => {
    const { fetch, begin, end } = startedWorker(200, Infinity, { kind: 'wait', delayMs: 1000 });
    const [job] = fetch(2) as [Job];
    const changes = { updateData: vi.fn(), moveToDelayed: vi.fn() };
    const run = begin([Object.assign(job, changes)]);
    await end(2);
    await Promise.all(run);
    expect(changes.updateData).not.toHaveBeenCalled();
    expect(changes.moveToDelayed).not.toHaveBeenCalled();
  });

  it('returns a job as soon as the queue store takes changes again', async () => {
    const { fetch, begin, end } = startedWorker(10, Infinity, { kind: 'wait', delayMs: 1000 });
    const [job] = fetch(1);
    const readOnly = new Error("READONLY You can't write against a read only replica.");
    const extendLock = vi
      .fn(async () => 1)
      .mockRejectedValueOnce(readOnly)
      .mockRejectedValueOnce(readOnly);
    const moveToDelayed = vi.fn(async () => {});
    vi.spyOn(Job, 'fromId').mockResolvedValue(job as never);
    Object.assign(job!, { extendLock, moveToDelayed });
    const [returned] = begin([job!]);
    await Promise.all([end(1), expect(returned).rejects.toThrow(DelayedError)]);
    expect(extendLock).toHaveBeenCalledTimes(3);
    expect(moveToDelayed).toHaveBeenCalledOnce();
  });

  it('runs a late job in its place while the queue store takes no changes', async () => {
    const { worker, fetch, begin, end } = startedWorker(10);
    const [job] = fetch(1);
    const changePriority = vi.fn(async () => Promise.reject(new Error('READONLY')));
    Object.assign(job!, { timestamp: Date.now() - 3_600_000, opts: {}, changePriority });
    const [done] = begin([job!]);
    await new Promise(setImmediate);
    await end(1);
    await done;
    expect(changePriority).toHaveBeenCalledOnce();
    expect(worker.ended).toBe(1);
  });
});
