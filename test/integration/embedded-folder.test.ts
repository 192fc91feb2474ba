import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asDataDirError } from '../../src/platform/embedded/data-dir-error.js';
import { lockDataDir, type InstanceLock } from '../../src/platform/embedded/instance-lock.js';
import { copyToCache } from '../../src/platform/embedded/postgres-binaries.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { FULL } from '../support/full.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// Where sockets are files, one may be left over. Linux supports that way too.
describe.each([process.platform, 'darwin'] as const)('the lock of a data folder, as on %s', (platform) => {
  it('is had by one of many that race for it after a kill -9', async () => {
    for (let round = 0; round < 5; round++) {
      await leaveSocketBehind();
      const taken = await Promise.allSettled(Array.from({ length: 12 }, () => lockDataDir(folder, platform)));
      const locks = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const reasons = taken.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
      expect(locks).toHaveLength(1);
      expect(new Set(reasons)).toEqual(new Set([expect.stringContaining(`(process ${process.pid}) is running`)]));
      await locks[0]!.release();
    }
  });

  it('can be had again once it is released, by whatever path', async () => {
    const first = await lockDataDir(folder, platform);
    await expect(lockDataDir(join(folder, '..', folder.split('/').at(-1)!), platform)).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
    });
    await first.release();
    const second: InstanceLock = await lockDataDir(folder, platform);
    await second.release();
  });
});

/** The file of a socket whose process was killed. */
async function leaveSocketBehind(): Promise<void> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  const address = join(tmpdir(), `revenueflow-${dev}-${ino}.sock`);
  try {
    execFileSync(process.execPath, ['-e', script, address], { stdio: 'ignore' });
  } catch {
    expect((await stat(address)).isSocket()).toBe(true);
  }
}

it('takes an owner that does not answer for alive', async () => {
  const { dev, ino } = await stat(folder, { bigint: true });
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(join(tmpdir(), `revenueflow-${dev}-${ino}.sock`), resolve));
  await expect(lockDataDir(folder, 'darwin')).rejects.toThrow('process of unknown id');
  silent.close();
});

it('opens the cache of the binaries to the user that runs them, whatever the umask', async () => {
  await mkdir(join(folder, 'native/bin'), { recursive: true });
  await writeFile(join(folder, 'native/bin/postgres'), '', { mode: 0o700 });
  const before = process.umask(0o077);
  try {
    const cache = join(folder, 'cache');
    const copy = await copyToCache(join(folder, 'native'), '1', cache);
    for (const place of [cache, copy, join(copy, 'bin/postgres')]) expect((await stat(place)).mode & 0o777).toBe(0o755);
    await chmod(cache, 0o700); // as an earlier version left it
    expect(await copyToCache(join(folder, 'native'), '1', cache)).toBe(copy);
    expect((await stat(cache)).mode & 0o777).toBe(0o755);
  } finally {
    process.umask(before);
  }
});

it.runIf(FULL)('leaves the data of another PostgreSQL version as it is', async () => {
  await mkdir(join(folder, 'data'), { recursive: true });
  await writeFile(join(folder, 'data/PG_VERSION'), '17\n');
  const error = (await startEmbeddedPostgres({ folder }).catch((reason: unknown) => reason)) as Error;
  expect(error.message).toBe(
    `${folder} has a cluster of PostgreSQL 17, and this is PostgreSQL 18. Nothing in it was changed. ` +
      'Point DATA_DIR at an empty folder, or set DATABASE_URL.',
  );
  expect(await readFile(join(folder, 'data/PG_VERSION'), 'utf8')).toBe('17\n');
});

it('speaks of the data folder only where it is at fault', () => {
  const refusal = (code: string, path: string, syscall = 'mkdir') => Object.assign(new Error(code), { code, path, syscall });
  const said = (error: unknown) => (asDataDirError(error, '/d') as Error).message;
  expect(said(refusal('EACCES', '/d'))).toMatch(
    /^The data folder \/d cannot be written to by this user\. What was in it is as it was/,
  );
  expect(said(refusal('ENOSPC', '/d/postgres'))).toMatch(/\(here \/d\/postgres\) is on a disk that is full.*Free some space/);
  for (const other of [refusal('EACCES', '/elsewhere'), refusal('EACCES', '/d/x', 'spawn /d/x'), refusal('EIO', '/d')])
    expect(asDataDirError(other, '/d')).toBe(other);
});
