import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { FlowControl } from '../flow-control/flow-control.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { systemClock } from '../platform/clock.js';
import type { StageWorker } from '../queue/queue-backend.js';
import { WorkerHost } from './worker-host.js';

it.each([
  ['leaves where its jobs have ended', true, 1],
  ['stays to be found dead where a job has not ended, since the lock of the job lasts longer', false, 0],
] as const)('a worker that stops %s', async (_, ended, times) => {
  const store = {
    worker: 'w',
    beat: async () => [],
    leave: vi.fn(async () => {}),
    listen: async () => async () => {},
  } as unknown as FlowControlRepository;
  const logger = pino({ level: 'silent' });
  const concurrency = { enrichment: 1, 'crm-sync': 1 };
  const flow = new FlowControl({ store, worker: 'w', concurrency, baseMs: 1, clock: systemClock, logger });
  vi.spyOn(flow, 'start').mockResolvedValue();
  const workerOf = (closes: boolean): Partial<StageWorker> => ({ ended: 0, setConcurrency: () => {}, close: async () => closes });
  const startWorker = vi.fn().mockResolvedValueOnce(workerOf(true)).mockResolvedValueOnce(workerOf(ended));
  const host = new WorkerHost(
    flow,
    { local: true } as never,
    { start: () => {}, stop: async () => {} } as never,
    store,
    {} as never,
    { handlerOf: () => async () => ({ kind: 'done' }) } as never,
    {} as never,
    {} as never,
    {},
    { startWorker } as never,
    { LEASE_MS: 60_000, SPEED_TO_LEAD_SLA_SECONDS: 300 },
    logger,
  );
  await host.start();
  await host.stop();
  expect(store.leave).toHaveBeenCalledTimes(times);
});
