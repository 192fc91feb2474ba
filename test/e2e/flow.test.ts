import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const MISSION = { email: 'lead@enterprise.com', name: 'Alex Smith', campaign_id: 'launch_2024' };
const UUID_V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** One way through each backend; the default one takes every way, and in the full suite both do. */
describe.each(['redis', 'postgres'] as const)('the whole flow, queue on %s', (kind) => {
  const each = it.runIf(BACKENDS.includes(kind));
  describe.skipIf(kind === 'redis' && !hasRedis())('from webhook to CRM', () => {
    let database: Awaited<ReturnType<typeof freshDatabase>>;
    let sql: pg.Client;
    let env: Record<string, string>;
    let service: RunningProcess;

    beforeAll(async () => {
      database = await freshDatabase();
      sql = new pg.Client({ connectionString: database.url });
      await sql.connect();
      const redis = kind === 'redis' ? await freshRedis() : null;
      env = {
        DATABASE_URL: database.url,
        // A short lease, so that the claims of a killed process are taken over within the test.
        LEASE_MS: '1000',
        SWEEP_INTERVAL_MS: '500',
        ...(redis ? { REDIS_URL: redis.url } : { QUEUE_BACKEND: 'postgres' }),
      };
      service = await startProcess(env);
    });
    afterEach(async () => {
      await eventually(async () =>
        expect((await sql.query("SELECT 1 FROM ledger.leads WHERE state <> 'synced'")).rowCount).toBe(0),
      );
      await sql.query('TRUNCATE ledger.leads, ledger.events, mock_crm.leads CASCADE');
    });
    afterAll(async () => {
      expect(await service.stop()).toBe(0);
      await sql.end();
      await database.drop();
    });

    const journey = async (id: string) => (await service.get(`/ops/leads/${id}`)).body;
    const untilSynced = (id: string) =>
      eventually(async () => {
        const lead = await journey(id);
        expect(lead.state).toBe('synced');
        return lead;
      });
    const count = async (table: string) => (await sql.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0].n as number;
    const records = async () => [
      await count('ledger.leads'),
      await count('mock_crm.leads'),
      await count('mock_crm.campaign_members'),
    ];

    it("takes the mission's curl to the CRM, and shows the journey", async () => {
      const { status, body } = await service.post(MISSION);
      expect([status, body]).toEqual([202, { status: 'accepted', leadId: expect.stringMatching(UUID_V8), duplicate: false }]);
      const lead = await untilSynced(body.leadId);
      expect(lead).toMatchObject({
        id: body.leadId,
        revision: 1,
        scoreSource: 'heuristic',
        needsRescore: false,
        email: 'lead@enterprise.com',
        name: 'Alex Smith',
        campaignId: 'launch_2024',
        attempts: { enrichment: 0, 'crm-sync': 0 },
        next: null,
        crm: { provider: 'postgres', leadId: expect.stringMatching(/^00Q/), memberId: expect.stringMatching(/^00v/) },
      });
      expect(lead.fitScore).toBeGreaterThanOrEqual(0);
      expect(lead.evidence.length).toBeGreaterThan(0);
      expect(lead.events.map((event) => [event.seq, event.kind])).toEqual([
        [1, 'received'],
        [2, 'enriched'],
        [3, 'synced'],
      ]);
      const { receivedAt, enrichedAt, syncedAt } = lead.timings;
      expect(Date.parse(receivedAt)).toBeLessThanOrEqual(Date.parse(enrichedAt));
      expect(Date.parse(enrichedAt)).toBeLessThanOrEqual(Date.parse(syncedAt));
    });

    each('answers a redundant webhook with 200 duplicate, and changes nothing', async () => {
      const { leadId } = (await service.post(MISSION)).body;
      const before = await untilSynced(leadId);
      const repeat = await service.post({ ...MISSION, email: ' LEAD@Enterprise.COM ', timestamp: 'now', company: null });
      expect([repeat.status, repeat.body]).toEqual([200, { status: 'duplicate', leadId, duplicate: true }]);
      expect(await journey(leadId)).toEqual(before);
    });

    each('makes one row, one CRM lead and one membership of a hundred concurrent posts of one key', async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => service.post(MISSION)));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
      await untilSynced(answers[0]!.body.leadId);
      expect(await records()).toEqual([1, 1, 1]);
    });

    each('makes one CRM lead and two memberships of two campaigns, and shows the newer one', async () => {
      const first = await service.post({ ...MISSION, title: 'Analyst' });
      const second = await service.post({ ...MISSION, campaign_id: 'webinar', title: 'VP Sales' });
      const [a, b] = [await untilSynced(first.body.leadId), await untilSynced(second.body.leadId)];
      expect(a.crm.leadId).toBe(b.crm.leadId);
      expect(a.crm.memberId).not.toBe(b.crm.memberId);
      expect(await records()).toEqual([2, 1, 2]);
      const { rows } = await sql.query('SELECT attributes, source_lead FROM mock_crm.leads');
      expect(rows).toEqual([{ attributes: { title: 'VP Sales' }, source_lead: second.body.leadId }]);
    });

    each('makes a changed repeat revision 2 of the same records', async () => {
      const { leadId } = (await service.post(MISSION)).body;
      const before = await untilSynced(leadId);
      const changed = await service.post({ ...MISSION, title: 'CEO' });
      expect([changed.status, changed.body]).toEqual([202, { status: 'updated', leadId, duplicate: false, revision: 2 }]);
      const after = await eventually(async () => {
        const lead = await journey(leadId);
        expect([lead.state, lead.revision]).toEqual(['synced', 2]);
        return lead;
      });
      expect(after.crm).toEqual(before.crm);
      expect(after.fitScore).toBeGreaterThan(before.fitScore);
      expect(after.events.map((event) => event.kind)).toEqual([
        'received',
        'enriched',
        'synced',
        'revised',
        'enriched',
        'synced',
      ]);
      expect(await records()).toEqual([1, 1, 1]);
    });

    each('takes forms as Marketo sends them', async () => {
      const form = { email: 'ann+x@acme.com', name: 'Ann Lee', campaign_id: '987' };
      const { status, body } = await service.post(form, { form: true });
      expect(status).toBe(202);
      expect(await untilSynced(body.leadId)).toMatchObject({ email: 'ann+x@acme.com', campaignId: '987' });
      // The same lead as JSON with a numeric campaign is a duplicate.
      expect((await service.post({ ...form, campaign_id: 987 })).body).toEqual({
        status: 'duplicate',
        leadId: body.leadId,
        duplicate: true,
      });
    });

    each.each([
      ['an empty token', '{"email": , "name": "Ann"}', 400, 'INVALID_BODY'],
      ['no e-mail', '{"campaign_id": "1"}', 400, 'INVALID_LEAD'],
      ['a wrong e-mail', '{"email": "ann", "campaign_id": "1"}', 400, 'INVALID_LEAD'],
      ['an array', '[]', 400, 'INVALID_BODY'],
      ['a NUL in the key', '{"email": "a@b.co", "campaign_id": "1\\u0000"}', 400, 'INVALID_LEAD'],
      ['nothing', '', 400, 'INVALID_BODY'],
      ['too much', JSON.stringify({ ...MISSION, message: 'x'.repeat(70_000) }), 413, 'BODY_TOO_LARGE'],
    ])('makes no row and no job of %s', async (_what, text, status, code) => {
      const answer = await service.post(text);
      expect([answer.status, answer.body.code, answer.body.status]).toEqual([status, code, status]);
      expect(await count('ledger.leads')).toBe(0);
      // The last job of an earlier lead ends a moment after the lead itself.
      await eventually(async () => {
        const queues = (await service.get('/ops/queues')).body.items;
        expect(queues.map((queue) => queue.waiting + queue.active + queue.delayed)).toEqual([0, 0]);
      });
    });

    each('says what it cannot read, and what does not exist', async () => {
      const xml = await service.post('<lead/>', { headers: { 'content-type': 'text/xml' } });
      expect([xml.status, xml.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
      expect((await service.get('/nowhere')).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
      expect((await service.get('/ops/leads/not-an-id')).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    });

    each('lists leads newest first, page by page, and finds one by e-mail', async () => {
      for (let n = 0; n < 5; n++) await service.post({ email: `p${n}@acme.com`, campaign_id: 'list' });
      const seen: string[] = [];
      let cursor: string | null = '';
      do {
        const { body } = await service.get(`/ops/leads?campaign_id=list&limit=2${cursor && `&cursor=${cursor}`}`);
        seen.push(...body.items.map((lead) => lead.email));
        cursor = body.nextCursor;
      } while (cursor);
      expect(seen).toEqual(['p4@acme.com', 'p3@acme.com', 'p2@acme.com', 'p1@acme.com', 'p0@acme.com']);
      const found = await fetch(`${service.url}/ops/leads/search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'P3@acme.com' }),
      });
      expect(((await found.json()) as { items: { email: string }[] }).items.map((lead) => lead.email)).toEqual(['p3@acme.com']);
    });

    each('reports health and metrics', async () => {
      expect((await service.get('/health/live')).body).toEqual({ status: 'up' });
      await eventually(async () =>
        expect((await service.get('/health/ready')).body).toEqual({
          status: 'up',
          role: 'all',
          dependencies: { postgres: 'up', queue: 'up', progress: 'up' },
        }),
      );
      const metrics = (await service.get('/metrics')).text;
      for (const name of [
        'revenueflow_leads_total',
        'revenueflow_ack_seconds',
        'revenueflow_speed_to_lead_seconds',
        'revenueflow_backlog',
      ]) {
        expect(metrics).toContain(name);
      }
    });

    each('loses nothing to a kill -9 between ack and processing', async () => {
      const ids: string[] = [];
      const post = async (index: number) => {
        const { status, body } = await service.post({ email: `k${index}@acme.com`, campaign_id: 'kill' });
        if (status === 202) ids.push(body.leadId);
      };
      const posts = Promise.allSettled(Array.from({ length: 200 }, (_, index) => post(index)));
      await eventually(() => expect(ids.length).toBeGreaterThan(50));
      await service.kill();
      await posts;
      const acked = [...ids];
      service = await startProcess(env);
      for (const id of acked) await untilSynced(id);
      // Includes leads that were committed but not acknowledged when the process was killed.
      await eventually(async () =>
        expect((await sql.query("SELECT 1 FROM ledger.leads WHERE state <> 'synced'")).rowCount).toBe(0),
      );
      const [rows, leads, members] = await records();
      expect(rows).toBeGreaterThanOrEqual(acked.length);
      expect([leads, members]).toEqual([await count('mock_crm.leads'), await count('mock_crm.campaign_members')]);
      expect(await records()).toEqual([rows, rows, rows]);
    });
  });
});
