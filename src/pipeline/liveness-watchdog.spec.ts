import { pino } from 'pino';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LivenessWatchdog } from './liveness-watchdog.js';

describe('LivenessWatchdog', () => {
  let now: number;
  let progress: { inProgress: number; ended: number };
  let waiting: () => Promise<number>;
  let ledger: () => Promise<void>;
  let blocked: boolean;
  const onStuck = vi.fn();
  let watch: LivenessWatchdog;

  beforeEach(() => {
    now = 0;
    progress = { inProgress: 0, ended: 0 };
    waiting = async () => 10;
    ledger = async () => {};
    blocked = false;
    onStuck.mockClear();
    watch = new LivenessWatchdog({
      progressOf: () => progress,
      waiting: () => waiting(),
      pingLedger: () => ledger(),
      blocked: () => blocked,
      stuckAfterMs: 60_000,
      onStuck,
      clock: { now: () => now },
      logger: pino({ level: 'silent' }),
    });
  });

  async function pass(seconds: number): Promise<void> {
    for (let step = 0; step < seconds; step += 2) {
      now += 2000;
      await watch.poll();
    }
  }

  it('ends a worker that consumes nothing while leads wait', async () => {
    await pass(58);
    expect(onStuck).not.toHaveBeenCalled();
    await pass(6);
    expect(onStuck).toHaveBeenCalledWith('enrichment');
  });

  it('reports no progress after half of that time, and progress again', async () => {
    await pass(28);
    expect(watch.moving).toBe(true);
    await pass(4);
    expect(watch.moving).toBe(false);
    progress.ended++;
    await pass(2);
    expect(watch.moving).toBe(true);
  });

  it('ends a worker whose claimed leads make no progress, also where no others wait', async () => {
    waiting = async () => 0;
    progress.inProgress = 3;
    await pass(70);
    expect(onStuck).toHaveBeenCalled();
  });

  it.each([
    ['there is no work', () => void (waiting = async () => 0)],
    ['the stage is paused or its breaker open', () => void (blocked = true)],
    ['the queue store is down', () => void (waiting = () => Promise.reject(new Error('down')))],
    ['the ledger is down', () => void (ledger = () => Promise.reject(new Error('down')))],
  ])('leaves it alone where %s', async (_, arrange) => {
    arrange();
    await pass(600);
    expect(onStuck).not.toHaveBeenCalled();
  });

  it('counts from the end of a pause or an outage, and from each lead that it ends', async () => {
    await pass(50);
    blocked = true;
    await pass(2);
    blocked = false;
    await pass(50);
    progress.ended++;
    await pass(50);
    expect(onStuck).not.toHaveBeenCalled();
    await pass(20);
    expect(onStuck).toHaveBeenCalled();
  });
});
