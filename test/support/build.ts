import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The processes under test run what users run: the compiled service. */
export function setup(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build-if-stale.mjs')], { stdio: 'inherit' });
}
