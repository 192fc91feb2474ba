import { describe, expect, it } from 'vitest';
import type { Config } from '../platform/config/config.js';
import { HealthController } from './health.controller.js';

/** A service whose stores and clock a test controls. */
function open(canAck?: () => Promise<boolean>) {
  const world = { postgres: true, queue: true, moving: true, now: 1_000_000 };
  const answer = (up: boolean) => (up ? Promise.resolve() : Promise.reject(new Error('away')));
  const controller = new HealthController(
    { ping: () => answer(world.postgres) } as never,
    { ping: () => answer(world.queue) } as never,
    { ROLE: canAck ? 'api' : 'worker' } as Config,
    { now: () => world.now },
    canAck,
    () => world.moving,
  );
  const ready = async () => {
    let status = 0;
    const body = await controller.ready({ code: (code: number) => void (status = code) } as never);
    return { status, ...body.dependencies };
  };
  return { world, ready };
}

describe('readiness', () => {
  it('of a worker outlasts a short outage of a store, shows it, and ends with a long one', async () => {
    const { world, ready } = open();
    expect(await ready()).toEqual({ status: 200, postgres: 'up', queue: 'up', progress: 'up' });
    world.queue = false;
    world.now += 29_000;
    expect(await ready()).toEqual({ status: 200, postgres: 'up', queue: 'down', progress: 'up' });
    world.now += 1000;
    expect(await ready()).toEqual({ status: 503, postgres: 'up', queue: 'down', progress: 'up' });
    world.queue = true;
    expect((await ready()).status).toBe(200);
  });

  it('of a worker whose stores have never answered is not given', async () => {
    const { world, ready } = open();
    world.postgres = false;
    expect((await ready()).status).toBe(503);
  });

  it('of a worker ends at once where it consumes nothing while both stores are up', async () => {
    const { world, ready } = open();
    expect((await ready()).status).toBe(200);
    world.moving = false;
    expect(await ready()).toEqual({ status: 503, postgres: 'up', queue: 'up', progress: 'down' });
  });

  it('of an api is whether it can acknowledge, whatever the stores do', async () => {
    let can = true;
    const { world, ready } = open(async () => can);
    world.postgres = false;
    expect((await ready()).status).toBe(200);
    can = false;
    expect((await ready()).status).toBe(503);
  });
});
