import { beforeEach, describe, expect, it } from 'vitest';
import { rotate } from '../lambda/rotate-webhook-secret/rotate.mjs';

const FIRST = 'the-first-webhook-secret-of-the-stack-1';

/** Secrets Manager, the api and the topic, as far as a rotation meets them. */
class World {
  versions = new Map<string, string>([['v1', FIRST]]);
  current = 'v1';
  restarts = 0;
  told: string[] = [];

  read = async (stage: 'AWSCURRENT' | 'AWSPENDING', version?: string) =>
    this.versions.get(stage === 'AWSCURRENT' ? this.current : version!) ?? null;
  writePending = async (version: string, value: string) => void this.versions.set(version, value);
  currentVersion = async () => this.current;
  makeCurrent = async (version: string) => void (this.current = version);
  restartApi = async () => void this.restarts++;
  tell = async (subject: string, text: string) => void this.told.push(`${subject}\n${text}`);

  async step(Step: string, version: string): Promise<void> {
    await rotate({ Step, SecretId: 'webhooks', ClientRequestToken: version }, this);
  }
  async rotateTo(version: string): Promise<string[]> {
    for (const step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret']) await this.step(step, version);
    return this.versions.get(this.current)!.split(',');
  }
}

describe('the rotation of the webhook secrets', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  it('keeps the one that Marketo still sends beside a new one', async () => {
    const [newest, previous, ...others] = await world.rotateTo('v2');
    expect(previous).toBe(FIRST);
    expect(newest).toMatch(/^[0-9a-f]{72}$/);
    expect(others).toEqual([]);
  });

  it('ends a secret at the second rotation, never at the first', async () => {
    const [second] = await world.rotateTo('v2');
    const [third, still] = await world.rotateTo('v3');
    expect(still).toBe(second);
    expect(third).not.toBe(second);
    expect(world.versions.get('v3')).not.toContain(FIRST);
  });

  it('restarts the api once, after the new value is in force, and notifies the address that must change Marketo, without the value', async () => {
    const [newest, previous] = await world.rotateTo('v2');
    expect(world.restarts).toBe(1);
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toContain('Marketo');
    for (const secret of [newest!, previous!]) expect(world.told[0]).not.toContain(secret);
  });

  it('makes one secret however often a step is repeated', async () => {
    await world.step('createSecret', 'v2');
    const made = world.versions.get('v2');
    await world.step('createSecret', 'v2');
    expect(world.versions.get('v2')).toBe(made);
    await world.rotateTo('v2');
    await world.step('finishSecret', 'v2');
    expect(world.current).toBe('v2');
  });

  it.each([
    ['a single one', 'only-one-secret-that-is-long-enough-000'],
    ['one that is too short', `short,${FIRST}`],
    ['two alike', `${FIRST},${FIRST}`],
    ['one without the present one', 'a-new-secret-that-is-long-enough-0001,another-secret-that-is-long-enough-1'],
  ])('refuses %s before it is in force', async (_, pending) => {
    world.versions.set('v2', pending);
    await expect(world.step('testSecret', 'v2')).rejects.toThrow(/Nothing was changed/);
    expect(world.current).toBe('v1');
    expect(world.restarts).toBe(0);
  });

  it('refuses an unknown step and an empty secret', async () => {
    await expect(world.step('somethingElse', 'v2')).rejects.toThrow(/not known here/);
    world.versions.set('v1', '');
    await expect(world.step('createSecret', 'v2')).rejects.toThrow(/empty/);
  });
});
