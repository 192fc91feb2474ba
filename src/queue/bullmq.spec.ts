import { EventEmitter } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { Job, Worker } from 'bullmq';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { startBullWorker, type BullProcessor } from './bullmq.js';

/** The part of a BullMQ worker that these tests need: its concurrency, and what it does with each job. */
function startedWorker(concurrency: number) {
  const bull = Object.assign(new EventEmitter(), { concurrency: 0, isPaused: () => false });
  let process!: BullProcessor;
  const ends: (() => void)[] = [];
  const worker = startBullWorker(
    'enrichment',
    () => new Promise((resolve) => ends.push(() => resolve({ kind: 'done' }))),
    { concurrency, leaseMs: 60_000, lateAfterMs: 300_000 },
    { connection: {} },
    (options, run) => {
      bull.concurrency = options.concurrency!;
      process = run;
      return bull as unknown as Worker;
    },
    pino({ level: 'silent' }),
  );
  const begin = (jobs: number) =>
    Array.from({ length: jobs }, () => process({ data: { leadId: randomUUID(), epoch: 1 }, timestamp: Date.now() } as Job));
  const end = async (jobs: Promise<void>[]) => {
    for (const finish of ends.splice(0)) finish();
    await Promise.all(jobs);
  };
  return { worker, bull, begin, end };
}

describe('a worker of BullMQ', () => {
  it('fetches some jobs ahead, and starts the first before its concurrency is filled', async () => {
    const { bull, begin } = startedWorker(200);
    expect(bull.concurrency).toBe(20);
    begin(20);
    await new Promise(setImmediate);
    expect(bull.concurrency).toBe(40);
    begin(180);
    await new Promise(setImmediate);
    expect(bull.concurrency).toBe(200);
  });

  it('keeps its concurrency while jobs wait, and lowers it when the queue is drained', async () => {
    const { bull, begin, end } = startedWorker(200);
    const jobs = begin(150);
    await new Promise(setImmediate);
    await end(jobs);
    expect(bull.concurrency).toBe(170);
    bull.emit('drained');
    expect(bull.concurrency).toBe(20);
  });

  it('never has more than the flow control permits', async () => {
    const { worker, bull, begin } = startedWorker(200);
    worker.setConcurrency(5);
    begin(5);
    await new Promise(setImmediate);
    expect(bull.concurrency).toBe(5);
    worker.setConcurrency(200);
    expect(bull.concurrency).toBe(25);
  });
});
