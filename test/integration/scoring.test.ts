import { afterEach, describe, expect, it } from 'vitest';
import type { EnrichmentProvider } from '../../src/enrichment/port.js';
import { AppError } from '../../src/domain/app-error.js';
import { listAiCosts } from '../../src/flow-control/ai-spend.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld, type PipelineWorld, type WorldOptions } from '../support/pipeline-world.js';

const aiScore: Enrichment = {
  fitScore: 77,
  intent: 'high',
  confidence: 0.9,
  evidence: [],
  reasoning: '',
  scoreSource: 'ai',
  needsRescore: false,
  flags: [],
  provider: 'model',
  scorerVersion: '1',
};
const model = (score: EnrichmentProvider['score']): EnrichmentProvider => ({ name: 'model', score });

describe.each(BACKENDS)('scoring by a model, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('never holds a lead up', () => {
    let world: PipelineWorld;
    afterEach(() => world.close());
    const open = async (options: Omit<WorldOptions, 'kind'>) =>
      (world = await pipelineWorld({ kind, rescoring: false, ...options }));
    const sources = async () => {
      const { rows } = await world.pool.query<{ source: string; count: number }>(
        `SELECT enrichment->>'scoreSource' AS source, count(*)::int AS count FROM ledger.leads GROUP BY 1`,
      );
      return Object.fromEntries(rows.map(({ source, count }) => [source, count]));
    };

    it('scores at the configured rate', async () => {
      const times: number[] = [];
      await open({
        scorer: model(async () => {
          times.push(Date.now());
          return aiScore;
        }),
        env: { AI_RATE_LIMIT_PER_SECOND: '20' },
      });
      await world.startWorker();
      await world.accept(30);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 30 }));
      // 1450 ms apart by the rate, less what the first call was late.
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(1000);
      expect(await sources()).toEqual({ ai: 30 });
    });

    it('waits out a rate limit without counting an attempt, and goes on with 50 at the deadline', async () => {
      await open({
        scorer: model(async () => {
          throw new AppError('AI_RATE_LIMITED', 'quota', { retryAfterMs: 60_000 });
        }),
        env: { AI_DEADLINE_SECONDS: '2' },
      });
      await world.startWorker();
      const [id] = await world.accept(5);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 5 }));
      const { lead, events } = (await world.ledger.leads.findLead(id!))!;
      expect(lead.enrichment).toMatchObject({ fitScore: 50, scoreSource: 'fallback', needsRescore: true });
      expect(lead.enrichment!.flags).toEqual(['fallback:AI_RATE_LIMITED']);
      expect(lead.attempts.enrichment).toBe(0);
      expect(events.map((event) => event.kind)).toEqual(['received', 'enriched', 'synced']);
    });

    it('goes on by the deadline where the key is wrong, with the breaker open and the reason in it', async () => {
      await open({
        scorer: model(async () => {
          throw new AppError('AI_MISCONFIGURED', 'no such key');
        }),
        env: { AI_DEADLINE_SECONDS: '1' },
      });
      const { store } = await world.startWorker();
      await world.accept(20);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 20 }));
      expect(await sources()).toEqual({ fallback: 20 });
      const row = (await store.stages()).find(({ stage }) => stage === 'enrichment')!;
      expect(row).toMatchObject({ reason: 'configuration', code: 'AI_MISCONFIGURED' });
    });

    it('falls back after five attempts that time out, and at once where the model refuses', async () => {
      await open({
        scorer: model(async (lead, signal) => {
          if (lead.email === 'p0@acme.com') throw new AppError('AI_REFUSED', 'no');
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        }),
        env: { AI_TIMEOUT_MS: '100' },
      });
      await world.startWorker();
      const [refused, hanging] = await world.accept(2);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 2 }));
      const first = (await world.ledger.leads.findLead(refused!))!;
      expect(first.lead.enrichment).toMatchObject({ scoreSource: 'fallback', flags: ['fallback:AI_REFUSED'] });
      expect(first.lead.attempts.enrichment).toBe(1);
      const second = (await world.ledger.leads.findLead(hanging!))!;
      expect(second.lead.enrichment).toMatchObject({ fitScore: 50, flags: ['fallback:AI_TIMEOUT'] });
      expect(second.lead.attempts.enrichment).toBe(5);
    });

    it('stops spending at the budget of the day, whichever worker spent it', async () => {
      await open({
        scorer: model(async () => ({ ...aiScore, model: 'm-1', usage: { inputTokens: 90, outputTokens: 10, costUsd: 0.001 } })),
        env: { AI_DAILY_TOKEN_BUDGET: '1000', AI_CONCURRENCY: '2', AI_RATE_LIMIT_PER_SECOND: '40' },
      });
      await world.startWorker('worker-1');
      await world.startWorker('worker-2');
      await world.accept(40);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 40 }));
      const { ai = 0, fallback = 0 } = await sources();
      expect(ai).toBeGreaterThanOrEqual(10);
      expect(ai).toBeLessThan(25);
      expect(fallback).toBe(40 - ai);
      await eventually(async () => {
        const { rows } = await world.pool.query('SELECT sum(input_tokens + output_tokens)::int AS tokens FROM flow.ai_costs');
        expect(rows).toEqual([{ tokens: ai * 100 }]);
      });
      // The costs of both workers together.
      expect(await listAiCosts(world.pool, 1)).toEqual([
        {
          day: new Date().toISOString().slice(0, 10),
          provider: 'model',
          model: 'm-1',
          scorings: ai,
          inputTokens: ai * 90,
          outputTokens: ai * 10,
          costUsd: expect.closeTo(ai * 0.001, 9) as number,
        },
      ]);
      const { rows } = await world.pool.query(
        `SELECT count(*)::int AS count FROM ledger.leads WHERE enrichment->'flags' ? 'fallback:AI_BUDGET_SPENT'`,
      );
      expect(rows).toEqual([{ count: fallback }]);
    });

    it('counts what was paid for in vain, against the budget too', async () => {
      await open({
        scorer: model(async (_lead, _signal, wasted) => {
          wasted!({ provider: 'model', model: 'm-1', usage: { inputTokens: 450, outputTokens: 50, costUsd: 0.01 } });
          throw new AppError('AI_ANSWER_INVALID', 'The answer of the model was cut off.');
        }),
        env: { AI_DAILY_TOKEN_BUDGET: '1000' },
      });
      await world.startWorker();
      const [id] = await world.accept(1);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 1 }));
      expect((await world.ledger.leads.findLead(id!))!.lead.enrichment!.flags).toEqual(['fallback:AI_BUDGET_SPENT']);
      await eventually(async () => {
        const { rows } = await world.pool.query('SELECT sum(input_tokens + output_tokens)::int AS tokens FROM flow.ai_costs');
        expect(rows).toEqual([{ tokens: 1000 }]);
      });
      expect(await listAiCosts(world.pool, 1)).toMatchObject([
        {
          provider: 'model',
          model: 'm-1',
          scorings: 0,
          inputTokens: 900,
          outputTokens: 100,
          costUsd: expect.closeTo(0.02, 9) as number,
        },
      ]);
    });

    it('recovers from a short outage of the model, and scores everything then', async () => {
      let up = false;
      await open({
        scorer: model(async () => {
          if (!up) throw new AppError('AI_UNAVAILABLE', 'down');
          return aiScore;
        }),
        env: { AI_RATE_LIMIT_PER_SECOND: '1000' },
      });
      const { store } = await world.startWorker();
      await world.accept(40);
      await eventually(async () =>
        expect((await store.stages()).find(({ stage }) => stage === 'enrichment')!.trips).toBeGreaterThan(2),
      );
      up = true;
      await eventually(async () => expect(await world.states()).toEqual({ synced: 40 }));
      expect(await sources()).toEqual({ ai: 40 });
    });
  });
});

describe.skipIf(!hasRedis())('more leads than the model can take in time', () => {
  let world: PipelineWorld;
  afterEach(() => world.close());

  it('gives the turns to the leads that the heuristic ranks highest; the others go on with its score', async () => {
    const asked: string[] = [];
    world = await pipelineWorld({
      kind: 'redis',
      rescoring: false,
      scorer: model(async (lead) => {
        asked.push(lead.attributes['title'] ?? '');
        return aiScore;
      }),
      env: { AI_RATE_LIMIT_PER_SECOND: '10', SPEED_TO_LEAD_SLA_SECONDS: '6' },
    });
    // All leads wait before the first slot is assigned, since the workers start when the queue is full.
    const wanted: Record<string, string> = { title: 'VP Sales', message: 'Please call me about a quote for 200 seats' };
    const ids = await world.accept(60, (index) => ({ attributes: index % 3 === 0 ? wanted : { title: 'Intern' } }));
    await world.publisher.idle();
    await world.startWorker();
    await eventually(async () => expect(await world.states()).toEqual({ synced: 60 }));
    const scored = asked.length;
    expect(scored).toBeGreaterThan(2);
    expect(scored).toBeLessThan(40);
    // The first lead may have been called before all waited.
    expect(asked.slice(1, 15).filter((title) => title !== 'VP Sales').length).toBeLessThanOrEqual(1);
    const { rows } = await world.pool.query(
      `SELECT count(*)::int AS count FROM ledger.leads WHERE enrichment->>'scoreSource' = 'heuristic'
       AND (enrichment->>'needsRescore')::boolean AND enrichment->'flags' ? 'stand-in:AI_OVERLOADED'`,
    );
    expect(rows).toEqual([{ count: ids.length - scored }]);
    const { values } = await world.metrics.aiTurns.get();
    expect(Object.fromEntries(values.map(({ labels, value }) => [labels['outcome'], value]))).toEqual({
      taken: scored,
      missed: ids.length - scored,
    });
  });
});
