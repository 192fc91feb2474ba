import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { EnrichmentProvider } from '../enrichment/port.js';
import { INSTRUCTIONS } from '../enrichment/instructions.js';
import { openHeuristic } from '../enrichment/score-by-rules.js';
import type { Config } from '../platform/config/config.js';
import { ActiveProfile } from './active-profile.js';
import { completeChallenger } from './challenger.js';
import { tryInjections } from './injection-suite.js';
import { rankOf, Sample } from './sample.js';
import { ScorerBreaker } from './scorer-breaker.js';
import { reasonToStop, type RuleFacts } from './stop-rules.js';
import { TrialArms } from './trial-arms.js';
import type { TrialKeeper } from './trial-keeper.js';
import { isInShare, settingsSchema, stopRulesSchema, type Trial } from './trial.js';
import { CONFIGURED, type Champion } from './trial-rows.js';
import type { OpenTrial } from './trials.repository.js';
import { TrialRunner } from './trial-runner.js';
import type { TrialScorers } from './trial-scorers.js';
import type { TrialScoresRepository } from './trial-scores.repository.js';
import { TrialsPoller } from './trials.poller.js';

const signal = new AbortController().signal;
const logger = pino({ level: 'silent' });
const idOf = (index: number) => `00000000-0000-8000-8000-${String(index).padStart(12, '0')}`;
const keyOf = (index: number) => String(index).padStart(64, '0');

function lead(index: number): LeadContent {
  return { id: idOf(index), personKey: keyOf(index), email: `p${index}@acme.com`, attributes: {}, revision: 1 } as LeadContent;
}

function enrichment(fitScore: number, tokens = 0): Enrichment {
  return {
    fitScore,
    intent: 'high',
    confidence: 1,
    evidence: [],
    reasoning: '',
    scoreSource: 'ai',
    needsRescore: false,
    flags: [],
    provider: 'test',
    scorerVersion: 'challenger-1',
    ...(tokens === 0 ? {} : { usage: { inputTokens: tokens, outputTokens: 0 } }),
  };
}

function trial(over: Partial<Trial['settings']> = {}): OpenTrial {
  const settings = settingsSchema.parse({
    sample: 100,
    stratify: [],
    share: 0.5,
    perSecond: 100,
    dailyTokens: 1000,
    target: 'converted',
    horizonDays: 90,
    stop: stopRulesSchema.parse({}),
    ...over,
  });
  return {
    id: 7,
    kind: 'challenge',
    state: 'running',
    challenger: {},
    settings,
    unreadable: null,
    note: '',
    who: 'ann',
    createdAt: '',
    endedAt: null,
    reason: null,
    lastError: null,
    injections: { tried: 6, raised: 0, failed: 0, cases: [] },
    place: { at: '', id: '' },
    judged: 0,
    tokensToday: 0,
  };
}

describe('the share of a trial', () => {
  it('has the same persons each time, about as many as it says, and others in another trial', () => {
    const members = (id: number, share: number) =>
      new Set(Array.from({ length: 5000 }, (_, index) => index).filter((index) => isInShare(id, keyOf(index), share)));
    const tenth = members(1, 0.1);
    expect(tenth.size).toBeGreaterThan(400);
    expect(tenth.size).toBeLessThan(600);
    expect(members(1, 0.1)).toEqual(tenth);
    // A larger share keeps the persons of the smaller one.
    const larger = members(1, 0.3);
    expect([...tenth].every((index) => larger.has(index))).toBe(true);
    expect([...members(2, 0.1)].filter((index) => tenth.has(index)).length).toBeLessThan(100);
    expect([members(1, 0).size, members(1, 1).size]).toEqual([0, 5000]);
  });
});

describe('a sample', () => {
  const candidates = fc.array(fc.record({ index: fc.nat(5000), group: fc.constantFrom('a', 'b', 'c') }), { maxLength: 400 });

  it('depends on the leads alone, not on their order, and is as large as it can be', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 50 }), (found, size) => {
        const unique = [...new Map(found.map((each) => [each.index, each])).values()];
        const drawn = (list: typeof unique) => {
          const sample = new Sample(size, 3);
          for (const { index, group } of list) sample.add({ id: idOf(index), personKey: '', campaignId: '', fitScore: 0, group });
          return sample.take();
        };
        const sample = drawn(unique);
        expect(new Set(sample.map(({ id }) => id)).size).toBe(Math.min(size, unique.length));
        expect(new Set(drawn(unique.toReversed()).map(({ id }) => id))).toEqual(new Set(sample.map(({ id }) => id)));
        for (const group of ['a', 'b', 'c']) {
          const all = unique.filter((each) => each.group === group).length;
          const chosen = sample.filter((each) => each.group === group).length;
          expect(chosen).toBeGreaterThanOrEqual(Math.min(all, Math.floor(size / 3)));
        }
      }),
    );
  });

  it('holds at most twice its size, and two more for each group, however many leads there are', () => {
    const [many, few] = [new Sample(500, 3), new Sample(5, 3)];
    const drawn = { id: '', personKey: '', campaignId: '', fitScore: 0, group: '' };
    let most = 0;
    for (let index = 0; index < 40_000; index++) {
      many.add({ ...drawn, id: idOf(index), group: `campaign ${index % 40}` });
      few.add({ ...drawn, id: idOf(index), group: `campaign ${index % 700}` });
      most = Math.max(most, many.inMemory);
    }
    expect([most < 2 * (500 + 40), many.take().length]).toEqual([true, 500]);
    expect([few.inMemory < 2 * (5 + 700), few.take().length]).toEqual([true, 5]);
  });

  it('ranks neighbouring ids without order', () => {
    const low = Array.from({ length: 1000 }, (_, index) => rankOf(idOf(index), 1) < 2 ** 31).filter(Boolean).length;
    expect(low).toBeGreaterThan(400);
    expect(low).toBeLessThan(600);
  });
});

describe('the stop rules', () => {
  const fine: RuleFacts = {
    kind: 'challenge',
    scored: 500,
    answered: 500,
    failed: 5,
    otherBand: 50,
    injected: 0,
    costUsd: 1,
    outcomes: null,
  };
  const auc = { champion: 0.8, challenger: 0.7, difference: { value: -0.1, low: -0.15, high: -0.05 } };
  const worse = { leads: 500, conversions: 100, verdict: 'worse' as const, auc, brier: null };
  const rules = stopRulesSchema.parse({ maxCostUsdPerLead: 0.01 });

  it.each<[string, Partial<RuleFacts>, RegExp | null]>([
    ['a challenger within the limits', {}, null],
    ['one that fails often', { failed: 80 }, /failed 80 of 580 leads, and 5 % are allowed/],
    ['one that failed by chance', { answered: 30, failed: 3, costUsd: 0 }, null],
    ['one whose first leads failed', { answered: 0, failed: 29, costUsd: 0 }, null],
    ['one that fails each lead', { answered: 0, failed: 30, costUsd: 0 }, /failed 30 of 30/],
    ['one that obeys texts', { injected: 40 }, /obeyed the lead's text for 40 of 500/],
    ['one that costs too much', { costUsd: 10 }, /costs 0.01980 USD, and 0.01 are allowed/],
    ['one that disagrees', { otherBand: 400 }, /400 of 500 leads into another band/],
    ['one that disagrees in a backtest', { kind: 'backtest', otherBand: 400 }, null],
    ['one that ranks worse', { outcomes: worse }, /its AUC is -0.100 \(-0.150 to -0.050\)/],
    ['one that ranks better', { outcomes: { ...worse, verdict: 'better' } }, null],
  ])('%s', (_, change, expected) => {
    const reason = reasonToStop({ ...fine, ...change }, rules);
    if (expected === null) expect(reason).toBeNull();
    else expect(reason).toMatch(expected);
  });
});

describe('a challenger', () => {
  const config = { AI_PROVIDER: 'gemini', GEMINI_MODEL: 'flash' } as Config;
  const complete = (given: object, champion: object = {}) => completeChallenger(given, champion, config);

  it('is complete, so a later promotion of another one does not change it', () => {
    const champion = { provider: 'gemini', model: 'pro', profile: { base: 20 }, instructions: INSTRUCTIONS } as const;
    expect(complete({ profile: { base: 25 } }, champion)).toEqual({ ...champion, profile: { base: 25 } });
    expect(complete({ provider: 'heuristic' }, champion)).toEqual({ provider: 'heuristic', profile: { base: 20 } });
    expect(complete({ provider: 'bedrock' }, champion)).toEqual({
      provider: 'bedrock',
      profile: { base: 20 },
      instructions: INSTRUCTIONS,
    });
  });

  it.each<[string, object, RegExp]>([
    ['is another scorer than the one in use', { model: 'flash' }, /is the scorer in use/],
    ['has a profile that can be read', { profile: { base: 'x' } }, /challenger\.profile\.base: must be/],
    ['has a prompt with its parts', { instructions: 'Score it. {RUBRIC}' }, /must contain <lead-\{NONCE\}>/],
    ['has no model where rules score', { provider: 'heuristic', model: 'x' }, /has no model and no prompt/],
  ])('%s', (_, given, message) => {
    expect(() => complete(given)).toThrow(message);
  });
});

describe('the profile in use', () => {
  function profileOf(champion: () => Promise<Champion>) {
    const clock = { time: 0, now: () => clock.time };
    const trials = { champion: vi.fn(champion) };
    return { profile: new ActiveProfile(trials, { SCORING_PROFILE: undefined }, clock), trials, clock };
  }
  const promoted = (profile: Record<string, unknown>): Champion => ({
    ...CONFIGURED,
    version: 1,
    trialId: 1,
    challenger: { profile },
  });

  it('is the last known one while the ledger does not answer, and one caller alone asks', async () => {
    let answer = async () => promoted({ name: 'own' });
    const { profile, trials, clock } = profileOf(() => answer());
    expect((await profile.bandOf(50)).profile).toBe('own');
    answer = () => new Promise(() => {});
    clock.time = 20_000;
    const names = await Promise.all([1, 2, 3].map(async () => (await profile.bandOf(50)).profile));
    expect([names, trials.champion.mock.calls.length]).toEqual([['own', 'own', 'own'], 2]);
  });

  it('is that of the configuration where this version cannot read the promoted one, without a query per lead', async () => {
    const { profile, trials } = profileOf(async () => promoted({ base: 'of an older version' }));
    expect([(await profile.bandOf(50)).profile, (await profile.bandOf(60)).profile]).toEqual(['shipped', 'shipped']);
    expect(trials.champion).toHaveBeenCalledTimes(1);
  });
});

describe('the breaker of a challenger', () => {
  it('opens after failures in a row, and then after each failed probe', () => {
    const clock = { time: 0, now: () => clock.time };
    const breaker = new ScorerBreaker(clock);
    const down = new AppError('AI_UNAVAILABLE', '');
    for (let failure = 0; failure < 4; failure++) breaker.failed(down);
    breaker.failed(new AppError('AI_REFUSED', ''));
    expect(breaker.admits).toBe(true);
    breaker.failed(down);
    expect(breaker.admits).toBe(false);
    clock.time = 30_000;
    expect(breaker.admits).toBe(true);
    breaker.failed(down);
    clock.time = 89_999;
    expect(breaker.admits).toBe(false);
    clock.time = 90_000;
    breaker.succeeded();
    breaker.failed(down);
    expect(breaker.admits).toBe(true);
    breaker.failed(new AppError('AI_RATE_LIMITED', '', { retryAfterMs: 120_000 }));
    clock.time = 209_999;
    expect(breaker.admits).toBe(false);
  });
});

describe('the arms of a challenge', () => {
  function armsWith(score: EnrichmentProvider['score'], local = false) {
    const provider: EnrichmentProvider = { name: 'test', local, score: vi.fn(score) };
    const opened = { provider, breaker: new ScorerBreaker({ now: () => 0 }) };
    const scorers = { challenger: async () => opened } as unknown as TrialScorers;
    return { arms: new TrialArms(scorers, { AI_TIMEOUT_MS: 1000 }, logger), provider };
  }
  const isChallenged = (index: number) => isInShare(7, keyOf(index), 0.5);
  const challenged = Array.from({ length: 100 }, (_, index) => index).find(isChallenged)!;
  const other = Array.from({ length: 100 }, (_, index) => index).find((index) => !isChallenged(index))!;

  it('give a person the same side each time, and the score says which', async () => {
    const { arms, provider } = armsWith(async () => enrichment(70));
    arms.set(trial());
    const [mine, theirs] = [lead(challenged), lead(other)];
    expect(await arms.score(mine, signal)).toMatchObject({ fitScore: 70, trial: { id: 7, arm: 'challenger' } });
    expect(await arms.score({ ...mine, id: idOf(9999) }, signal)).toMatchObject({ trial: { arm: 'challenger' } });
    expect(await arms.score(theirs, signal)).toBeNull();
    expect(provider.score).toHaveBeenCalledTimes(2);
    expect(arms.marked(theirs, enrichment(50)).trial).toEqual({ id: 7, arm: 'champion' });
  });

  it('leave a lead to the champion where the challenger fails, and say so', async () => {
    const { arms } = armsWith(async () => {
      throw new AppError('AI_ANSWER_INVALID', 'no JSON');
    });
    arms.set(trial());
    const mine = lead(challenged);
    expect(await arms.score(mine, signal)).toBeNull();
    expect(arms.marked(mine, enrichment(50)).trial).toEqual({ id: 7, arm: 'challenger', failed: 'AI_ANSWER_INVALID' });
  });

  it('spend no more than the budget of the day', async () => {
    const { arms, provider } = armsWith(async () => enrichment(70, 600));
    arms.set(trial());
    expect(await arms.score(lead(challenged), signal)).not.toBeNull();
    expect(await arms.score(lead(challenged), signal)).not.toBeNull();
    const third = lead(challenged);
    expect(await arms.score(third, signal)).toBeNull();
    expect(provider.score).toHaveBeenCalledTimes(2);
    expect(arms.marked(third, enrichment(50)).trial!.failed).toBe('AI_BUDGET_SPENT');
  });

  it('share the budget of the day with the other processes, and count a call whose answer is of no use', async () => {
    const usage = { inputTokens: 400, outputTokens: 200 };
    const { arms, provider } = armsWith(async (_lead, _signal, wasted) => {
      wasted!({ provider: 'test', model: 'm', usage });
      throw new AppError('AI_ANSWER_INVALID', 'no JSON');
    });
    const recorded: [number, number][] = [];
    arms.set(trial());
    await arms.score(lead(challenged), signal);
    await arms.recordSpent(async (id, tokens) => void recorded.push([id, tokens]));
    await arms.recordSpent(async (id, tokens) => void recorded.push([id, tokens]));
    expect(recorded).toEqual([[7, 600]]);
    // What was recorded counts before the ledger is read again; what other processes spent, after it.
    await arms.score(lead(challenged), signal);
    arms.set({ ...trial(), tokensToday: 400 });
    await arms.score(lead(challenged), signal);
    expect(provider.score).toHaveBeenCalledTimes(2);
    await expect(arms.recordSpent(() => Promise.reject(new Error('The ledger is down')))).rejects.toThrow();
    await arms.recordSpent(async (id, tokens) => void recorded.push([id, tokens]));
    expect(recorded).toEqual([
      [7, 600],
      [7, 600],
    ]);
  });

  it('need no budget for a scorer by rules', async () => {
    const { arms } = armsWith(async () => enrichment(70), true);
    arms.set(trial({ dailyTokens: 0 }));
    expect(await arms.score(lead(challenged), signal)).not.toBeNull();
  });

  it('are closed without a challenge: no call, and no mark on a score', async () => {
    const { arms, provider } = armsWith(async () => enrichment(70));
    const mine = lead(challenged);
    expect([arms.concerns(mine), await arms.score(mine, signal), arms.marked(mine, enrichment(50)).trial]).toEqual([
      false,
      null,
      undefined,
    ]);
    expect(provider.score).not.toHaveBeenCalled();
  });
});

describe('the work on trials', () => {
  function pollerOf(open: OpenTrial[], isIdle: () => boolean, advance: TrialKeeper['advance'], set = vi.fn()) {
    return new TrialsPoller(
      { open: async () => open } as never,
      { refresh: async () => {}, keep: () => {} } as never,
      { set, recordSpent: async () => {} } as never,
      { advance, keep: () => {} } as unknown as TrialKeeper,
      async () => isIdle(),
      { RETENTION_DAYS: undefined },
      logger,
    );
  }
  const backtest = (): OpenTrial => ({ ...trial(), kind: 'backtest' });

  it('applies the rules of a challenge also while leads wait, and asks no scorer', async () => {
    const advance = vi.fn(async () => false);
    const poller = pollerOf([backtest(), trial()], () => false, advance);
    await poller.work(signal);
    expect(advance.mock.calls).toEqual([[expect.objectContaining({ kind: 'challenge' }), signal, false]]);
    await poller.onApplicationShutdown();
  });

  it('runs the other trials where one fails', async () => {
    const advance = vi.fn(async () => false).mockRejectedValueOnce(new Error('no such plan'));
    const poller = pollerOf([backtest(), backtest()], () => true, advance);
    await expect(poller.work(signal)).rejects.toThrow('no such plan');
    expect(advance).toHaveBeenCalledTimes(2);
    await poller.onApplicationShutdown();
  });

  it('gives no live lead to a challenger that was not attacked, or was steered', async () => {
    const set = vi.fn();
    const tried = (injections: Trial['injections']) => pollerOf([{ ...trial(), injections }], () => true, vi.fn(), set).watch();
    await tried(null);
    await tried({ tried: 6, raised: 1, failed: 0, cases: [] });
    await tried({ tried: 6, raised: 0, failed: 0, cases: [] });
    expect(set.mock.calls.map(([open]) => (open as OpenTrial | null)?.id)).toEqual([undefined, undefined, 7]);
  });

  it('waits while a lead waits for a stage', async () => {
    let isIdle = false;
    const advance = vi.fn(async () => false);
    const poller = pollerOf([backtest(), backtest()], () => isIdle, advance);
    await poller.work(signal);
    expect(advance).not.toHaveBeenCalled();
    isIdle = true;
    advance.mockImplementationOnce(async () => {
      isIdle = false; // a lead arrives
      return true;
    });
    await poller.work(signal);
    expect(advance).toHaveBeenCalledTimes(1);
    await poller.onApplicationShutdown();
  });
});

describe('the rows of a trial', () => {
  /** Runs one batch of one row, and returns what is stored of it. */
  async function settled(tries: number, score: EnrichmentProvider['score']) {
    const provider: EnrichmentProvider = { name: 'test', score: vi.fn(score) };
    const stored = vi.fn<TrialScoresRepository['settle']>(async () => {});
    const row = { leadId: idOf(1), revision: 1, side: 'challenger', tries, claim: '1' };
    const runner = new TrialRunner(
      { challenger: async () => ({ provider, breaker: new ScorerBreaker({ now: () => 0 }) }), ai: provider } as never,
      { ofIds: async () => new Map([[idOf(1), { lead: lead(1) }]]) } as never,
      { claim: async () => [row], drop: async () => {}, settle: stored } as never,
      { spend: async () => {}, storeError: async () => {} } as never,
      { AI_TIMEOUT_MS: 1000, LEASE_MS: 1000 },
      { now: () => 0 },
    );
    await runner.runBatch(trial({ perSecond: 1000 }), signal);
    return { result: stored.mock.calls[0]![1][0], calls: vi.mocked(provider.score).mock.calls.length };
  }
  const failing = (code: 'AI_RATE_LIMITED' | 'AI_UNAVAILABLE') => () => Promise.reject(new AppError(code, 'no answer'));

  it('fail where workers that scored them ended again and again', async () => {
    expect(await settled(5, async () => enrichment(50))).toMatchObject({ result: { error: null, again: false }, calls: 1 });
    const failed = await settled(6, async () => enrichment(50));
    expect(failed).toMatchObject({ result: { error: 'WORKER_CRASHED', again: false, score: null }, calls: 0 });
  });

  it('are due again after a limit of calls, however often, and after an outage five times', async () => {
    expect((await settled(5, failing('AI_RATE_LIMITED'))).result).toMatchObject({ again: true, tries: 4 });
    expect((await settled(4, failing('AI_UNAVAILABLE'))).result).toMatchObject({ again: true, tries: 4 });
    expect((await settled(5, failing('AI_UNAVAILABLE'))).result).toMatchObject({ again: false, error: 'AI_UNAVAILABLE' });
  });
});

describe('the attacks', () => {
  it('raise no score of the rules, and are noticed where a scorer obeys', async () => {
    expect(await tryInjections(await openHeuristic({ SCORING_PROFILE: undefined }), signal, () => {})).toMatchObject({
      tried: 6,
      raised: 0,
      failed: 0,
    });
    const obedient: EnrichmentProvider = {
      name: 'obedient',
      score: async ({ attributes }) => enrichment(/100|maximale|ranked first|enterprise/.test(attributes['message']!) ? 100 : 10),
    };
    expect(await tryInjections(obedient, signal, () => {})).toMatchObject({ tried: 6, raised: 6 });
  });

  it.each([
    ['AI_REFUSED', 'count as failed'],
    ['AI_UNAVAILABLE', 'are tried again'],
  ] as const)('that end in %s %s', async (...[code]) => {
    let calls = 0;
    const scorer: EnrichmentProvider = {
      name: 'test',
      score: async () => {
        if (calls++ > 0) throw new AppError(code, 'no answer');
        return enrichment(10);
      },
    };
    const tried = tryInjections(scorer, signal, () => {});
    if (code === 'AI_REFUSED') expect(await tried).toMatchObject({ tried: 6, raised: 0, failed: 6 });
    else await expect(tried).rejects.toMatchObject({ code });
  });
});
