import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { JobPublisher } from './job-publisher.js';
import type { JobRequest } from './job.js';

const REQUEST: JobRequest = { leadId: '7b9d2f4e-8a1c-8d3e-9f60-1a2b3c4d5e6f', epoch: 1, jobId: 'j' };

/** A queue store that refuses the first `failures` calls. */
function publisherOver(failures: number) {
  const enqueued: JobRequest[] = [];
  let calls = 0;
  const enqueue = vi.fn(async (requests: JobRequest[]) => {
    if (++calls <= failures) throw new Error("READONLY You can't write against a read only replica.");
    enqueued.push(...requests);
  });
  const backend = { bestEffortQueue: () => ({ enqueue }) as never };
  return { publisher: new JobPublisher(backend, pino({ level: 'silent' }), 1), enqueue, enqueued };
}

describe('the job publisher', () => {
  it('enqueues what an outage of the queue store refused when the store answers again', async () => {
    const { publisher, enqueue, enqueued } = publisherOver(3);
    publisher.publish('enrichment', REQUEST);
    await publisher.idle();
    expect(enqueue).toHaveBeenCalledTimes(4);
    expect(enqueued).toEqual([REQUEST]);
  });

  it('does not retry when it stops: the sweeper enqueues the lead', async () => {
    const { publisher, enqueued } = publisherOver(Infinity);
    publisher.publish('enrichment', REQUEST);
    await publisher.stop();
    expect(enqueued).toEqual([]);
  });
});
