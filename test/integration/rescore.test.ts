import { afterEach, describe, expect, it } from 'vitest';
import type { CrmSync } from '../../src/crm/port.js';
import { AppError } from '../../src/domain/app-error.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import type { LeadContent } from '../../src/domain/lead.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld, type PipelineWorld, type WorldOptions } from '../support/pipeline-world.js';

const aiScore: Enrichment = {
  fitScore: 77,
  intent: 'high',
  confidence: 0.9,
  evidence: [],
  reasoning: 'Asks for a quote.',
  scoreSource: 'ai',
  needsRescore: false,
  flags: [],
  provider: 'model',
  scorerVersion: '1',
};

describe.each(BACKENDS)('leads with a fallback score, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('are scored again', () => {
    let world: PipelineWorld;
    afterEach(() => world.close());

    /** A model that the test controls, and a CRM that records its calls. */
    let answer: (lead: LeadContent) => Promise<Enrichment>;
    let crm: (sync: CrmSync) => Promise<void>;
    let written: CrmSync[];
    const refuses = async (_lead: LeadContent): Promise<never> => {
      throw new AppError('AI_ANSWER_INVALID', 'no');
    };
    const open = async (options: Omit<WorldOptions, 'kind'> = {}) => {
      written = [];
      answer = refuses;
      crm = async () => {};
      world = await pipelineWorld({
        kind,
        scorer: { name: 'model', score: (lead) => answer(lead) },
        crm: async (sync) => {
          await crm(sync);
          written.push(sync);
          return { provider: 'test', leadId: 'l', memberId: 'm' };
        },
        ...options,
        // One attempt, so the first failed answer leads to the fallback score.
        env: { AI_RATE_LIMIT_PER_SECOND: '1000', LEASE_MS: '1000', RETRY_ATTEMPTS: '1', ...options.env },
      });
    };
    /** A lead that is synced with the fallback score of 50. */
    const synced = async () => {
      const [id] = await world.accept(1);
      await eventually(async () => expect(await world.states()).toEqual({ synced: 1 }));
      return id!;
    };
    const find = async (id: string) => (await world.ledger.leads.findLead(id))!;
    /** Makes the re-score due without waiting for the backoff. */
    const dueNow = () => world.pool.query(`UPDATE ledger.leads SET rescore_at = '-infinity' WHERE rescore_at < 'infinity'`);

    it('when the model answers again: the CRM has the new score, the lead was synced throughout', async () => {
      await open();
      await world.startWorker();
      const id = await synced();
      const before = (await find(id)).lead;
      expect(before.enrichment).toMatchObject({ fitScore: 50, needsRescore: true });
      answer = async () => aiScore;
      await dueNow();
      await eventually(async () => expect((await find(id)).events.at(-1)!.kind).toBe('crm-updated'));
      const { lead, events } = await find(id);
      expect(lead).toMatchObject({
        state: 'synced',
        enrichment: aiScore,
        syncedAt: before.syncedAt,
        enrichedAt: before.enrichedAt,
      });
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      const rescored = events.find((event) => event.kind === 'rescored')!;
      expect(rescored.detail).toMatchObject({ fitScore: 77, instead: { fitScore: 50, scoreSource: 'fallback' } });
      expect(written.map(({ projection }) => projection.enrichment.fitScore)).toEqual([50, 77]);
      expect(written[1]!.projection.version).toBeGreaterThan(written[0]!.projection.version);
    });

    it('not where new content came meanwhile: its score is never overwritten', async () => {
      await open();
      await world.startWorker();
      const id = await synced();
      let release!: () => void;
      const held = new Promise<void>((resolve) => (release = resolve));
      const asked: (string | null)[] = [];
      answer = async (lead) => {
        asked.push(lead.name);
        if (lead.name === null) await held;
        return { ...aiScore, fitScore: lead.name === null ? 11 : 88 };
      };
      await dueNow();
      await eventually(() => expect(asked).toEqual([null]));
      await world.accept(1, () => ({ name: 'Ann Lee' }));
      await eventually(async () =>
        expect((await find(id)).lead).toMatchObject({ state: 'synced', enrichment: { fitScore: 88 } }),
      );
      release();
      await eventually(() => expect(written.length).toBe(2));
      await world.close(); // ends the old run
      expect(written.map(({ projection }) => projection.enrichment.fitScore)).toEqual([50, 88]);
    });

    it('and a worker that ends between score and CRM has bought no second score', async () => {
      await open();
      const first = await world.startWorker('worker-1');
      const id = await synced();
      await first.workers.stop();
      // The steps of a worker before it crashes.
      await dueNow();
      const ledger = world.ledgerOf('dead');
      const [claim] = await ledger.rescores.claimForRescore(1, 100);
      await ledger.rescores.checkpointRescore(claim!, aiScore);
      answer = async () => {
        throw new Error('asked a second time');
      };
      await world.startWorker('worker-2');
      await eventually(() => expect(written.map(({ projection }) => projection.enrichment.fitScore)).toEqual([50, 77]));
      await eventually(async () => expect((await find(id)).events.at(-1)!.kind).toBe('crm-updated'));
    });

    it('no sooner than the breaker closes, at no cost in attempts', async () => {
      await open();
      let refused = false;
      let calls = 0;
      let up = false;
      // The lead is due again as soon as it is synced, so the scorer itself must know which call is the first.
      answer = async (lead) => {
        if (!refused) {
          refused = true;
          return refuses(lead);
        }
        calls++;
        if (!up) throw new AppError('AI_MISCONFIGURED', 'no such key');
        return aiScore;
      };
      await world.startWorker();
      const id = await synced();
      await dueNow();
      await eventually(() => expect(calls).toBeGreaterThan(0));
      const gateOf = async () => {
        const { rows } = await world.pool.query(`SELECT breaker FROM flow.stages WHERE stage = 'enrichment'`);
        return (rows as { breaker: string }[])[0]!.breaker;
      };
      await eventually(async () => expect(await gateOf()).not.toBe('closed'));
      await eventually(async () => {
        const { rows } = await world.pool.query('SELECT rescore_attempts AS attempts FROM ledger.leads');
        expect(rows).toEqual([{ attempts: expect.any(Number) as number }]);
        expect((rows as { attempts: number }[])[0]!.attempts).toBeLessThanOrEqual(1);
      });
      up = true;
      // No fresh lead arrives, so the re-score is the probe that closes the breaker.
      await eventually(async () => {
        await dueNow();
        expect((await find(id)).lead.enrichment).toEqual(aiScore);
      });
      expect((await find(id)).events.map((event) => event.kind)).not.toContain('rescore-failed');
    });

    it('until the tenth failure; the lead stays synced', async () => {
      await open();
      await world.startWorker();
      const id = await synced();
      await eventually(async () => {
        await dueNow();
        expect((await find(id)).lead.rescore.givenUp).toBe(true);
      });
      const { lead, events } = await find(id);
      expect(lead).toMatchObject({ state: 'synced', enrichment: { fitScore: 50, needsRescore: true } });
      const attempts = events.filter(({ kind: name }) => name.startsWith('rescore-'));
      expect(attempts.map(({ kind: name }) => name)).toEqual([...Array<string>(9).fill('rescore-failed'), 'rescore-given-up']);
      expect(attempts.at(-1)!.detail).toMatchObject({ attempt: 10, code: 'AI_ANSWER_INVALID' });
      expect(written).toHaveLength(1);
    });

    it('at the request of an operator, after the last attempt and with a score of the model too', async () => {
      await open();
      await world.startWorker();
      const id = await synced();
      await world.pool.query(`UPDATE ledger.leads SET rescore_at = 'infinity'`);
      for (const fitScore of [77, 12]) {
        answer = async () => ({ ...aiScore, fitScore });
        expect(await world.ledger.rescores.requestRescore(id, 'ann')).toBe(true);
        await eventually(() => expect(written.at(-1)!.projection.enrichment.fitScore).toBe(fitScore));
      }
      const { lead, events } = await find(id);
      expect([lead.state, lead.enrichment!.fitScore]).toEqual(['synced', 12]);
      expect(events.filter(({ kind }) => kind === 'rescore-requested').map(({ detail }) => detail['by'])).toEqual(['ann', 'ann']);
      expect(await world.ledger.rescores.requestRescore(leadIdOf('other@acme.com', 'c'), 'ann')).toBe(false);
    });

    it('without a call of the CRM where it shows newer content of the person', async () => {
      await open();
      await world.startWorker();
      const id = await synced();
      // The older lead is due as soon as it is synced, so it is refused until the CRM has the newer content.
      answer = async (lead) => (lead.campaignId === 'later' ? { ...aiScore, fitScore: 90 } : refuses(lead));
      const email = 'p0@acme.com';
      const key = { id: leadIdOf(email, 'later'), personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'later' };
      const { leadId, epoch, jobId } = await world.ledger.intake.accept({ ...key, name: null, attributes: { title: 'VP' } });
      world.publisher.publish('enrichment', { leadId, epoch, jobId });
      await eventually(async () => expect(await world.states()).toEqual({ synced: 2 }));
      answer = async () => ({ ...aiScore, fitScore: 20 });
      await eventually(async () => {
        await dueNow();
        expect((await find(id)).events.at(-1)!.kind).toBe('crm-updated');
      });
      expect((await find(id)).lead.enrichment!.fitScore).toBe(20);
      expect(written.map(({ projection }) => projection.enrichment.fitScore)).toEqual([50, 90]);
    });
  });
});
