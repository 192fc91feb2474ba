import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PostgresCrmProvider } from '../../src/crm/postgres/postgres-crm.provider.js';
import type { CrmProvider } from '../../src/crm/port.js';
import { HeuristicProvider } from '../../src/enrichment/heuristic/heuristic.provider.js';
import { AppError } from '../../src/domain/app-error.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { PrivacyService } from '../../src/ops/privacy/privacy.service.js';
import { CrmErasurePoller } from '../../src/pipeline/crm-erasure.poller.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { pipelineWorld } from '../support/pipeline-world.js';

const logger = pino({ level: 'silent' });
const ANN = 'ann@acme.com';
const BOB = 'bob@acme.com';

/** Blocks every caller until it is opened. */
function barrier() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const state = { held: 0, wait: () => (state.held++, opened), open };
  return state;
}

describe.each(BACKENDS)('an erasure, queue on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('ends a person', () => {
    const undo: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const step of undo.splice(0).toReversed()) await step();
    });

    async function start({ graceMs = 0, beforeCrm = async () => {}, beforeScore = async () => {} } = {}) {
      let mock: CrmProvider | undefined;
      const heuristic = new HeuristicProvider();
      const world = await pipelineWorld({
        kind,
        crm: async (request, signal) => {
          await beforeCrm();
          return mock!.sync(request, signal);
        },
        scorer: {
          name: 'held',
          local: true,
          score: async (lead) => {
            await beforeScore();
            return heuristic.score(lead);
          },
        },
      });
      undo.push(() => world.close());
      const crm = (mock = new PostgresCrmProvider(world.databaseUrl));
      undo.push(() => crm.close());
      await world.startWorker();
      const forget = vi.fn();
      const runnerFor = (provider: Pick<CrmProvider, 'name' | 'erasePerson'>) =>
        new CrmErasurePoller(
          world.ledger.leaderLock,
          world.ledger.erasures,
          world.publisher,
          provider,
          { forget },
          { RETRY_BASE_MS: 1 },
          logger,
        );
      const runner = runnerFor(crm);
      const peopleWaiting = (crmWithinMs: number) =>
        new PrivacyService({ ...world, ...world.ledger, spool: null, logger, graceMs, crmWithinMs });
      const people = peopleWaiting(1000);
      const patient = peopleWaiting(20_000);
      const post = async (email: string, campaignId = 'c', attributes: Record<string, string> = {}) => {
        const key = { id: leadIdOf(email, campaignId), personKey: personKeyOf(email), email, emailRaw: email, campaignId };
        const answer = await world.ledger.intake.accept({ ...key, name: 'Ann Lee', attributes });
        if (answer.outcome !== 'duplicate') world.publisher.publish('enrichment', answer);
        return answer;
      };
      const count = async (text: string) =>
        (await world.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${text}`)).rows[0]!.n;
      const synced = (n: number) => eventually(async () => expect(await world.states()).toEqual({ synced: n }));
      /** An erasure waits for its worker; here the test triggers the worker's poll. */
      const erase = async (email: string) => {
        const erasing = patient.erase(email, 'ann');
        const demands = () => count("ledger.erasures WHERE crm = 'pending'");
        void eventually(async () => expect(await demands()).toBeGreaterThan(0)).then(() => runner.poll());
        return erasing;
      };
      return { ...world, world, crm, runner, runnerFor, people, post, count, synced, erase, forget };
    }

    it('in every store, and leaves the others alone', async () => {
      const { pool, post, synced, erase, count, backend, forget, people, ledger } = await start();
      await Promise.all([post(ANN, 'c1'), post(ANN, 'c2'), post(BOB, 'c1')]);
      await synced(3);
      const refused = { contentType: 'application/json', code: 'INVALID_BODY', detail: '', problems: [] };
      await ledger.rejections.storeRejection({ ...refused, body: Buffer.from('{"email":"ANN@acme.com", "name": }') });
      await ledger.rejections.storeRejection({ ...refused, body: Buffer.from('{"email":"joann@acme.com", "name": }') });
      const replayed = await ledger.rejections.storeRejection({ ...refused, body: Buffer.from('{"name":"Ann"}') });
      await pool.query('UPDATE ledger.rejections SET replayed_as = $2 WHERE id = $1', [replayed, leadIdOf(ANN, 'c1')]);
      // Jobs that the queue may still have of the person, after it has removed finished ones.
      await eventually(async () => expect(await backend.queue('crm-sync').counts()).toMatchObject({ active: 0, waiting: 0 }));
      const jobId = randomUUID();
      const later = { epoch: 1, jobId, dueAt: Date.now() + 3_600_000 };
      await backend.queue('crm-sync').enqueue([ANN, BOB].map((email) => ({ ...later, leadId: leadIdOf(email, 'c1') })));
      await pool.query('UPDATE ledger.leads SET job_id = $1', [jobId]);

      // What alerts have stored about the person's leads.
      await pool.query("INSERT INTO flow.alerted_leads (kind, lead_id, seq) VALUES ('hot-lead', $1, 0), ('hot-lead', $2, 0)", [
        leadIdOf(ANN, 'c2'),
        leadIdOf(BOB, 'c1'),
      ]);
      await pool.query("INSERT INTO flow.alert_messages (text, lead_ids) VALUES ('hot', ARRAY[$1, $2]::uuid[])", [
        leadIdOf(ANN, 'c1'),
        leadIdOf(BOB, 'c1'),
      ]);

      for (const email of [ANN, BOB])
        await pool.query(
          "INSERT INTO feedback.outcomes (person_key, kind, at, source) VALUES (sha256($1), 'won', now(), 'api')",
          [email],
        );

      const held = await people.export('Ann@ACME.com ', 'ann');
      expect(held.outcomes).toMatchObject([{ record: 'outcome', kind: 'won' }]);
      expect(held.leads.map((lead) => [lead['campaign_id'], (lead['events'] as unknown[]).length])).toEqual([
        ['c1', 3],
        ['c2', 3],
      ]);
      expect(held.rejections).toHaveLength(2);
      expect(held.mockCrm).toMatchObject([{ email: ANN }]);
      const members = held.mockCrm[0]!['campaignMembers'] as { campaign_id: string }[];
      expect(members.map((member) => member.campaign_id).toSorted()).toEqual(['c1', 'c2']);

      const receipt = await erase('Ann@ACME.com');
      expect(receipt).toMatchObject({ crm: 'done', crmCount: 3, who: 'ann' });
      expect(receipt.counts).toEqual({
        leads: 2,
        events: 6,
        rejections: 2,
        spool: 0,
        alerts: 2,
        outcomes: 1,
        trials: 0,
        jobs: 1,
      });
      expect(forget).toHaveBeenCalledOnce();
      expect([await count('ledger.leads'), await count('ledger.events'), await count('ledger.rejections')]).toEqual([1, 3, 1]);
      expect(await count('feedback.outcomes')).toBe(1);
      expect([await count('mock_crm.leads'), await count('mock_crm.campaign_members')]).toEqual([1, 1]);
      // Neither the receipt nor the audit log contains personal data.
      const kept = await pool.query(
        'SELECT to_jsonb(e) AS row FROM ledger.erasures e UNION ALL SELECT to_jsonb(a) FROM ledger.operator_acts a',
      );
      const text = JSON.stringify(kept.rows);
      for (const secret of ['acme', 'Lee', personKeyOf(ANN), leadIdOf(ANN, 'c1'), leadIdOf(ANN, 'c2')])
        expect(text).not.toContain(secret);
      expect(text).toMatch(/"act":"export"[^]*"act":"erase"/);
      // A second erasure finds nothing.
      expect((await erase(ANN)).counts).toMatchObject({ leads: 0, events: 0, rejections: 0 });
    });

    it('so that a lead sent again begins anew', async () => {
      const { post, synced, erase, ledger } = await start();
      await post(ANN, 'c', { title: 'VP', phone: '1' });
      await synced(1);
      await erase(ANN);
      expect(await post(ANN, 'c', { title: 'CEO' })).toMatchObject({ outcome: 'accepted', revision: 1 });
      await synced(1);
      const { lead, events } = (await ledger.leads.findLead(leadIdOf(ANN, 'c')))!;
      expect([lead.attributes, events.map(({ seq }) => seq)]).toEqual([{ title: 'CEO' }, [1, 2, 3]]);
    });

    it('whose lead is being scored: the run ends without a trace', async () => {
      const gate = barrier();
      const { post, erase, count, backend } = await start({ beforeScore: gate.wait });
      await post(ANN);
      await eventually(() => expect(gate.held).toBe(1));
      expect((await erase(ANN)).counts).toMatchObject({ leads: 1, events: 1 });
      gate.open();
      await eventually(async () => expect((await backend.queue('enrichment').counts()).active).toBe(0));
      expect([await count('ledger.leads'), await count('ledger.events'), await count('mock_crm.leads')]).toEqual([0, 0, 0]);
    });

    it('whose lead is on its way to the CRM: the run that brings it there has it taken away again', async () => {
      const gate = barrier();
      const { post, erase, count, runner, backend } = await start({ beforeCrm: gate.wait });
      await post(ANN);
      await eventually(() => expect(gate.held).toBe(1));
      await erase(ANN);
      gate.open();
      await eventually(async () => expect((await backend.queue('crm-sync').counts()).active).toBe(0));
      expect(await count('mock_crm.leads')).toBe(1); // until the last pass
      expect(await count("ledger.erasures WHERE who = 'late write' AND person_key IS NOT NULL")).toBe(1);
      await runner.poll();
      expect([await count('ledger.leads'), await count('ledger.events'), await count('mock_crm.leads')]).toEqual([0, 0, 0]);
      expect(await count('ledger.erasures WHERE person_key IS NOT NULL')).toBe(0);
    });

    it('whose worker died right after it wrote: the last pass takes that away', async () => {
      const { post, synced, people, runner, count, pool } = await start({ graceMs: 60_000 });
      await post(ANN);
      await synced(1);
      const receipt = await people.erase(ANN, 'ann');
      expect(receipt.crm).toBe('pending');
      await runner.poll();
      expect(await count('mock_crm.leads')).toBe(0);
      await pool.query(
        `INSERT INTO mock_crm.leads (person_key, version, email, last_name, company, attributes, fit_score, intent, reasoning, score_source, source_lead)
         VALUES (decode($1, 'hex'), 1, $2, 'Lee', 'Acme', '{}', 1, 'low', '', 'ai', gen_random_uuid())`,
        [personKeyOf(ANN), ANN],
      );
      await runner.poll(); // not due yet
      expect(await count('mock_crm.leads')).toBe(1);
      await pool.query('UPDATE ledger.erasures SET next_at = now(), final_at = now()');
      await runner.poll();
      expect([await count('mock_crm.leads'), await count('ledger.erasures WHERE person_key IS NULL')]).toEqual([0, 1]);
      expect(await people.receipt(receipt.id)).toMatchObject({ crm: 'done', crmCount: 3 });
    });

    it('who comes again before the CRM has forgotten: the CRM has the new content afterwards, and only that', async () => {
      const { post, synced, people, runner, pool, ledger } = await start({ graceMs: 60_000 });
      await post(ANN, 'old', { phone: '1' });
      await synced(1);
      await people.erase(ANN, 'ann');
      await post(ANN, 'new', { title: 'CEO' });
      await synced(1);
      await runner.poll();
      await eventually(async () => {
        const { rows } = await pool.query(
          'SELECT c.attributes, m.campaign_id FROM mock_crm.leads c JOIN mock_crm.campaign_members m ON m.lead_id = c.id',
        );
        expect(rows).toEqual([{ attributes: { title: 'CEO' }, campaign_id: 'new' }]);
      });
      await synced(1);
      const { lead, events } = (await ledger.leads.findLead(leadIdOf(ANN, 'new')))!;
      expect(events.map(({ kind: what }) => what)).toEqual(['received', 'enriched', 'synced', 'resync', 'synced']);
      expect(lead.crm!.leadId).toMatch(/^00Q/);
      // Its speed to lead was measured at its first arrival.
      expect((await ledger.sla.arrivals(60, 300)).count).toBe(1);
    });

    it('amid a storm of posts: what is left is whole', async () => {
      const { post, people, pool, states } = await start();
      const storm = Array.from({ length: 150 }, (_, n) => post(ANN, `c${n % 5}`, { step: String(n) }));
      const erasures = Array.from({ length: 5 }, () => people.erase(ANN, 'ann'));
      await Promise.all([...storm, ...erasures]);
      await eventually(async () => expect(Object.keys(await states()).filter((state) => state !== 'synced')).toEqual([]));
      const { rows } = await pool.query<{ whole: boolean }>(
        `SELECT l.event_seq = (SELECT count(*) FROM ledger.events e WHERE e.lead_id = l.id) AS whole FROM ledger.leads l`,
      );
      expect(rows.every(({ whole }) => whole)).toBe(true);
      const orphans = await pool.query('SELECT lead_id FROM ledger.events WHERE lead_id NOT IN (SELECT id FROM ledger.leads)');
      expect(orphans.rows).toEqual([]);
    });

    it('as far as the CRM supports it: repeated while it is down, left to an operator where it cannot erase', async () => {
      const { post, synced, people, runner, runnerFor, pool, count } = await start();
      await post(ANN);
      await synced(1);
      const away = runnerFor({ name: 'away', erasePerson: () => Promise.reject(new AppError('CRM_UNAVAILABLE', 'away')) });
      const receipt = await people.erase(ANN, 'ann');
      await away.poll();
      expect(await people.receipt(receipt.id)).toMatchObject({ crm: 'pending', lastCode: 'CRM_UNAVAILABLE', doneAt: null });
      await pool.query('UPDATE ledger.erasures SET next_at = now()');
      await runner.poll();
      expect(await people.receipt(receipt.id)).toMatchObject({ crm: 'done', crmCount: 2, lastCode: null });
      const second = await people.erase(BOB, 'ann');
      await runnerFor({ name: 'mute' }).poll();
      expect(await people.receipt(second.id)).toMatchObject({ crm: 'by-hand' });
      expect(await count('ledger.erasures WHERE person_key IS NOT NULL')).toBe(0);
    });

    it('but not for a text that is no address', async () => {
      const { people } = await start();
      for (const address of ['', 'acme.com', '%', 'ann@acme.com,bob@acme.com']) {
        await expect(people.erase(address, 'ann')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
        await expect(people.export(address, 'ann')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      }
    });
  });
});
