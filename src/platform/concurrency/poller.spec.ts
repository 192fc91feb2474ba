import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Poller } from './poller.js';

describe('Poller', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it('polls at once, then after each pause, and again at once while there is more', async () => {
    const poll = vi.fn().mockResolvedValueOnce(true).mockResolvedValueOnce(true).mockResolvedValue(false);
    new Poller({ everyMs: 1000, poll }).start();
    await after(10);
    expect(poll).toHaveBeenCalledTimes(3);
    await after(1000);
    expect(poll).toHaveBeenCalledTimes(4);
  });

  it('never runs two polls at a time, however often it is asked', async () => {
    let running = 0;
    const poll = vi.fn(async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 300));
      running--;
    });
    const poller = new Poller({ everyMs: 1000, poll });
    poller.start();
    await after(100);
    poller.pollNow();
    poller.pollNow();
    await after(600);
    expect(poll).toHaveBeenCalledTimes(2);
    poller.pollNow();
    await after(10);
    expect(poll).toHaveBeenCalledTimes(3);
  });

  it('goes on after failures, and says of each whether it is the first in a row', async () => {
    const outcomes = [false, true, true, false, true];
    const poll = vi.fn(async () => {
      if (outcomes.shift()) throw new Error('down');
    });
    const onError = vi.fn();
    new Poller({ everyMs: 10, poll, onError }).start();
    await after(45);
    expect(onError.mock.calls.map(([, first]) => first as boolean)).toEqual([true, false, true]);
  });

  it('waits as long as the poll took where `everyMs` says so', async () => {
    const poll = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, 500)));
    new Poller({ everyMs: (tookMs) => 4 * tookMs, poll }).start();
    await after(2400);
    expect(poll).toHaveBeenCalledTimes(1);
    await after(200);
    expect(poll).toHaveBeenCalledTimes(2);
  });

  it('aborts the poll under way and waits for it, as long as it may', async () => {
    let aborted = false;
    const poll = vi.fn(async (signal: AbortSignal) => {
      await new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 200)));
      aborted = true;
    });
    const patient = new Poller({ everyMs: 10, poll });
    patient.start();
    await after(1);
    const stopped = patient.stop();
    await after(200);
    await stopped;
    expect(aborted).toBe(true);
    await after(1000);
    expect(poll).toHaveBeenCalledTimes(1);

    const bounded = new Poller({ everyMs: 10, poll: () => new Promise(() => {}), stopWithinMs: 50 });
    bounded.start();
    await after(1);
    const left = bounded.stop();
    await after(50);
    await left;
  });
});
