import { describe, expect, it, vi } from 'vitest';
import { Draw } from '../engine/draw.js';
import type { Calibration } from '../calibration.js';
import { scenarioOf, type PredictOptions } from '../options.js';
import { fewestTasks } from '../size.js';
import { arrivals, day, leadsOf } from './load.js';
import { run } from './run.js';
import type { Crm, Scenario } from './scenario.js';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const cpu = { perBatchMs: 1, perItemMs: 1, idleMsPerSecond: 0 };
const hops = { enrichment: [2, 4], 'crm-sync': [2, 4] };
const worker = {
  cpu,
  hops,
  postgres: { perBatchMs: 0, perItemMs: 0.5, idleMsPerSecond: 0 },
  redis: { perBatchMs: 0, perItemMs: 0.2, idleMsPerSecond: 0 },
};
/** Round figures, so that the expected ones can be seen. */
const calibration: Calibration = {
  _about: '',
  machine: 'none',
  measuredAt: '',
  rounds: 1,
  competing: 0,
  api: {
    cpu: { perBatchMs: 0.2, perItemMs: 0.1, idleMsPerSecond: 0 },
    overhead: [0, 1],
    postgres: { perBatchMs: 0, perItemMs: 0.03, idleMsPerSecond: 0 },
    redis: { perBatchMs: 0, perItemMs: 0.02, idleMsPerSecond: 0 },
  },
  yardstickMs: 100,
  commitMs: 1,
  loadMsPerRequest: 0,
  worker: { local: worker, remote: worker },
};

const crm: Crm = {
  p50Ms: 100,
  p95Ms: 200,
  perRecordMs: 1,
  ratePerSecond: 20,
  batchSize: 200,
  batchWindowMs: 25,
  dailyLimit: 1e6,
  usedByOthers: 0,
  slowAt: 0.8,
  stopAt: 0.95,
  knownShare: 0,
};
const ai = {
  p50Ms: 400,
  p95Ms: 1000,
  timeoutMs: 10_000,
  ratePerSecond: 20,
  deadlineSeconds: 120,
  dailyTokens: Infinity,
  tokensPerCall: 1,
};

function scenario(perSecond: number, seconds: number, more: Partial<Scenario> = {}): Scenario {
  return {
    seed: 1,
    load: [{ seconds, perSecond }],
    ranks: [0.5, 0.5],
    slaSeconds: 300,
    api: { tasks: 1, cores: 1 },
    worker: { tasks: 1, cores: 1 },
    ai: null,
    crm: null,
    concurrency: { enrichment: 50, 'crm-sync': 400 },
    retry: { attempts: 5, baseMs: 1000 },
    ...more,
  };
}
const play = (...given: Parameters<typeof scenario>) => run(scenario(...given), calibration);
const useOf = (outcome: ReturnType<typeof run>, name: string) => outcome.uses.find((use) => use.name === name)!.share;

describe('the load', () => {
  it('is the day that was asked for, burst included', () => {
    const load = day({ leadsPerDay: 100_000, shape: 'working-day', burst: 50, burstSeconds: 60, burstAtHour: 10 });
    expect(leadsOf(load)).toBeCloseTo(100_000, 3);
    expect(load.reduce((sum, { seconds }) => sum + seconds, 0)).toBe(86_400);
    const came = [...arrivals(load, new Draw(1))];
    expect(came.length / 100_000).toBeCloseTo(1, 1);
    expect(came).toEqual(came.toSorted((a, b) => a - b));
    const inBurst = came.filter((at) => at >= load.slice(0, 11).reduce((sum, { seconds }) => sum + seconds, 0) * 1000).length;
    expect(inBurst).toBeGreaterThan(3000);
  });

  it('refuses a burst that is more than the day', () => {
    const burst = { burst: 50, burstSeconds: 3600, burstAtHour: 10 };
    expect(() => day({ leadsPerDay: 1000, shape: 'flat', ...burst })).toThrow('more than the whole day');
  });
});

describe('the model', () => {
  it('tells one story for one seed, and another for another', () => {
    const remote = { ai, crm };
    expect(play(30, 60, remote)).toEqual(play(30, 60, remote));
    expect(play(30, 60, { ...remote, seed: 2 }).speedMs).not.toEqual(play(30, 60, remote).speedMs);
  });

  it('uses as much CPU as the leads cost', () => {
    const outcome = play(300, 60);
    // Between one each, where all share a turn, and two, where each is alone.
    expect(useOf(outcome, 'worker CPU')).toBeGreaterThan(0.3);
    expect(useOf(outcome, 'worker CPU')).toBeLessThan(0.6);
    expect(useOf(outcome, 'PostgreSQL CPU, of one core')).toBeCloseTo(0.3 * 0.53, 2);
    expect(outcome.breaches).toBe(0);
  });

  it('is never slower with more workers, and drains no faster than its worker can', () => {
    const speeds = [1, 2, 4].map((tasks) => play(1500, 10, { worker: { tasks, cores: 1 } }));
    for (const [index, next] of speeds.slice(1).entries())
      expect(next.speedMs.p95).toBeLessThanOrEqual(speeds[index]!.speedMs.p95 * 1.05);
    // 15,000 leads at one millisecond, and a fiftieth of the turn.
    expect(speeds[0]!.doneAfterSeconds / 15.3).toBeCloseTo(1, 1);
  });

  it('uses all model slots, and no lead waits longer than half the SLA', () => {
    const outcome = play(40, 150, { ai, crm, slaSeconds: 60, concurrency: { enrichment: 100, 'crm-sync': 400 } });
    // What waits for its turn at the end gets it, too.
    expect(outcome.ai.scoredInTime).toBeGreaterThan(0.49);
    expect(outcome.ai.scoredInTime).toBeLessThan(0.62);
    expect(outcome.breaches).toBe(0);
    expect(outcome.uses[0]!.name).toBe('calls of the model a second');
    expect(outcome.uses[0]!.share).toBeCloseTo(2, 0);
  });

  it('replaces provisional scores when there is time', () => {
    const load = [
      { seconds: 100, perSecond: 40 },
      { seconds: 300, perSecond: 1 },
    ];
    const { ai: scored } = play(0, 0, { load, ai, crm, slaSeconds: 60, concurrency: { enrichment: 100, 'crm-sync': 400 } });
    expect(scored.scoredInTime).toBeLessThan(0.9);
    expect(scored.scoredInTheEnd).toBeGreaterThan(0.99);
  });

  it('falls back once the tokens of the day are spent', () => {
    const outcome = play(10, 100, { ai: { ...ai, dailyTokens: 400 }, crm });
    // What is under way when the last token is spent goes on.
    expect(outcome.ai.calls).toBeGreaterThanOrEqual(400);
    expect(outcome.ai.calls).toBeLessThan(420);
    expect(outcome.ai.fallbacks).toBe(outcome.leads - outcome.ai.calls);
  });

  it('makes three calls of Salesforce a batch, and fewer a lead with a longer window', () => {
    const short = play(10, 300, { ai, crm });
    const long = play(10, 300, { ai, crm: { ...crm, batchWindowMs: 5000 } });
    expect(short.crm.calls / short.leads).toBeGreaterThan(0.7);
    expect(long.crm.calls / long.leads).toBeLessThan(0.1);
    expect(long.speedMs.p50).toBeGreaterThan(5000);
  });

  it('makes the calls of the day last by wider windows', () => {
    const plenty = play(10, 1200, { ai, crm });
    const scarce = play(10, 1200, { ai, crm: { ...crm, dailyLimit: 1000 } });
    expect(plenty.crm.calls).toBeGreaterThan(7000);
    expect(scarce.crm.quotaReachedAtHour).toBeNull();
    expect(scarce.breaches).toBe(0);
  });

  it('stops before the last call of the day, and says so', () => {
    const outcome = play(10, 600, { ai, crm: { ...crm, dailyLimit: 100 } });
    expect(outcome.crm.calls).toBe(95);
    expect(outcome.crm.quotaReachedAtHour).not.toBeNull();
    expect(outcome.unsynced).toBeGreaterThan(0);
    expect(outcome.speedMs.p99).toBe(Infinity);
  });

  it('finds the fewest tasks that keep the CPU below 70 %', () => {
    const { worker: tasks } = fewestTasks(scenario(300, 60, { worker: { tasks: 1, cores: 0.15 } }), calibration);
    const use = (count: number) => useOf(play(300, 60, { worker: { tasks: count, cores: 0.15 } }), 'worker CPU');
    expect(use(tasks)).toBeLessThan(0.72);
    expect(use(tasks - 1)).toBeGreaterThan(0.65);
  });
});

describe('the options', () => {
  const given = { leadsPerDay: 1000, aiP95: 3000, crmP50: 1, crmP95: 2, burstHour: 1, burst: 0, shape: 'flat' } as PredictOptions;
  it('that contradict each other are refused with a sentence', () => {
    expect(() => scenarioOf({ ...given, leadsPerDay: 0 })).toThrow('Say --leads-per-day');
    expect(() => scenarioOf({ ...given, aiP50: 4000 })).toThrow('--ai-p50 is above --ai-p95');
    expect(scenarioOf({ ...given }).ai!.p50Ms).toBe(1200);
  });
});
