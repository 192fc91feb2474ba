import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { World } from '../world.js';
import type { Scenarios } from './scenario.js';

const MOUNTS = new WeakMap<World, string>();

/** PostgreSQL has a small file system of its own, which fills up. */
export const DISK_SCENARIOS: Scenarios = {
  'disk-full': {
    about: "PostgreSQL's disk is full for some seconds (needs the right to mount a tmpfs)",
    trials: { full: 20, ci: 1 },
    async open() {
      const mount = mkdtempSync(join(tmpdir(), 'revenueflow-disk-'));
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=320m,mode=0755', 'tmpfs', mount], { stdio: 'ignore' });
      } catch {
        rmSync(mount, { recursive: true });
        return null;
      }
      const world = await World.start({}, { postgresFolder: join(mount, 'postgres') });
      MOUNTS.set(world, mount);
      return world;
    },
    async close(world) {
      const mount = MOUNTS.get(world)!;
      execFileSync('umount', ['-l', mount]);
      rmSync(mount, { recursive: true, force: true });
    },
    async fault({ world, random }) {
      const filler = join(MOUNTS.get(world)!, 'filler');
      const { bavail, bsize } = statfsSync(MOUNTS.get(world)!);
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize));
      } catch (error) {
        // PostgreSQL used the last blocks first, so the disk is full as well.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
      await sleep(random.between(1000, 4000));
      rmSync(filler);
      // A PostgreSQL that cannot write its log exits; its supervisor starts it again.
      const alive = await world.query('SELECT 1').then(
        () => true,
        () => false,
      );
      if (alive) return;
      const pid = world.postgres.pid;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has exited by itself.
      }
      await world.postgres.exited;
      await world.startPostgres();
    },
  },
};
