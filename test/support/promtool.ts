import { execFileSync, spawnSync } from 'node:child_process';

/** CI has promtool (.ci/run installs it); elsewhere the tests that need it are skipped where it is missing. */
export function hasPromtool(): boolean {
  const found = spawnSync('promtool', ['--version']).status === 0;
  if (!found && process.env['CI']) throw new Error('CI needs promtool: apt-get install prometheus');
  return found;
}

/** Runs promtool and returns what it prints. @throws with its complaint. */
export function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`promtool ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}
