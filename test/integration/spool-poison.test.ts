import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/app-error.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { RedisSpool } from '../../src/ingress/spool/redis-spool.js';
import { SpoolDrainer, type DrainTools } from '../../src/ingress/spool/spool-drainer.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase, freshRedis, hasRedis } from '../support/database.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';

const STREAM = '{revenueflow}:spool';

describe.skipIf(!hasRedis() && !process.env['CI'])('a spool with entries that cannot be stored', () => {
  const undo: (() => Promise<unknown>)[] = [];
  let pool: Pool;
  let ledger: LedgerRepositories;
  let redis: Redis;
  let url: string;
  let spool: RedisSpool;
  let logged: string[];
  let published: string[];

  beforeEach(async () => {
    const database = await freshDatabase();
    undo.push(() => database.drop());
    pool = openPool({ url: database.url, max: 5, timeoutMs: 5000, name: 'test' });
    undo.push(() => pool.end());
    ledger = ledgerOn(pool);
    url = (await freshRedis())!.url;
    redis = new Redis(url);
    undo.push(async () => redis.disconnect());
    spool = new RedisSpool(url, 'fsync', Date.now);
    undo.push(() => spool.close());
    await spool.connected();
    logged = [];
    published = [];
  });
  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  });

  const lead = (name: string, campaignId = 'c') => ({
    id: leadIdOf(`${name}@acme.com`, campaignId),
    personKey: personKeyOf(`${name}@acme.com`),
    email: `${name}@acme.com`,
    emailRaw: `${name}@acme.com`,
    campaignId,
    name,
    attributes: { title: 'CEO' },
    receivedAt: new Date().toISOString(),
  });
  const add = (text: string) => redis.xadd(STREAM, '*', 'lead', text);
  const drainer = (tools: Partial<DrainTools> = {}) =>
    new SpoolDrainer({
      ...ledger,
      spool,
      publisher: { publish: (_stage, { leadId }) => void published.push(leadId) },
      logger: pino({ level: 'error' }, { write: (line: string) => void logged.push(line) }),
      metrics: createMetrics(),
      ...tools,
    });
  const names = async () =>
    (await pool.query<{ name: string }>('SELECT name FROM ledger.leads ORDER BY name')).rows.map(({ name }) => name);
  const parked = async () => {
    const found = [];
    for await (const { code, body } of ledger.rejections.openRejections(100)) found.push([code, body.toString()]);
    return found;
  };

  it.each([
    ['no JSON', '{"id": '],
    ['no lead', '{"id": "x"}'],
    ['nothing', ''],
  ])('keeps one that is %s as a rejection, and stores those behind it', async (_, text) => {
    await add(JSON.stringify(lead('before')));
    await add(text);
    await add(JSON.stringify(lead('behind')));
    await drainer().poll();
    expect(await names()).toEqual(['before', 'behind']);
    expect(await parked()).toEqual([['INVALID_BODY', text]]);
    expect(await spool.size()).toBe(0);
    expect(logged).toHaveLength(1);
    expect(published).toHaveLength(2);
  });

  it('finds the one that PostgreSQL refuses among many, and keeps it so that it can be replayed', async () => {
    for (let n = 0; n < 40; n++) await add(JSON.stringify(lead(n === 17 ? 'bad\u0000' : `p${n}`, 'c')));
    await drainer().poll();
    expect(await names()).toHaveLength(39);
    const [[code, body]] = (await parked()) as [[string, string]];
    expect([code, JSON.parse(body)]).toEqual([
      'INVALID_LEAD',
      { email: 'bad\u0000@acme.com', campaign_id: 'c', name: 'bad\u0000', title: 'CEO' },
    ]);
    expect(await spool.size()).toBe(0);
  });

  it('parks the lead that a fault of ours refuses, and no other', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await add(JSON.stringify(lead(name)));
    await pool.query("ALTER TABLE ledger.leads ADD CONSTRAINT refuse CHECK (name <> 'c')");
    await drainer().poll();
    expect(await names()).toEqual(['a', 'b', 'd']);
    expect((await parked()).map(([code]) => code)).toEqual(['UNEXPECTED']);
  });

  it.each([
    ['PostgreSQL is unavailable', new AppError('LEDGER_UNAVAILABLE', 'no answer')],
    ['a statement is wrong', new AppError('UNEXPECTED', 'm', { cause: { code: '42703', severity: 'ERROR' } })],
  ])('keeps all of them where %s, and logs it once', async (_, error) => {
    for (const name of ['a', 'b']) await add(JSON.stringify(lead(name)));
    const failing = drainer({ intake: { acceptSpooled: () => Promise.reject(error) } });
    await failing.poll();
    await failing.poll();
    expect([await spool.size(), await parked(), logged.length]).toEqual([2, [], 1]);
    expect(logged[0]).toContain('cannot be drained now');
  });

  it.each([
    ['entries', { entries: 5, bytes: 1e9 }, 20, 5],
    ['bytes', { entries: 1e6, bytes: 200_000 }, 10_000, 40],
  ])(
    'is bounded in %s: it refuses what no longer fits, and takes leads again when it has room',
    async (_, limits, length, atMost) => {
      await redis.config('SET', 'appendonly', 'yes');
      undo.push(() => redis.config('SET', 'appendfsync', 'everysec'));
      await redis.config('SET', 'appendfsync', 'always');
      const small = new RedisSpool(url, 'fsync', Date.now, limits);
      undo.push(() => small.close());
      await small.connected();
      const write = (number: number) => small.write({ ...lead(`n${number}`), attributes: { message: 'x'.repeat(length) } });
      let written = 0;
      const full = await (async () => {
        for (; written < 1000; written++) await write(written);
      })().catch((error: Error) => error);
      expect(full).toMatchObject({ message: 'the spool is full' });
      expect(written).toBeGreaterThan(0);
      expect(written).toBeLessThanOrEqual(atMost);
      await drainer().poll();
      await write(written);
      expect(await small.size()).toBe(1);
    },
  );
});
