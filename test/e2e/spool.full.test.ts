import { Redis } from 'ioredis';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findRedisServer, startEmbeddedRedis } from '../../src/platform/embedded/redis.js';
import { eventually } from '../support/eventually.js';
import { OutageWorld, type Ack } from '../support/outage-world.js';

const SYNCS_EACH_WRITE = { appendfsync: 'always' };

describe.skipIf(findRedisServer() === null && !process.env['CI'])('the spool, in a Redis that syncs each write', () => {
  const world = new OutageWorld({ shared: true });
  const start = () => world.sharedService({}, SYNCS_EACH_WRITE);

  it('accepts leads while PostgreSQL is down, under the ids that they will have', async () => {
    const service = await start();
    await world.postMany(service, 20);
    await world.killPostgres();
    // The first requests detect the outage; after them all requests use the spool.
    const first = await world.postMany(service, 20);
    const during = await world.postMany(service, 200);
    expect([...first, ...during].every(({ status }) => status === 202)).toBe(true);
    await eventually(async () =>
      expect((await service.get('/health/ready')).body).toMatchObject({
        status: 'up',
        dependencies: { postgres: 'down', queue: 'up' },
      }),
    );
    await world.startPostgres();
    await world.allSynced(240);
    const { rows } = await world.sql.query<{ id: string }>('SELECT id FROM ledger.leads');
    expect(new Set(rows.map(({ id }) => id))).toEqual(
      expect.objectContaining(new Set([...first, ...during].map(({ id }) => id))),
    );
    expect(service.output().match(/leads go to the spool"/g)).toHaveLength(2); // once at the start, once at the switch
    await eventually(() => expect(service.output().match(/PostgreSQL is back/g)).toHaveLength(1));
  });

  it('keeps the order of one lead, and recognises what is there already', async () => {
    const service = await start();
    const lead = { email: 'order@acme.com', campaign_id: 'spool', title: 'one' };
    const { leadId } = (await service.post(lead)).body;
    await world.killPostgres();
    for (const title of ['one', 'two', 'three']) {
      const { status, body } = await service.post({ ...lead, title });
      expect([status, body]).toEqual([202, { status: 'accepted', leadId, duplicate: false }]);
    }
    await world.startPostgres();
    await eventually(async () => {
      const { body } = await service.get(`/ops/leads/${leadId}`);
      expect([body.state, body.revision, body.attributes]).toEqual(['synced', 3, { title: 'three' }]);
    });
  });

  it.each([
    ['writes no file', 'appendonly', 'no'],
    ['syncs its file once a second, whatever WAITAOF says', 'appendfsync', 'everysec'],
  ])('is not used in a Redis that %s', async (_, setting, value) => {
    const service = await start();
    const admin = new Redis(world.redis!.url);
    onTestFinished(() => admin.disconnect());
    await admin.config('SET', setting, value);
    await world.killPostgres();
    try {
      expect((await world.postMany(service, 20)).every(({ status }) => status === 503)).toBe(true);
      expect(await admin.xlen('{revenueflow}:spool')).toBe(0);
    } finally {
      await admin.config('SET', setting, setting === 'appendonly' ? 'yes' : 'always');
      await world.startPostgres();
    }
  });

  // The last one: both stores stay down.
  it('never answers 2xx while both stores are down', async () => {
    const service = await start();
    await world.killPostgres();
    await world.killRedis();
    const during = await world.postMany(service, 60);
    expect(during.every(({ status }) => status === 503)).toBe(true);
    expect((await service.get('/health/ready')).status).toBe(503);
  });
});

describe.skipIf(findRedisServer() === null && !process.env['CI'])('the spool, and a service that crashes', () => {
  const world = new OutageWorld();

  it('survives a kill -9 of the service between spooling and draining', async () => {
    const { url } = await world.startRedis(SYNCS_EACH_WRITE);
    const service = await world.startService({ REDIS_URL: url });
    await world.killPostgres();
    const during = await world.postMany(service, 100);
    expect(during.every(({ status }) => status === 202)).toBe(true);
    await service.kill();
    await world.startPostgres();
    await world.startService({ REDIS_URL: url });
    await world.allSynced(100);
  });
});

describe.skipIf(findRedisServer() === null)('the spool, in the memory of a replica', () => {
  const world = new OutageWorld();

  it('takes the leads while a replica confirms them, and none from the moment that it does not', async () => {
    const redis = await world.startRedis({ appendonly: 'no' });
    const replica = await startEmbeddedRedis({ binary: findRedisServer()!, folder: join(world.folder, 'replica') });
    world.undo.push(() => replica.stop());
    await follow(replica.url, redis.url);
    const service = await world.startService({ REDIS_URL: redis.url, SPOOL: 'replica' });
    await world.killPostgres();

    const confirmed = await world.postMany(service, 40);
    expect(confirmed.every(({ status }) => status === 202)).toBe(true);

    process.kill(replica.pid, 'SIGSTOP');
    world.undo.push(async () => process.kill(replica.pid, 'SIGCONT'));
    const unconfirmed = await world.postMany(service, 20);
    expect(unconfirmed.every(({ status }) => status === 503)).toBe(true);

    await world.startPostgres();
    await allSynced(world, confirmed);
  });
});

/**
 * Leads that were answered 503 may have reached the spool. Then they are processed, and a re-send is their duplicate.
 */
async function allSynced(world: OutageWorld, acks: Ack[]): Promise<void> {
  await eventually(async () => {
    const { rows } = await world.sql.query<{ id: string }>("SELECT id FROM ledger.leads WHERE state = 'synced'");
    const synced = new Set(rows.map(({ id }) => id));
    expect(acks.filter(({ id }) => !synced.has(id))).toEqual([]);
  });
}

/** Waits until the replica has caught up, because WAIT counts only replicas that have. */
async function follow(replicaUrl: string, primaryUrl: string): Promise<void> {
  const primary = new URL(primaryUrl);
  const admin = new Redis(replicaUrl);
  try {
    await admin.config('SET', 'masterauth', primary.password);
    await admin.replicaof(primary.hostname, primary.port);
    await eventually(async () => expect(await admin.info('replication')).toContain('master_link_status:up'));
  } finally {
    admin.disconnect();
  }
}
