import { randomUUID } from 'node:crypto';
import { createPostgresBackend, Queue, runMigrations, withBackend, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';

// Baseline of the drain: empty BullMQ jobs, the first of which adds the second. With BACKEND, COUNT, DATABASE_URL and
// REDIS_URL it fills its own queues, drains them, and prints how long that took.
const count = Number(process.env['COUNT']);
const onRedis = process.env['BACKEND'] === 'redis';
const databaseUrl = process.env['DATABASE_URL']!;
/** Ids are unique per run, because BullMQ ignores known ones. */
const run = randomUUID();
const schema = 'noop';

const made = withBackend(createPostgresBackend);
const connection = () =>
  onRedis
    ? new Redis(process.env['REDIS_URL']!, { maxRetriesPerRequest: null })
    : { connectionString: databaseUrl, schema, max: 4, options: '-c synchronous_commit=off' };
const kinds = onRedis ? { Queue, Worker } : (made as unknown as { Queue: typeof Queue; Worker: typeof Worker });
if (!onRedis) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await runMigrations(client as never, schema);
  await client.end();
}
const options = () => ({ connection: connection() as never, prefix: '{noop}' });
const jobOptions = { removeOnComplete: true };
const [first, second] = ['first', 'second'].map((name) => new kinds.Queue(name, { ...options(), defaultJobOptions: jobOptions }));

for (let from = 0; from < count; from += 1000) {
  const jobs = Array.from({ length: Math.min(1000, count - from) }, (_, index) => ({
    name: 'job',
    data: { leadId: `${run}-${from + index}`, epoch: 1 },
    opts: { jobId: `${run}-${from + index}.1` },
  }));
  await first!.addBulk(jobs);
}
// The service's concurrency; on PostgreSQL more than ten contend.
const concurrency = (wanted: number) => (onRedis ? wanted : 10);
let left = count;
let drained = () => {};
const done = new Promise<void>((resolve) => (drained = resolve));
const began = performance.now();
const workers = [
  new kinds.Worker(
    'first',
    async (job: Job<{ leadId: string; epoch: number }>) => {
      await second!.add('job', job.data, { jobId: `${job.data.leadId}.1` });
    },
    { ...options(), concurrency: concurrency(200) },
  ),
  new kinds.Worker('second', async () => void (--left === 0 && drained()), { ...options(), concurrency: concurrency(400) }),
];
await done;
console.log(`DRAINED ${(performance.now() - began).toFixed(0)}`);
await Promise.all(workers.map((worker) => worker.close()));
process.exit(0);
