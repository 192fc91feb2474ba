import { execFileSync, spawnSync } from 'node:child_process';

/** CI has promtool (.ci/run installs it). On machines without it, the tests that need it are skipped. */
export function hasPromtool(): boolean {
  const found = spawnSync('promtool', ['--version']).status === 0;
  if (!found && process.env['CI']) throw new Error('CI needs promtool: apt-get install prometheus');
  return found;
}

/** Runs promtool and returns its output. @throws with its error message. */
export function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`promtool ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}
