import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Compiles the service: processes under test run the compiled code, as users do. */
export function setup(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build-if-stale.mjs')], { stdio: 'inherit' });
}
