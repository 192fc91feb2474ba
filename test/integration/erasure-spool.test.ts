import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisSpool } from '../../src/ingress/spool/redis-spool.js';
import { SpoolDrainer } from '../../src/ingress/spool/spool-drainer.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { PrivacyService } from '../../src/ops/privacy/privacy.service.js';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import type { QueueBackend } from '../../src/queue/queue-backend.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';

const logger = pino({ level: 'silent' });

describe.skipIf(findRedisServer() === null && !process.env['CI'])('an erasure, with leads in the spool', () => {
  const undo: (() => Promise<unknown>)[] = [];
  let redis: EmbeddedServer;
  let spool: RedisSpool;
  let pool: Pool;
  let ledger: LedgerRepositories;
  let people: PrivacyService;

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'revenueflow-spool-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    redis = await startEmbeddedRedis({ binary: findRedisServer()!, folder, settings: { appendfsync: 'always' } });
    undo.push(() => redis.stop());
    spool = new RedisSpool(redis.url, 'fsync', Date.now);
    undo.push(() => spool.close());
    await spool.connected();
    const database = await freshDatabase();
    undo.push(() => database.drop());
    pool = openPool({ url: database.url, max: 5, timeoutMs: 5000, name: 'test' });
    undo.push(() => pool.end());
    ledger = ledgerOn(pool);
    const backend = { queue: () => ({ forget: async () => 0 }) } as unknown as QueueBackend;
    people = new PrivacyService({ ...ledger, spool, backend, logger, graceMs: 0, crmWithinMs: 0 });
  });
  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  });

  const lead = (email: string, campaignId: string) => ({
    id: leadIdOf(email, campaignId),
    personKey: personKeyOf(email),
    email,
    emailRaw: email,
    campaignId,
    name: 'Ann Lee',
    attributes: {},
  });
  const drainer = (stepping: Pick<RedisSpool, 'read' | 'remove' | 'size'> = spool) =>
    new SpoolDrainer({
      ...ledger,
      spool: stepping as RedisSpool,
      publisher: { publish: () => {} },
      logger,
      metrics: createMetrics(),
    });
  const emails = async () =>
    (await pool.query<{ email: string }>('SELECT email FROM ledger.leads')).rows.map(({ email }) => email);

  it('keeps the time of receipt by the clock of PostgreSQL', async () => {
    const ahead = new RedisSpool(redis.url, 'fsync', () => Date.UTC(2040, 0, 2, 3, 4, 5, 6));
    undo.push(() => ahead.close());
    await ahead.connected();
    await ahead.write(lead('ann@acme.com', 'c'));
    expect((await ahead.read(1))[0]!.lead!.receivedAt).toBe('2040-01-02T03:04:05.006000Z');
  });

  it('takes the person’s out of it, however many others there are, and shows them before', async () => {
    for (let n = 0; n < 30; n++) {
      const others = Array.from({ length: 50 }, (_, index) => lead(`p${n}-${index}@acme.com`, 'c'));
      await Promise.all([...others, ...(n % 10 === 0 ? [lead('ann@acme.com', `c${n}`)] : [])].map((one) => spool.write(one)));
    }
    expect((await people.export('ann@acme.com', 'ann')).spool.map(({ campaignId }) => campaignId)).toEqual(['c0', 'c10', 'c20']);
    expect((await people.erase('ann@acme.com', 'ann')).counts).toMatchObject({ spool: 3, leads: 0 });
    expect(await spool.size()).toBe(1500);
    expect((await people.export('ann@acme.com', 'ann')).spool).toEqual([]);
  });

  it('waits for a drain that has read them, so that they do not come back after it', async () => {
    await Promise.all([spool.write(lead('ann@acme.com', 'c')), spool.write(lead('bob@acme.com', 'c'))]);
    let goOn = () => {};
    const halted = new Promise<void>((resolve) => (goOn = resolve));
    let hasRead = false;
    const draining = drainer({
      size: () => spool.size(),
      remove: (entries) => spool.remove(entries),
      read: async (limit) => {
        const leads = await spool.read(limit);
        hasRead = true;
        await halted;
        return leads;
      },
    });
    draining.start();
    await eventually(() => expect(hasRead).toBe(true));
    const erasing = people.erase('ann@acme.com', 'ann');
    goOn();
    expect((await erasing).counts).toMatchObject({ leads: 1, events: 1, spool: 0 });
    await draining.stop();
    expect(await emails()).toEqual(['bob@acme.com']);
  });

  it('does nothing while Redis is down, and returns an error', async () => {
    await ledger.intake.accept(lead('ann@acme.com', 'c'));
    await redis.stop();
    const refused = { code: 'QUEUE_UNAVAILABLE', message: expect.stringMatching(/The ledger was not touched; ask again/) };
    await expect(people.erase('ann@acme.com', 'ann')).rejects.toMatchObject(refused);
    await expect(people.export('ann@acme.com', 'ann')).rejects.toMatchObject(refused);
    expect(await emails()).toEqual(['ann@acme.com']);
  });
});
