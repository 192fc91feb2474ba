import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Draw } from './draw.js';
import { Heap } from './heap.js';
import { Host } from './host.js';
import { Process } from './process.js';
import { Rate } from './rate.js';
import { Sample } from './sample.js';
import { Timeline } from './timeline.js';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

describe('the heap', () => {
  it('gives back in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new Heap<number>((a, b) => a < b);
        for (const number of numbers) heap.push(number);
        expect(numbers.map(() => heap.pop())).toEqual(numbers.toSorted((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});

describe('the timeline', () => {
  it('lets happen in order, what was planned first before what was planned for the same moment later', () => {
    const timeline = new Timeline();
    const seen: string[] = [];
    timeline.after(2, () => seen.push('c'));
    timeline.after(1, () => {
      seen.push('a');
      timeline.after(0, () => seen.push('b'));
    });
    timeline.after(2, () => seen.push('d'));
    timeline.after(9, () => seen.push('too late'));
    timeline.run(5);
    expect(seen.join('')).toBe('abcd');
  });
});

describe('a sample', () => {
  it('has the quantiles that PostgreSQL would give', () => {
    const sample = Sample.of([4, 1, 3, 2]);
    expect([0, 0.5, 0.95, 1].map((share) => sample.quantile(share))).toEqual([1, 2.5, 3.8499999999999996, 4]);
    expect(sample.mean).toBe(2.5);
    expect(new Sample().percentiles()).toEqual({ p50: 0, p95: 0, p99: 0 });
    expect(Sample.of([1, Infinity]).quantile(1)).toBe(Infinity);
  });
});

describe('draws', () => {
  const drawn = (draw: () => number) => Sample.of(Array.from({ length: 50_000 }, draw));
  it('have the percentiles that were asked for', () => {
    const draw = new Draw(1);
    const latencies = drawn(() => draw.lognormal(400, 1000));
    expect(latencies.quantile(0.5) / 400).toBeCloseTo(1, 1);
    expect(latencies.quantile(0.95) / 1000).toBeCloseTo(1, 1);
    expect(drawn(() => draw.exponential(3)).mean / 3).toBeCloseTo(1, 1);
    expect(drawn(() => draw.quantiles([0, 10, 100])).quantile(0.75)).toBeCloseTo(55, -1);
    expect(drawn(() => draw.level([0.7, 0.3])).mean).toBeCloseTo(0.3, 1);
  });
});

/** Times from arrival to end, of Poisson arrivals at `perMs`. */
function times(timeline: Timeline, draw: Draw, perMs: number, count: number, serve: (done: () => void) => void): Sample {
  const sample = new Sample();
  let at = 0;
  for (let index = 0; index < count; index++) {
    at += draw.exponential(1 / perMs);
    timeline.at(at, () => {
      const began = timeline.now;
      serve(() => sample.add(timeline.now - began));
    });
  }
  timeline.run();
  return sample;
}

describe('queues against what mathematics says of them', () => {
  const draw = new Draw(3);

  it('M/D/1: places at a rate are waited for by ρ / 2μ(1−ρ)', () => {
    const timeline = new Timeline();
    const rate = new Rate(timeline, 1000, 0);
    const waited = times(timeline, draw, 0.8, 50_000, (done) => rate.take(done));
    expect(waited.mean / (0.8 / (2 * 0.2))).toBeCloseTo(1, 1);
  });

  it('M/M/1 with a shared processor: a task is there for 1 / (μ−λ), also on half a core', () => {
    for (const cores of [1, 0.5]) {
      const timeline = new Timeline();
      const host = new Host(timeline, cores);
      const there = times(timeline, draw, 0.7 * cores, 40_000, (done) => host.run(draw.exponential(1), done));
      expect(there.mean / (1 / (cores - 0.7 * cores))).toBeCloseTo(1, 1);
      expect(host.used / 40_000).toBeCloseTo(1, 1);
    }
  });

  it('Little: what is under way is rate times time', () => {
    const timeline = new Timeline();
    const host = new Host(timeline, 4);
    let underWay = 0;
    const seen = new Sample();
    for (let second = 1000; second < 19_000; second += 7) timeline.at(second, () => seen.add(underWay));
    const there = times(timeline, draw, 2, 40_000, (done) => {
      underWay++;
      host.run(draw.exponential(1.5), () => {
        underWay--;
        done();
      });
    });
    expect(seen.mean / (2 * there.mean)).toBeCloseTo(1, 1);
  });

  it('a machine that others use too is slower by their part', () => {
    const timeline = new Timeline();
    const ended: number[] = [];
    new Host(timeline, 2, 3).run(10, () => ended.push(timeline.now));
    timeline.run();
    expect(ended).toEqual([20]);
  });
});

describe('a process', () => {
  it('shares the fixed part of a turn among those that come while it is busy', () => {
    const timeline = new Timeline();
    const process = new Process(timeline, new Host(timeline, 1), { perBatchMs: 10, perItemMs: 1, idleMsPerSecond: 0 });
    const ended: number[] = [];
    for (let item = 0; item < 4; item++) process.submit(1, () => ended.push(timeline.now));
    timeline.run();
    expect(ended).toEqual([11, 24, 24, 24]);
    expect(process.busiest()).toBeCloseTo(24 / 60_000, 6);
    // A store that works twice for it, for four items in all.
    const store = { perBatchMs: 100, perItemMs: 1000, idleMsPerSecond: 10 };
    expect(process.busiest(store)).toBeCloseTo((2 * 100 + 4 * 1000) / 60_000 + 0.01, 6);
  });
});
