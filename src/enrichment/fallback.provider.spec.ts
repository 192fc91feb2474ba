import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { EnrichmentProvider } from './port.js';
import { WithSecondary } from './fallback.provider.js';

const lead = {} as LeadContent;
const never = new AbortController().signal;
const scored = (provider: string, scoreSource: Enrichment['scoreSource']): Enrichment => ({
  fitScore: 60,
  intent: 'high',
  confidence: 0.5,
  evidence: [],
  reasoning: '',
  scoreSource,
  needsRescore: false,
  flags: [],
  provider,
  scorerVersion: 'v',
});

function two(secondSource: Enrichment['scoreSource'] = 'ai') {
  const clock = { time: 0, now: () => clock.time };
  const first = vi.fn(async () => scored('first', 'ai'));
  const second = vi.fn(async () => scored('second', secondSource));
  const both = new WithSecondary({ name: 'first', score: first }, { name: 'second', score: second }, clock);
  return { clock, first, second, both };
}

describe('a scorer with a second behind it', () => {
  it('asks the first only, while it answers', async () => {
    const { both, second } = two();
    expect(await both.score(lead, never)).toMatchObject({ provider: 'first', flags: [] });
    expect(second).not.toHaveBeenCalled();
  });

  it('tells of what either cost in vain', async () => {
    const call = (provider: string) => ({ provider, model: 'm', usage: { inputTokens: 5, outputTokens: 1 } });
    const failing = (name: string): EnrichmentProvider => ({
      name,
      score: async (_lead, _signal, wasted) => {
        wasted?.(call(name));
        throw new AppError('AI_ANSWER_INVALID', 'cut off');
      },
    });
    const told = vi.fn();
    await expect(new WithSecondary(failing('a'), failing('b')).score(lead, never, told)).rejects.toThrow('cut off');
    expect(told.mock.calls).toEqual([[call('a')], [call('b')]]);
  });

  it('forgets in both what either remembers', () => {
    const [first, second] = [vi.fn(), vi.fn()];
    const score = async () => scored('x', 'ai');
    new WithSecondary({ name: 'a', score, forget: first }, { name: 'b', score, forget: second }).forget();
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1]);
    expect(() => new WithSecondary({ name: 'a', score }, { name: 'b', score }).forget()).not.toThrow();
  });

  it('asks the second where the first fails, and says so', async () => {
    const { both, first } = two();
    first.mockRejectedValueOnce(new AppError('AI_REFUSED', ''));
    expect(await both.score(lead, never)).toMatchObject({
      provider: 'second',
      flags: ['secondary:AI_REFUSED'],
      needsRescore: false,
    });
    expect(await both.score(lead, never)).toMatchObject({ provider: 'first' });
  });

  it('owes a better score where the second is made of rules', async () => {
    const { both, first } = two('heuristic');
    first.mockRejectedValueOnce(new AppError('AI_TIMEOUT', ''));
    expect((await both.score(lead, never)).needsRescore).toBe(true);
  });

  it('leaves a first alone that said how long, and comes back to it', async () => {
    const { both, first, clock } = two();
    first.mockRejectedValueOnce(new AppError('AI_RATE_LIMITED', '', { retryAfterMs: 60_000 }));
    await both.score(lead, never);
    clock.time = 59_999;
    expect(await both.score(lead, never)).toMatchObject({ provider: 'second' });
    expect(first).toHaveBeenCalledTimes(1);
    clock.time = 60_000;
    expect(await both.score(lead, never)).toMatchObject({ provider: 'first' });
  });

  it('gives the reasons of the first where neither answers', async () => {
    const { both, first, second } = two();
    first.mockRejectedValue(new AppError('AI_RATE_LIMITED', '', { retryAfterMs: 5 }));
    second.mockRejectedValue(new AppError('AI_MISCONFIGURED', ''));
    await expect(both.score(lead, never)).rejects.toMatchObject({ code: 'AI_RATE_LIMITED', retryAfterMs: 5 });
  });

  it('asks no second scorer for a caller that has gone', async () => {
    const { both, first, second } = two();
    first.mockRejectedValue(new AppError('AI_UNAVAILABLE', ''));
    await expect(both.score(lead, AbortSignal.abort())).rejects.toMatchObject({ code: 'AI_UNAVAILABLE' });
    expect(second).not.toHaveBeenCalled();
  });
});
