import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { describe, expect, it, vi } from 'vitest';
import { BullStageQueue } from './bullmq.js';

/** The part of a BullMQ queue that an erasure needs. Its jobs run, so that none can be removed. */
function queueOf(jobs: { leads: string[]; delayed?: boolean }[]) {
  const leadsOf = (leads: string[]) => leads.map((leadId) => ({ leadId, epoch: 1 }));
  const stored = new Map(
    jobs.map(({ leads, delayed = false }, index) => {
      const id = String(index);
      const job = {
        id,
        delayed,
        data: { leads: leadsOf(leads) },
        updateData: vi.fn(async (_data: unknown): Promise<void> => {}),
      };
      return [id, job] as const;
    }),
  );
  let reading = 0;
  let readAtOnce = 0;
  const bull = {
    getRanges: async () => [...stored.values()].filter(({ delayed }) => delayed).map(({ id }) => id),
    getJob: async (id: string) => {
      readAtOnce = Math.max(readAtOnce, ++reading);
      await new Promise(setImmediate);
      reading--;
      return stored.get(id);
    },
    remove: async () => 0,
  };
  return { queue: new BullStageQueue('enrichment', bull as unknown as Queue), stored, leadsOf, readAtOnce: () => readAtOnce };
}

describe('an erasure in the queue', () => {
  const [ann, bob] = [randomUUID(), randomUUID()];

  it('goes on where a job ends just before its leads are changed', async () => {
    const { queue, stored, leadsOf } = queueOf([{ leads: [ann, bob] }, { leads: [ann, bob] }]);
    const [ends, stays] = [stored.get('0')!, stored.get('1')!];
    ends.updateData.mockImplementation(async () => {
      stored.delete('0');
      throw new Error('Missing key for job 0. updateData');
    });
    expect(
      await queue.forget([
        { leadId: ann, jobId: '0' },
        { leadId: ann, jobId: '1' },
      ]),
    ).toBe(1);
    expect(stays.updateData).toHaveBeenCalledWith({ leads: leadsOf([bob]) });
  });

  it('fails where a job that it has not changed is still there', async () => {
    const { queue, stored } = queueOf([{ leads: [ann] }]);
    stored.get('0')!.updateData.mockRejectedValue(new Error('Command timed out'));
    await expect(queue.forget([{ leadId: ann, jobId: '0' }])).rejects.toThrow('Command timed out');
  });

  it('reads a bounded number of jobs at once, however many are delayed', async () => {
    const delayed = Array.from({ length: 450 }, () => ({ leads: [bob], delayed: true }));
    const { queue, stored, readAtOnce } = queueOf([...delayed, { leads: [ann, bob], delayed: true }]);
    expect(await queue.forget([{ leadId: ann, jobId: 'unknown' }])).toBe(1);
    expect(stored.get('450')!.updateData).toHaveBeenCalledOnce();
    expect(readAtOnce()).toBeLessThanOrEqual(100);
  });
});
