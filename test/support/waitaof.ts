import { spawnSync } from 'node:child_process';

/** A server that knows WAITAOF: Redis 7.2, or any Valkey. Debian 12 has it in its backports alone, so it may be missing even in CI. */
export function findServerWithWaitAof(): string | null {
  for (const name of ['valkey-server', 'redis-server']) {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    const [, major, minor] = (status === 0 && /v=(\d+)\.(\d+)/.exec(stdout)) || [];
    if (Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 2)) return name;
  }
  return null;
}
