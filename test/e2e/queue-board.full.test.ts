import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { BACKENDS } from '../support/full.js';
import { OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const BOARD = '/ops/queues/board';
const VIEWER = 'v'.repeat(40);
const password = (secret: string) => ({ authorization: `Basic ${Buffer.from(`anyone:${secret}`).toString('base64')}` });

interface ShownQueues {
  queues: { name: string; readOnlyMode: boolean; counts: Record<string, number>; jobs: { id: string; data: object }[] }[];
}

describe.each(BACKENDS)('the board of the queues on %s', (kind) => {
  describe.skipIf(kind === 'redis' && !hasRedis())('', () => {
    let database: Awaited<ReturnType<typeof freshDatabase>>;
    let sql: pg.Client;
    let service: RunningProcess;
    let leadId: string;

    beforeAll(async () => {
      database = await freshDatabase();
      sql = new pg.Client({ connectionString: database.url });
      await sql.connect();
      const redis = kind === 'redis' ? await freshRedis() : null;
      service = await startProcess({
        DATABASE_URL: database.url,
        QUEUE_BACKEND: kind,
        ...(redis ? { REDIS_URL: redis.url } : {}),
        ...OPERATORS,
      });
      await sql.query(`ALTER TABLE mock_crm.leads ADD CONSTRAINT likes_names CHECK (last_name NOT LIKE 'Refused%')`);
      const headers = { 'x-webhook-secret': SECRET };
      for (const campaign of ['first', 'board']) {
        const lead = { email: 'secret.person@acme.com', name: 'Ann Refused', campaign_id: campaign, message: 'Call 555-0100' };
        leadId = (await service.post(lead, { headers })).body.leadId;
        await eventually(async () => expect(await dead()).toContain(leadId));
      }
      // Of two dead letters that are replayed at this rate, the second has a job that is delayed for 100 s.
      const replay = await fetch(`${service.url}/ops/dead-letters/replay`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ all: true, perSecond: 0.01 }),
      });
      expect(replay.status).toBe(202);
      await eventually(async () => expect((await queuesOf(TOKEN)).queues.find(isCrm)!.counts['delayed']).toBe(1));
    });
    afterAll(async () => {
      await service.stop();
      await sql.end();
      await database.drop();
    });

    const isCrm = ({ name }: { name: string }) => name.endsWith('crm-sync');
    const ask = (path: string, init: RequestInit = {}) => fetch(`${service.url}${BOARD}${path}`, init);
    const put = (path: string, headers: Record<string, string>) => ask(path, { method: 'PUT', headers });
    const delayedJobs = (name: string) =>
      `/api/queues?activeQueue=${encodeURIComponent(name)}&status=delayed&page=1&jobsPerPage=10`;
    const dead = async () =>
      (await sql.query<{ id: string }>("SELECT id FROM ledger.leads WHERE state = 'dead'")).rows.map(({ id }) => id);

    async function queuesOf(secret: string, path = '/api/queues'): Promise<ShownQueues> {
      const answer = await ask(path, { headers: password(secret) });
      expect(answer.status).toBe(200);
      return (await answer.json()) as ShownQueues;
    }

    it('requires a password on each of its paths', async () => {
      for (const path of ['', '/', '/queue/crm-sync', '/api/queues', '/api/redis/stats', '/static/js/main.js', '/static/x']) {
        for (const headers of [{}, password('x'.repeat(40)), password(SECRET), { authorization: `Bearer ${SECRET}` }]) {
          const answer = await ask(path, { headers });
          expect([answer.status, answer.headers.get('www-authenticate')], path).toEqual([401, expect.stringMatching(/^Basic /)]);
          expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
          expect(await answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
        }
      }
    });

    it('opens in a browser, and loads nothing from elsewhere', async () => {
      for (const headers of [password(TOKEN), { authorization: `Bearer ${VIEWER}` }]) {
        const page = await ask('', { headers });
        expect(page.status).toBe(200);
        expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/);
        const script = /src="(static\/js\/main[^"]+)"/.exec(await page.text())![1];
        expect((await ask(`/${script}`, { headers })).status).toBe(200);
      }
      expect((await ask('/api/redis/stats', { headers: password(VIEWER) })).status).toBe(200);
    });

    it('shows jobs that hold nothing personal', async () => {
      const crm = (await queuesOf(TOKEN, delayedJobs('crm-sync'))).queues.find(isCrm)!;
      expect(crm.jobs.map(({ data }) => data)).toEqual([{ leads: [{ leadId, epoch: expect.any(Number) }] }]);
      const answer = await ask(delayedJobs('crm-sync'), { headers: password(TOKEN) });
      expect(await answer.text()).not.toMatch(/secret\.person|Refused|555-0100/);
    });

    it('lets viewers read only, whatever role they claim', async () => {
      const claims = { ...password(VIEWER), 'x-revenueflow-role': 'operator' };
      const seen = (await (await ask('/api/queues', { headers: claims })).json()) as ShownQueues;
      expect(seen.queues.map(({ readOnlyMode }) => readOnlyMode)).toEqual([true, true]);
      const refused = await put('/api/queues/crm-sync/retry/failed', claims);
      expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ code: 'FORBIDDEN' })]);
    });

    it('lets operators run a delayed job at once, and writes down who did', async () => {
      expect((await queuesOf(TOKEN)).queues.map(({ name, readOnlyMode }) => [name, readOnlyMode])).toEqual([
        ['enrichment', false],
        ['crm-sync', false],
      ]);
      const [job] = (await queuesOf(TOKEN, delayedJobs('crm-sync'))).queues.find(isCrm)!.jobs;
      const answer = await put(`/api/queues/crm-sync/${job!.id}/promote`, password(TOKEN));
      expect(answer.status).toBeLessThan(300);
      const { rows } = await sql.query("SELECT who, act, detail FROM ledger.operator_acts WHERE act = 'board'");
      expect(rows).toEqual([
        {
          who: 'ann',
          act: 'board',
          detail: { act: '/api/queues/:queueName/:jobId/promote', queueName: 'crm-sync', jobId: job!.id },
        },
      ]);
      // The CRM refuses the lead again.
      await eventually(async () => expect(await dead()).toContain(leadId));
      expect((await queuesOf(TOKEN)).queues.find(isCrm)!.counts['delayed']).toBe(0);
    });

    it('refuses what would go behind the back of the ledger, and requests of other pages', async () => {
      for (const act of ['pause', 'resume', 'empty', 'obliterate', 'concurrency']) {
        const answer = await put(`/api/queues/crm-sync/${act}`, password(TOKEN));
        expect([answer.status, await answer.json()], act).toEqual([403, expect.objectContaining({ code: 'FORBIDDEN' })]);
      }
      for (const [header, value] of [
        ['origin', 'https://evil.example'],
        ['sec-fetch-site', 'cross-site'],
        ['origin', 'null'],
      ] as const) {
        const answer = await put('/api/queues/crm-sync/promote', { ...password(TOKEN), [header]: value });
        expect([answer.status, await answer.json()]).toEqual([403, expect.objectContaining({ code: 'CROSS_SITE' })]);
      }
      const own = { ...password(TOKEN), origin: service.url, 'sec-fetch-site': 'same-origin' };
      expect((await put('/api/queues/crm-sync/promote', own)).status).toBe(200);
    });
  });
});
